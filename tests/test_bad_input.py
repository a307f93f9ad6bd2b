"What every export does with input it wasn't made for: it works as a user would expect, or says what was expected and what came."
import importlib
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from test_package import MODULES

from digits_uth.cnn import Moved, digit_cnn, predict
from digits_uth.data import load_mnist, require, threes_and_sevens
from digits_uth.distances import ideal_digit, is_3, mae, mnist_distance, nearest_ideal, rmse
from digits_uth.learner import digit_dls, digit_learner, load_model, save_model
from digits_uth.loss import batch_accuracy, init_params, linear1, mnist_loss
from digits_uth.models import activations, simple_net
from digits_uth.optimizers import Adam, BasicOptim, Momentum, find_lr
from digits_uth.pixels import alt, pixel_table, show_image, show_images
from digits_uth.sgd import gradient_descent, mse, numerical_gradient, plot_function, quadratic
from digits_uth.ten_digits import accuracy, all_digits, confusion_matrix, cross_entropy, softmax
from digits_uth.training import calc_grad, plot_history, train_epoch, train_model, validate_epoch

im = torch.rand(28, 28, generator=torch.Generator().manual_seed(0))
ims = torch.stack([im, im / 2, im / 3])
nan, raw = im.clone(), (im * 255).byte()
nan[3, 3] = float('nan')
preds, targets = torch.tensor([[2.], [-1.], [.5], [0.]]), torch.tensor([[1], [0], [1], [0]])
linear, diverged = torch.nn.Linear(1, 1), torch.nn.Linear(784, 10)
torch.nn.init.constant_(diverged.weight, float('nan'))
three, double = torch.ones(3), torch.ones(3, dtype=torch.float64)
WORKS = None


def step(batches, loss_func=mnist_loss):
    "An epoch of a linear model of one number."
    w = torch.zeros(1, 1).requires_grad_()
    return train_epoch(lambda xb: xb @ w, batches, loss_func, torch.optim.SGD([w], lr=.1))


def train(epochs, dl=((preds, targets),), valid_dl=((preds, targets),), metric=batch_accuracy):
    w = torch.zeros(1, 1).requires_grad_()
    return train_model(lambda xb: xb @ w, dl, valid_dl, mnist_loss, torch.optim.SGD([w], lr=.1), epochs, metric)


def valid_loss(preds, targets):
    "A metric with the name of another number of the history."
    return batch_accuracy(preds, targets)


# export, what it is given, and what the ValueError says, its phrases between bars; or WORKS
ROWS = {
    'require': [
        (lambda: require(3, 'x', ('n',)), 'x: expected a float tensor of shape (n,) | got a value of type int | torch.tensor (lesson 01)'),
        (lambda: require(np.array(['3']), 'x', ('n',)), 'got a value of type ndarray'),
        (lambda: require(ims, 'x', ('...', 28, 27)), 'shape (..., 28, 27) | got shape (3, 28, 28)'),
        (lambda: require(torch.ones(2, dtype=torch.bool), 'x', ('n',), kind='int'), 'int tensor of shape (n,) | got torch.bool'),
        (lambda: require(torch.ones(2, dtype=torch.complex64), 'x', ('n',), kind='number'), 'torch.complex64'),
        (lambda: require(np.float32(ims), 'x', ('n', 28, 28)), WORKS),
        (lambda: require(torch.zeros(0), 'x', ('n',)), 'got an empty one, shape (0,)'),
        (lambda: require(torch.tensor(1.), 'x', ('n',)), 'got shape ()'),
    ],
    'load_mnist': [
        (lambda: load_mnist('valid'), "split: expected 'train' or 'test' | got 'valid' | lesson 00"),
        (lambda: load_mnist(None), 'got None | lesson 00'),
        (lambda: load_mnist('test', [3, 10]), 'digits: expected whole numbers from 0 to 9 | got [3, 10] | lesson 00'),
        (lambda: load_mnist('test', 3), 'got 3'),
        (lambda: load_mnist('test', []), 'got []'),
        (lambda: load_mnist('test', [3.0]), 'got [3.0]'),
        (lambda: load_mnist('test', '37'), "got '37'"),
        (lambda: load_mnist('test', [-1]), 'got [-1]'),
        (lambda: load_mnist('test', np.array([3, 7])), WORKS),
        (lambda: load_mnist('test', torch.tensor([3, 7])), WORKS),
    ],
    'mnist_sample': [],  # every case needs a folder of its own: test_data.py
    'threes_and_sevens': [(lambda: threes_and_sevens(), WORKS)],
    'show_image': [
        (lambda: show_image(raw), WORKS),
        (lambda: show_image(raw.numpy()), WORKS),
        (lambda: show_image(Image.fromarray(raw.numpy())), WORKS),
        (lambda: show_image(im[None]), WORKS),
        (lambda: show_image(im.double()), WORKS),
        (lambda: show_image(im.half()), WORKS),
        (lambda: show_image(raw.long()), WORKS),
        (lambda: show_image(im.clone().requires_grad_()), WORKS),
        (lambda: show_image(-im, vmin=-1, vmax=1), WORKS),
        (lambda: show_image(-im), 'im: expected a tensor of shape (h, w) with | values from 0 to 1 | got | values from -'),
        (lambda: show_image(im * 255), 'from 0 to 1 | got | values from | im.float() / 255 | lesson 01'),
        (lambda: show_image(raw.long() * 2), 'values from 0 to 255'),
        (lambda: show_image(nan), 'NaN or infinity'),
        (lambda: show_image(nan, vmin=0, vmax=1), 'NaN or infinity'),
        (lambda: show_image(ims), 'shape (h, w) | got shape (3, 28, 28)'),
        (lambda: show_image(im.flatten()), 'shape (h, w) | got shape (784,)'),
        (lambda: show_image(torch.zeros(0, 28)), 'got an empty one'),
        (lambda: show_image([[0, 1]]), 'got a list of 1 | use torch.stack or torch.tensor'),
        (lambda: show_image(None), 'got a value of type NoneType'),
        (lambda: show_image(im > .5), 'got torch.bool'),
    ],
    'show_images': [
        (lambda: show_images(ims), WORKS),
        (lambda: show_images(list(ims), titles='abc'), WORKS),
        (lambda: show_images(ims.numpy(), ncols=2), WORKS),
        (lambda: show_images([raw, im, im.numpy()]), WORKS),
        (lambda: show_images([]), 'ims: expected at least one picture | got none | lesson 01'),
        (lambda: show_images(ims[:0]), 'got an empty one'),
        (lambda: show_images(im), 'shape (..., n, h, w) | got shape (28, 28)'),
        (lambda: show_images(3), 'ims: expected pictures | got a value of type int | lesson 01'),
        (lambda: show_images(ims, titles=['one']), 'titles: expected 3, one a picture | got 1 | lesson 01'),
        (lambda: show_images(ims, ncols=0), 'ncols: expected 1 or more | got 0'),
        (lambda: show_images([im, nan]), 'NaN'),
    ],
    'pixel_table': [
        (lambda: pixel_table(raw), WORKS),
        (lambda: pixel_table(raw.numpy(), rows=slice(4, 10), cols=slice(4, 10)), WORKS),
        (lambda: pixel_table(im), WORKS),
        (lambda: pixel_table(Image.fromarray(raw.numpy())), WORKS),
        (lambda: pixel_table(ims), 'got shape (3, 28, 28)'),
        (lambda: pixel_table(im * 2), 'values from 0 to 1'),
        (lambda: pixel_table([1, 2]), 'got a list of 2'),
        (lambda: pixel_table(im, rows=slice(28, 30)), 'rows and cols: expected some of 28 rows and 28 columns | got none | lesson 01'),
    ],
    'alt': [
        (lambda: alt('A sentence.'), WORKS),
        (lambda: alt(' '), "text: expected a sentence that says what the figure shows | got ' ' (lesson 01)"),
        (lambda: alt(None), 'got None'),
    ],
    'ideal_digit': [
        (lambda: ideal_digit(ims), WORKS),
        (lambda: ideal_digit(ims.numpy()), WORKS),
        (lambda: ideal_digit(im), 'ims: expected a float tensor of shape (n, h, w) | got shape (28, 28) | lesson 02'),
        (lambda: ideal_digit(raw[None]), 'got torch.uint8 | use ims.float() / 255'),
        (lambda: ideal_digit(ims[:0]), 'empty'),
        (lambda: ideal_digit(nan[None]), 'NaN'),
        (lambda: ideal_digit(ims * 255), 'values from 0 to 1'),
        (lambda: ideal_digit(list(ims)), 'got a list of 3 | use torch.stack'),
    ],
    **{f.__name__: [
        (lambda f=f: f(ims, im), WORKS),
        (lambda f=f: f(ims.numpy(), im.numpy()), WORKS),
        (lambda f=f: f(ims[:, None], ims), WORKS),
        (lambda f=f: f(ims.double(), im), WORKS),
        (lambda f=f: f(im - 2, im), WORKS),  # a difference needs no range: rescaled pictures may be compared
        (lambda f=f: f(raw, raw), 'a: expected a float tensor of shape (..., h, w) | got torch.uint8 | use a.float() / 255 | lesson 02'),
        (lambda f=f: f(im, raw), 'b: expected a float tensor | got torch.uint8'),
        (lambda f=f: f(ims, im[:, :27]), 'b: expected a float tensor of shape (..., 28, 28) | got shape (28, 27)'),
        (lambda f=f: f(ims, ims[:2]), 'broadcasts with (3, 28, 28) | got shape (2, 28, 28)'),
        (lambda f=f: f(ims.flatten(1)[0], im), 'got shape (784,)'),
        (lambda f=f: f(list(ims), im), 'a: expected | got a list of 3'),
        (lambda f=f: f(ims[:0], im), 'empty'),
    ] for f in (mae, rmse)},
    'is_3': [
        (lambda: is_3(im, im, im), WORKS),
        (lambda: is_3(ims.numpy(), im, im, rmse), WORKS),
        (lambda: is_3(raw, im, im), 'ims: expected a float tensor of shape (..., h, w) | got torch.uint8 | lesson 02'),
        (lambda: is_3(ims * 255, im, im), 'ims: expected | values from 0 to 1 | got | values from'),
        (lambda: is_3(ims, im * 255, im), 'mean3: expected | values from 0 to 1'),
        (lambda: is_3(ims, im, im[:5]), 'mean7: expected a float tensor of shape (28, 28) | got shape (5, 28)'),
        (lambda: is_3(ims, ims, im), 'mean3: expected | got shape (3, 28, 28)'),
        (lambda: is_3(nan, im, im), 'NaN'),
        (lambda: is_3(ims[:0], im, im), 'empty'),
        (lambda: is_3([im], im, im), 'a list of 1'),
        (lambda: is_3(im.flatten(), im, im), 'got shape (784,)'),
    ],
    'nearest_ideal': [
        (lambda: nearest_ideal(ims, ims), WORKS),
        (lambda: nearest_ideal(ims.numpy(), ims.numpy(), mae), WORKS),
        (lambda: nearest_ideal(im, ims), 'ims: expected a float tensor of shape (n, h, w) | got shape (28, 28) | lesson 02'),
        (lambda: nearest_ideal(ims, im), 'ideals: expected a float tensor of shape (k, 28, 28) | got shape (28, 28)'),
        (lambda: nearest_ideal(ims, ims[:, :5]), 'ideals: expected | got shape (3, 5, 28)'),
        (lambda: nearest_ideal(ims, [im, im]), 'ideals: expected | got a list of 2 | use torch.stack'),
        (lambda: nearest_ideal(ims, ims[:0]), 'empty'),
        (lambda: nearest_ideal(nan[None], ims), 'NaN'),
        (lambda: nearest_ideal(ims, ims * 255), 'ideals: expected | values from 0 to 1'),
        (lambda: nearest_ideal(raw[None], ims), 'torch.uint8'),
    ],
    'plot_function': [
        (lambda: plot_function(torch.sin), WORKS),
        (lambda: plot_function(lambda x: 3), WORKS),
        (lambda: plot_function(torch.sin, 2, -2), 'lo and hi: expected lo < hi | got 2 and -2 | lesson 03'),
        (lambda: plot_function(torch.sin, 1, 1), 'got 1 and 1; choose a lo below hi'),
        (lambda: plot_function(torch.sin, float('nan'), 1), 'got nan and 1'),
    ],
    'numerical_gradient': [
        (lambda: numerical_gradient(torch.sum, double), WORKS),
        (lambda: numerical_gradient(torch.sum, double.numpy()), WORKS),
        (lambda: numerical_gradient(torch.sum, double[0]), WORKS),
        (lambda: numerical_gradient(torch.sum, three), 'x: expected float64 | got torch.float32; use x.double() (lesson 03)'),
        (lambda: numerical_gradient(torch.sum, three.long()), 'x: expected a float tensor | got torch.int64; use x.float()'),
        (lambda: numerical_gradient(torch.sum, [1., 2.]), 'x: expected | got a list of 2'),
        (lambda: numerical_gradient(torch.sum, double[:0]), 'empty'),
        (lambda: numerical_gradient(lambda x: x**2, double), 'f(x): expected a float tensor of shape () | got shape (3,) | lesson 03'),
    ],
    'quadratic': [
        (lambda: quadratic(three, three), WORKS),
        (lambda: quadratic(three.numpy(), three), WORKS),
        (lambda: quadratic(2., three.numpy()), WORKS),
        (lambda: quadratic(three, three[:2]), 'params: expected a float tensor of shape (3,) | got shape (2,) | lesson 03'),
        (lambda: quadratic(three, [1., 2., 3.]), 'params: expected | got a list of 3'),
        (lambda: quadratic(three, three.long()), 'got torch.int64; use params.float() (lesson 03)'),
    ],
    'mse': [
        (lambda: mse(preds, preds), WORKS),
        (lambda: mse(preds.numpy(), preds.numpy()), WORKS),
        (lambda: mse(three[0], three[0]), WORKS),
        (lambda: mse(preds, preds[:, 0]),
         'targets: expected a float tensor of shape (4, 1) | got shape (4,) | would broadcast to (4, 4) | targets.unsqueeze(1)'),
        (lambda: mse(preds[:, 0], preds), 'targets: expected a float tensor of shape (4,) | got shape (4, 1) | lesson 03'),
        (lambda: mse(preds, targets), 'targets: expected a float tensor | got torch.int64; use targets.float()'),
        (lambda: mse(preds[:0], preds[:0]), 'preds: expected | empty'),
        (lambda: mse([1.], [1.]), 'preds: expected | got a list of 1'),
    ],
    'gradient_descent': [
        (lambda: gradient_descent(quadratic, three, three, three, lr=.1, steps=2), WORKS),
        (lambda: gradient_descent(quadratic, three.numpy(), three, three, lr=.1, steps=0), WORKS),
        (lambda: gradient_descent(quadratic, three, three, three, lr=1e9, steps=9), WORKS),  # it explodes, which is what was asked for
        (lambda: gradient_descent(quadratic, three, three, three, lr=-.1, steps=2), 'lr and steps: expected | got -0.1 and 2 | lesson 03'),
        (lambda: gradient_descent(quadratic, three, three, three, lr=.1, steps=-1), 'got 0.1 and -1'),
        (lambda: gradient_descent(quadratic, three, three, three, lr=float('nan'), steps=1), 'got nan and 1'),
        (lambda: gradient_descent(quadratic, three.long(), three, three, lr=.1, steps=1),
         'params: expected a float tensor of shape (k,) | got torch.int64'),
        (lambda: gradient_descent(quadratic, preds, three, three, lr=.1, steps=1), 'params: expected | got shape (4, 1)'),
        (lambda: gradient_descent(quadratic, three, three, preds, lr=.1, steps=1),
         'targets: expected a float tensor of shape (3,) | got shape (4, 1)'),
    ],
    'init_params': [
        (lambda: init_params((2, 3)), WORKS),
        (lambda: init_params(1, std=0), WORKS),
        (lambda: init_params(1, std=-1), 'std: expected a number from 0 on | got -1 | lesson 04'),
        (lambda: init_params(1, std=float('nan')), 'got nan'),
    ],
    'linear1': [
        (lambda: linear1(preds, torch.ones(1, 2), torch.zeros(2)), WORKS),
        (lambda: linear1(preds.numpy(), torch.ones(1, 2), np.float32([0, 0])), WORKS),
        (lambda: linear1(ims.flatten(1)[0], torch.ones(784, 1), torch.zeros(1)),
         'xb: expected a float tensor of shape (n, k) | got shape (784,); stack | lesson 04'),
        (lambda: linear1(raw[None].flatten(1), torch.ones(784, 1), torch.zeros(1)), 'got torch.uint8; use xb.float() / 255'),
        (lambda: linear1(preds, torch.ones(2, 1), torch.zeros(1)), 'weights: expected a float tensor of shape (1, m) | got shape (2, 1)'),
        (lambda: linear1(preds, torch.ones(1), torch.zeros(1)), 'weights: expected | got shape (1,)'),
        (lambda: linear1(preds, torch.ones(1, 2), torch.zeros(1)), 'bias: expected a float tensor of shape (2,) | got shape (1,)'),
        (lambda: linear1(preds[:0], torch.ones(1, 1), torch.zeros(1)), 'xb: expected | empty'),
        (lambda: linear1([[1.]], torch.ones(1, 1), torch.zeros(1)), 'xb: expected | got a list of 1'),
    ],
    **{f.__name__: [
        (lambda f=f: f(preds, targets), WORKS),
        (lambda f=f: f(preds.numpy(), targets.numpy()), WORKS),
        (lambda f=f: f(preds, targets.float()), WORKS),
        (lambda f=f: f(preds[:1], targets[:1]), WORKS),
        (lambda f=f: f(preds.double(), targets.byte()), WORKS),
        (lambda f=f: f(preds, targets[:, 0]),
         'targets: expected a tensor of shape (4, 1) | got shape (4,), and the two would broadcast to (4, 4); '
                                              'use targets.unsqueeze(1) (lesson 04)'),
        (lambda f=f: f(preds[:, 0], targets), 'preds: expected a float tensor of shape (n, 1) | got shape (4,) | preds.unsqueeze(1)'),
        (lambda f=f: f(preds, targets[:1]), 'targets: expected | got shape (1, 1)'),
        (lambda f=f: f(torch.ones(4, 2), targets), 'preds: expected | got shape (4, 2)'),
        (lambda f=f: f(targets, targets), 'preds: expected a float tensor | got torch.int64'),
        (lambda f=f: f(preds, targets == 1), 'targets: expected | got torch.bool; use targets.long()'),
        (lambda f=f: f(preds[:0], targets[:0]), 'preds: expected | empty'),
        (lambda f=f: f([[1.]], targets), 'preds: expected | got a list of 1'),
    ] for f in (mnist_loss, batch_accuracy)},
    'calc_grad': [
        (lambda: calc_grad(preds.clone().requires_grad_(), targets, lambda xb: xb, mnist_loss), WORKS),
        (lambda: calc_grad(preds, targets[:, 0], lambda xb: xb, mnist_loss), 'targets: expected | would broadcast to (4, 4)'),
    ],
    'train_epoch': [
        (lambda: step([(preds, targets)]), WORKS),
        (lambda: step(iter([(preds, targets)])), WORKS),
        (lambda: step([(preds[:1], targets[:1])]), WORKS),
        (lambda: step([]), 'dl: expected at least one batch | got none | drop_last | lesson 05'),
        (lambda: step([(preds, targets[:, 0])]), 'targets: expected | use targets.unsqueeze(1)'),
    ],
    'validate_epoch': [
        (lambda: validate_epoch(lambda xb: xb, [(preds, targets)], batch_accuracy), WORKS),
        (lambda: validate_epoch(lambda xb: xb, [], batch_accuracy), 'dl: expected at least one batch | got none | lesson 05'),
        (lambda: validate_epoch(lambda xb: xb, [(preds, targets[:, 0])], batch_accuracy), 'targets: expected'),
    ],
    'train_model': [
        (lambda: train(1), WORKS),
        (lambda: train(1, metric=valid_loss), 'metric: expected a name of its own | got valid_loss | lesson 05'),
        (lambda: train(0), 'epochs: expected 1 or more | got 0 | lesson 05'),
        (lambda: train(1, dl=[]), 'dl: expected at least one batch | got none'),
        (lambda: train(1, valid_dl=iter([(preds, targets)])), 'gone through twice'),
    ],
    'plot_history': [
        (lambda: plot_history(train(2)), WORKS),
        (lambda: plot_history(train(2), 'batch_accuracy', 'valid_loss'), WORKS),
        (lambda: plot_history(train(1), 'accuracy'),
         "names: expected some of train_loss, valid_loss, batch_accuracy | got ['accuracy'] (lesson 05)"),
        (lambda: plot_history(train(1), ['train_loss']), "got [['train_loss']]"),
    ],
    **{make.__name__: [
        (lambda make=make: make([torch.ones(2).requires_grad_()], .1), WORKS),
        (lambda make=make: make(linear.parameters(), lr=.1), WORKS),
        (lambda make=make: make(torch.ones(2).requires_grad_(), .1), 'params: expected several tensors | got one | lesson 06'),
        (lambda make=make: make([], .1), 'params: expected tensors you made that require gradients | got [] | lesson 06'),
        (lambda make=make: make([torch.ones(2)], .1), "got ['Tensor'] | requires_grad_()"),
        (lambda make=make: make([torch.ones(2).requires_grad_() * 2], .1), "got ['Tensor']"),
        (lambda make=make: make([3.], .1), "got ['float']"),
        (lambda make=make: make(linear.parameters(), 0), 'lr: expected a number above 0 | got 0 | lesson 06'),
        (lambda make=make: make(linear.parameters(), float('nan')), 'lr: expected | got nan'),
        (lambda make=make: make(linear.parameters(), float('inf')), 'lr: expected | got inf'),
    ] for make in (BasicOptim, Momentum, Adam)},
    'find_lr': [
        (lambda: find_lr(linear, [(preds, targets)], mnist_loss, steps=3), WORKS),
        (lambda: find_lr(linear, [(preds, targets)], mnist_loss, lo=1., hi=.1),
         'lo, hi, steps: expected 0 < lo < hi | got 1.0, 0.1 and 100 | lesson 06'),
        (lambda: find_lr(linear, [(preds, targets)], mnist_loss, steps=0), 'got 0.0001, 100.0 and 0'),
        (lambda: find_lr(linear, [(preds, targets)], mnist_loss, hi=float('inf')), 'got 0.0001, inf'),
        (lambda: find_lr(linear, [(preds, targets)], mnist_loss, torch.optim.SGD),
         'opt_func: expected one whose optimizer has an lr | got SGD; use BasicOptim | lesson 06'),
        (lambda: find_lr(linear, [], mnist_loss), 'dl: expected at least one batch | got none | lesson 06'),
    ],
    'digit_dls': [
        (lambda: digit_dls(preds, targets, preds, targets), WORKS),
        (lambda: digit_dls(preds.numpy(), targets.numpy(), preds, targets, device='cpu'), WORKS),
        (lambda: digit_dls(preds, targets, preds, targets[:, 0]), 'train_y and valid_y: expected both (n, 1) or both (n,) | one of each'),
        (lambda: digit_dls(ims[:, None], torch.tensor([0, 1, 9]), ims[:1, None], torch.tensor([3])), WORKS),
        (lambda: digit_dls(raw[None], targets[:1], raw[None], targets[:1]),
         'train_x: expected a float tensor | got torch.uint8; use train_x.float() / 255 | lesson 07'),
        (lambda: digit_dls(preds, targets[:3], preds, targets), 'train_y: expected an int tensor of shape (4, 1) | got shape (3, 1)'),
        (lambda: digit_dls(preds, targets, preds, targets.float()),
         'valid_y: expected an int tensor | got torch.float32; use valid_y.long()'),
        (lambda: digit_dls(preds, targets * 7, preds, targets), 'train_y: expected | values from 0 to 1 | got | values from 0 to 7'),
        (lambda: digit_dls(preds, targets[:, 0] - 1, preds, targets), 'train_y: expected | got values from -1'),
        (lambda: digit_dls(preds, targets, ims, targets), 'valid_x: expected a float tensor of shape (n, 1) | got shape (3, 28, 28)'),
        (lambda: digit_dls(nan, targets, nan, targets), 'train_x: expected | NaN or infinity'),
        (lambda: digit_dls(preds[:0], targets[:0], preds, targets), 'train_x: expected | empty'),
        (lambda: digit_dls([preds], targets, preds, targets), 'train_x: expected | got a list of 1'),
        (lambda: digit_dls(preds, [1], preds, targets), 'train_y: expected | got a list of 1'),
        (lambda: digit_dls(preds, targets, preds, targets, bs=0), 'bs: expected a whole number from 1 | got 0 | lesson 07'),
        (lambda: digit_dls(preds, targets, preds, targets, bs=2.5), 'bs: expected a whole number from 1 | got 2.5'),
        (lambda: digit_dls(preds, targets, preds, targets, device='gpu'),
         "device: expected 'cpu', 'cuda' or 'mps' | got 'gpu' | lesson 07"),
        (lambda: digit_dls(preds.double(), targets.int(), preds, targets).one_batch(), WORKS),
    ],
    'digit_learner': [
        (lambda: digit_learner(digit_dls(preds, targets, preds, targets), linear), WORKS),
        (lambda: digit_learner([(preds, targets)], linear),
         'dls: expected DataLoaders | got a value of type list; use digit_dls (lesson 07)'),
        (lambda: digit_learner(digit_dls(preds, targets, preds, targets), lambda xb: xb),
         'model: expected an nn.Module | got a value of type function'),
    ],
    'save_model': [  # and test_learner.py
        (lambda: save_model(linear, '/nowhere/at/all'), f'path: expected a place to write to | got {Path("/nowhere/at/all")} | lesson 07'),
    ],
    'load_model': [
        (lambda: load_model(linear, '/nowhere/at/all'), 'expected a file written by save_model | got | lesson 07'),
    ],
    'simple_net': [
        (lambda: simple_net(1, 2, 3)(preds), WORKS),
        (lambda: simple_net(0), 'n_in, n_hidden, n_out: expected 1 or more each | got 0, 30, 1 | lesson 08'),
        (lambda: simple_net(784, -1), 'got 784, -1, 1'),
    ],
    'activations': [
        (lambda: activations(simple_net(1, 2), preds), WORKS),
        (lambda: activations(simple_net(1, 2), preds.numpy()), WORKS),
        (lambda: activations(linear, preds), 'model: expected an nn.Sequential | got a value of type Linear | lesson 08'),
        (lambda: activations(simple_net(1, 2), targets), 'xb: expected a float tensor | got torch.int64'),
        (lambda: activations(simple_net(1, 2), preds[:0]), 'xb: expected | empty'),
        (lambda: activations(simple_net(1, 2), preds[0]), 'xb: expected | got shape (1,)'),
    ],
    'all_digits': [(lambda: all_digits(), WORKS)],
    'softmax': [
        (lambda: softmax(preds), WORKS),
        (lambda: softmax(three), WORKS),
        (lambda: softmax(ims.numpy()), WORKS),
        (lambda: softmax(targets), 'logits: expected a float tensor of shape (..., k) | got torch.int64 | lesson 09'),
        (lambda: softmax(preds[:0]), 'logits: expected | empty'),
        (lambda: softmax([1., 2.]), 'logits: expected | got a list of 2'),
        (lambda: softmax(three[0]), 'logits: expected | got shape ()'),
    ],
    **{f.__name__: [
        (lambda f=f: f(ims[:, 0], torch.tensor([0, 5, 27])), WORKS),
        (lambda f=f: f(ims[:, 0].numpy(), np.array([0, 5, 27])), WORKS),
        (lambda f=f: f(ims[:1, 0], torch.tensor([3], dtype=torch.uint8)), WORKS),
        (lambda f=f: f(ims[:, 0], torch.tensor([[0], [5], [27]])),
         'targets: expected an int tensor of shape (3,) | got shape (3, 1) | lesson 09'),
        (lambda f=f: f(ims[:, 0], torch.tensor([0., 5., 27.])), 'targets: expected an int tensor | got torch.float32; use targets.long()'),
        (lambda f=f: f(ims[:, 0], torch.tensor([0, 5])), 'targets: expected | got shape (2,)'),
        (lambda f=f: f(three, torch.tensor([0])), 'expected a float tensor of shape (n, k) | got shape (3,)'),
        (lambda f=f: f(ims, torch.tensor([0, 5, 27])), 'expected | got shape (3, 28, 28)'),
        (lambda f=f: f(ims[:0, 0], torch.tensor([])), 'empty'),
        (lambda f=f: f([three], torch.tensor([0])), 'got a list of 1'),
    ] for f in (cross_entropy, accuracy, confusion_matrix)},
    'digit_cnn': [(lambda: digit_cnn()(ims[:, None]), WORKS), (lambda: digit_cnn()(ims.flatten(1)), WORKS),
                  (lambda: digit_cnn()(raw[None]), 'xb: expected a float tensor | got torch.uint8; use xb.float() / 255 | lesson 10')],
    'Moved': [(lambda: digit_learner(digit_dls(ims, three.long(), ims, three.long()), digit_cnn(), cbs=Moved()), WORKS)],
    'predict': [
        (lambda: predict(digit_cnn(), raw), WORKS),
        (lambda: predict(digit_cnn(), im.numpy()), WORKS),
        (lambda: predict(digit_cnn(), im.flatten()), 'images: expected a tensor of shape (n, 28, 28) | got shape (784,) | lesson 10'),
        (lambda: predict(digit_cnn(), im[:27]), 'images: expected a tensor of shape (28, 28) | got shape (27, 28)'),
        (lambda: predict(digit_cnn(), ims[..., None]),
         'images: expected a tensor of shape (n, 1, 28, 28) | got shape (3, 28, 28, 1)'),
        (lambda: predict(digit_cnn(), ims.flatten(1)[:, 1:]), 'images: expected | got shape (3, 783)'),
        (lambda: predict(digit_cnn(), ims[:0]), 'images: expected | empty'),
        (lambda: predict(digit_cnn(), [im, im]), 'images: expected | got a list of 2; use torch.stack'),
        (lambda: predict(digit_cnn(), 'a.png'), 'images: expected | got a value of type str'),
        (lambda: predict(digit_cnn(), Image.new('L', (28, 28))), 'images: expected | got a value of type Image'),
        (lambda: predict(digit_cnn(), nan), 'images: expected | NaN or infinity'),
        (lambda: predict(digit_cnn(), raw.float()), 'images: expected | values from 0 to 1, got values from | float() / 255'),
        (lambda: predict(digit_cnn(), im * 2 - 1), 'images: expected | with values from 0 to 1, got values from'),
        (lambda: predict(digit_cnn(), raw.long()), 'images: expected a float tensor | got torch.int64'),
        (lambda: predict(digit_cnn(), im > .5), 'images: expected | got torch.bool'),
        (lambda: predict(lambda x: x, im), 'model: expected an nn.Module, got a value of type function | lesson 10'),
        (lambda: predict(simple_net(100), im), 'model: expected one that takes pictures of 784 pixels, got | mat1 and mat2'),
        (lambda: predict(simple_net(784, 5, 2), im), 'model: expected finite scores of shape (1, 10) or (1, 1), got (1, 2)'),
        (lambda: predict(diverged, ims), 'model: expected finite scores | smallest nan'),
    ],
}
ROWS['mnist_distance'] = ROWS['mae']
ROWS['confusion_matrix'] += [
    (lambda: confusion_matrix(ims[:, 0], torch.tensor([0, 5, 28])),
     'with values from 0 to 27, got values from 0 to 28; look at the labels'),
    (lambda: confusion_matrix(ims[:, 0], torch.tensor([0, -1, 3])), 'got values from -1 to 3'),
]
ROWS['accuracy'] += [(lambda: accuracy(three, torch.tensor([0])), 'preds: expected')]
CASES = [pytest.param(call, words, id=f'{name}-{i}') for name, rows in ROWS.items() for i, (call, words) in enumerate(rows)]


@pytest.mark.parametrize('call, words', CASES)
def test_it_works_or_says_what_was_expected_and_what_came(call, words):
    if words is WORKS:
        call()
        return
    with pytest.raises(ValueError) as caught:
        call()
    message = str(caught.value)
    assert re.search(r'\(lesson \d\d\)', message) and 'expected' in message and 'got' in message, message
    for phrase in words.split(' | '):
        assert phrase in message, f'{phrase!r} is not in: {message}'


@pytest.mark.parametrize('module', [module for module in MODULES if module != 'exercises'])
def test_every_export_has_its_rows(module):
    for name in importlib.import_module(f'digits_uth.{module}').__all__:
        assert name in ROWS, f'{name} of digits_uth.{module} has no row in the table of bad inputs'


def test_nothing_is_drawn_when_a_picture_is_refused():
    import matplotlib.pyplot as plt
    with pytest.raises(ValueError):
        show_images([im, nan])
    with pytest.raises(ValueError):
        show_image(nan)
    assert not plt.get_fignums()


def test_a_picture_with_a_palette_is_drawn_by_its_greys():
    picture = Image.fromarray(raw.numpy()).quantize(8)
    assert picture.mode == 'P'
    drawn = show_image(picture).images[0].get_array()
    assert (np.asarray(drawn) == np.asarray(picture.convert('L'))).all()


def test_a_quadratic_of_whole_numbers_does_not_overflow():
    assert quadratic(torch.tensor([16], dtype=torch.uint8), torch.tensor([1., 0., 0.])) == 256


def test_arguments_are_not_changed():
    kept = ims.clone()
    for call in (lambda: is_3(ims, im, im), lambda: mae(ims, im), lambda: ideal_digit(ims), lambda: show_images(ims)):
        call()
        torch.testing.assert_close(ims, kept)


def test_results_have_the_shape_and_dtype_that_is_said():
    assert mae(ims, im).shape == (3,) and mae(ims[:, None], ims).shape == (3, 3) and mae(im, im) == 0
    assert is_3(im, im, im / 2).dtype == torch.bool and is_3(im, im, im / 2).shape == ()
    assert nearest_ideal(ims, ims).tolist() == [0, 1, 2] and nearest_ideal(ims[:1], ims).dtype == torch.int64
    assert ideal_digit(ims[:1]).equal(im) and mnist_distance is mae
