"What every export does with input it wasn't made for: what comes out is right, or it says what was expected and what came."
import copy
import importlib
import math
import re
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conftest import ROOT
from fastai.basics import DataLoaders, Learner
from fastai.callback.core import Callback
from PIL import Image
from test_cnn import scores_by_hand
from test_package import MODULES
from test_pixels import cells, greys
from torch.testing import assert_close

from digits_uth.adapters import DigitLearner, SingleLoss, device_of, for_fastai, targets_of
from digits_uth.backprop import Chain, CrossEntropy, Lin, MnistLoss, Relu, Value, plot_graph
from digits_uth.checks import checked
from digits_uth.cnn import digit_cnn, predict
from digits_uth.data import all_digits, load_mnist, progress, require, table, threes_and_sevens
from digits_uth.distances import ideal_digit, is_3, mae, mnist_distance, nearest_ideal, plot_shapes, rmse
from digits_uth.distributed import average_gradients, train_distributed
from digits_uth.drawing import Pad, keep, my_digits
from digits_uth.files import load_model, save_model
from digits_uth.keeping import put_back, set_lr
from digits_uth.landscape import Landscape
from digits_uth.launch import in_processes
from digits_uth.layer import Layer, add_grad, are_layers
from digits_uth.learner import SGD, Moved, Pens, digit_learner, history, legible_tables, quiet
from digits_uth.lessons import course_files, learners_copy, source_hash
from digits_uth.loaders import digit_dls
from digits_uth.loss import batch_accuracy, init_params, linear1, mnist_loss, plot_product
from digits_uth.machine import look
from digits_uth.models import activations, simple_net
from digits_uth.optimizers import Adam, BasicOptim, Momentum, find_lr
from digits_uth.own_digits import accuracy_by_writer, course_models, merge_digits
from digits_uth.page import Ladder, export_page
from digits_uth.photographs import made_photograph
from digits_uth.pictures import as_rows, oddities
from digits_uth.pixels import alt, pixel_table, show_image, show_images
from digits_uth.preparation import prepare
from digits_uth.sgd import gradient_descent, mse, numerical_gradient, plot_function, quadratic
from digits_uth.sheet import digit_sheet, made_sheet, read_sheet
from digits_uth.strokes import course_drawings, draw
from digits_uth.ten_digits import accuracy, confusion_matrix, cross_entropy, softmax
from digits_uth.batches import looked_at, name_of, not_empty, set_mode
from digits_uth.training import calc_grad, plot_history, train_epoch, train_model, validate_epoch

im = torch.rand(28, 28, generator=torch.Generator().manual_seed(0))
ims = torch.stack([im, im / 2, im / 3])
nan, raw = im.clone(), (im * 255).byte()
nan[3, 3] = float('nan')
preds, targets = torch.tensor([[2.], [-1.], [.5], [0.]]), torch.tensor([[1], [0], [1], [0]])
linear, diverged = torch.nn.Linear(1, 1), torch.nn.Linear(784, 10)
torch.nn.init.constant_(diverged.weight, float('nan'))
torch.nn.init.constant_(linear.weight, .5)
torch.nn.init.constant_(linear.bias, -.1)
three, double = torch.ones(3), torch.ones(3, dtype=torch.float64)
labels, reader = torch.tensor([im[0].argmax(), 5, 27]), digit_cnn().eval()


fastai_sgd = SGD


class Rateless:
    "An optimizer without a rate."
    def step(self): pass
    def zero_grad(self): pass


def step(batches, loss_func=mnist_loss):
    "An epoch of a linear model of one number."
    w = torch.zeros(1, 1).requires_grad_()
    return train_epoch(lambda xb: xb @ w, batches, loss_func, torch.optim.SGD([w], lr=.1))


def train(epochs, dl=((preds, targets),), valid_dl=((preds, targets),), metric=batch_accuracy):
    w = torch.zeros(1, 1).requires_grad_()
    return train_model(lambda xb: xb @ w, dl, valid_dl, mnist_loss, torch.optim.SGD([w], lr=.1), epochs, metric)


# ---- what must come out, by PyTorch's functions, by NumPy or by hand

loss = F.l1_loss(preds.sigmoid(), targets.float())
DISTANCES = {mae: lambda a, b: np.abs(a - b).mean((-1, -2)), rmse: lambda a, b: np.sqrt(((a - b)**2).mean((-1, -2)))}
# A step of .1 from a weight of 0: the sigmoid's slope is there 1/4, so the gradient is the mean of -x/4 for a 3 and x/4 for a 7.
trained = -.1 * (-2 - 1 - .5 + 0) / 4 / 4
HISTORY = {'train_loss': [.5], 'valid_loss': [F.l1_loss((preds * trained).sigmoid(), targets.float()).item()], 'batch_accuracy': [1.]}


def same(found, expected):
    assert_close(found, expected)
    return True


def drawn(*pictures):
    "Are these the greys on the axes? 0 is white, 1 is black."
    def right(axs):
        axs = axs if isinstance(axs, list) else [axs]
        return all(abs(greys(ax) - 255 * (1 - np.asarray(p))).max() < 2.5 for ax, p in zip(axs, pictures, strict=True))
    return right


def line(y, lo=-2, hi=2):
    "Is this the curve on the axes, from lo to hi?"
    def right(ax):
        curve, = ax.lines
        x = np.asarray(curve.get_xdata())
        return (x[0], x[-1]) == (lo, hi) and np.allclose(curve.get_ydata(), y(x), atol=1e-6)
    return right


def written(text, picture):
    "Are the cells' numbers those of the picture, in this format, from 0, white, to 1, black?"
    def right(found):
        found, top = cells(found), 1 if text == '.2f' else 255
        return found.keys() == picture.keys() and all(
            found[place][0] == format(value, text) and abs(found[place][1] - 255 * (1 - value / top)) < 1
            for place, value in picture.items())
    return right


def numbered(picture):
    "Row and column -> number."
    return {place: value.item() for place, value in np.ndenumerate(np.asarray(picture))}


@cache
def file():
    "What the data file holds, read by NumPy."
    with np.load(ROOT / 'digits_uth' / 'assets' / 'mnist.npz') as arrays:
        return dict(arrays)


def stored(split, *digits):
    images, labels = file()[f'x_{split}'], file()[f'y_{split}'].astype(np.int64)
    if digits:
        images, labels = (part[np.isin(labels, digits)] for part in (images, labels))
    return torch.tensor(images), torch.tensor(labels)


def is_stored_threes_and_sevens(found):
    for x, y, split in zip(found[::2], found[1::2], ('train', 'test'), strict=True):
        images, digits = zip(stored(split, 3), stored(split, 7), strict=True)
        assert_close(x, torch.cat(images).view(-1, 784) / 255)
        assert_close(y, (torch.cat(digits)[:, None] == 3).long())
    return True


def is_stored_in_another_order(found):
    train_x, train_y, valid_x, valid_y = found
    images, digits = stored('train')
    order = torch.randperm(60_000, generator=torch.Generator().manual_seed(0))
    for x, y, which in ((train_x, train_y, order[:50_000]), (valid_x, valid_y, order[50_000:])):
        assert_close(x[::50], images[which[::50]].view(-1, 784) / 255)
        assert_close(y, digits[which])
    return True


def normal(size, std):
    "Are these PyTorch's random numbers times std, ready for gradients?"
    def right(made):
        params, state = made
        torch.set_rng_state(state)
        assert_close(params.detach(), torch.randn(size) * std)
        return params.requires_grad and params.is_leaf
    return right


def with_state(call):
    "What a call gives, and the state of the random numbers that it began with."
    state = torch.get_rng_state()
    return call(), state


def stepped(first, second):
    "Is this where [1, 1] gets in two steps with the gradient [2, -3]?"
    def right(opt):
        p, = opt.params
        for expected in (first, second):
            p.grad = torch.tensor([2., -3])
            opt.step()
            opt.zero_grad()
            assert_close(p.detach(), torch.tensor(expected))
            assert p.grad is None
        return True
    return right


STEPS = {BasicOptim: stepped([.8, 1.3], [.6, 1.6]), Momentum: stepped([.8, 1.3], [.42, 1.87]), Adam: stepped([.9, 1.1], [.8, 1.2])}


def takes_linears_parameters(opt): return opt.lr == .1 and all(a is b for a, b in zip(opt.params, linear.parameters(), strict=True))


def steps_within(model):
    "What is left of a step that was taken within put_back."
    with put_back(model) as params, torch.no_grad():
        for p in params:
            p += 1
    return tuple(p.detach() for p in params)


def rate_after(make, lr):
    opt = make([three.clone().requires_grad_()], lr=.1)
    set_lr(opt, lr)
    return opt.hypers[0]['lr'] if hasattr(opt, 'hypers') else opt.param_groups[0]['lr'] if hasattr(opt, 'param_groups') else opt.lr


def single_loss(loss):
    "What fastai's recorder gets to see of a loss."
    callback = SingleLoss()
    callback.learn = SimpleNamespace(loss=loss)
    callback.after_loss()
    return callback.learn.loss


def after(layer, *inputs):
    "A layer that has gone forward."
    layer(*inputs)
    return layer


def added(*slopes):
    p = torch.zeros_like(slopes[0])
    for g in slopes:
        add_grad(p, g)
    return p.grad


def texts(ax):
    "What is written on axes."
    return {text.get_text() for text in ax.texts} - {''}


def is_found(lrs_losses):
    "Three losses, each before a step at a thousand times the last one's rate; and linear is as it was."
    model, expected = copy.deepcopy(linear), []
    for lr in (1e-4, .1, 100):
        value = F.l1_loss(model(preds).sigmoid(), targets.float())
        expected.append(value.item())
        for p, grad in zip(model.parameters(), torch.autograd.grad(value, list(model.parameters())), strict=True):
            p.data -= lr * grad
    assert_close(lrs_losses, (torch.tensor([1e-4, .1, 100]), torch.tensor(expected)))
    return linear.weight == .5 and linear.bias == -.1


def loaded(train_x, train_y, valid_x, valid_y):
    "Do loaders give these items, those to train with in any order, and each with its label?"
    def right(dls):
        for dl, x, y in ((dls.train, train_x, train_y), (dls.valid, valid_x, valid_y)):
            xb, yb = (torch.cat(part).cpu() for part in zip(*dl, strict=True))
            order = torch.arange(len(x)) if dl is dls.valid else [(xb == item).flatten(1).all(1).nonzero().item() for item in x]
            assert_close(xb[order], x)
            assert_close(yb[order], y)
        return True
    return right


def is_a_batch(batch):
    xb, yb = (part.cpu() for part in batch)
    order = xb[:, 0].argsort(descending=True)
    assert_close((xb[order], yb[order]), (preds[[0, 2, 3, 1]], targets[[0, 2, 3, 1]]))
    return True


def measures_linear(learn):
    linear.cpu()
    with quiet(learn), torch.no_grad():
        scores = linear(preds)
        found = learn.validate()
    linear.cpu()
    expected = F.l1_loss(scores.sigmoid(), targets.float()), ((scores > 0) == (targets == 1)).float().mean()
    assert list(found) == pytest.approx([value.item() for value in expected], abs=1e-6)
    return learn.model is linear


def fitted():
    learn = digit_learner(digit_dls(preds, targets, preds, targets), torch.nn.Linear(1, 1))
    with quiet(learn):
        learn.fit(2, lr=.1)
    return learn


def batches_of(learn, epochs):
    "What a model gets, as (in training?, batch)."
    seen = []

    class Keep(Callback):
        order = 100
        def before_batch(self): seen.append((self.training, self.xb[0].cpu()))
    learn.add_cb(Keep())
    with quiet(learn):
        learn.fit(epochs, lr=1e-9)
    return seen


def is_moved_in_training_alone(learn):
    (_, moved), (_, kept) = batches_of(learn, 1)
    return kept.equal(ims[:, None]) and moved.shape == kept.shape and not any(torch.allclose(a, b, atol=.05) for a in moved for b in kept)


def is_written_by_other_pens_in_training_alone(learn):
    seen = batches_of(learn, 8)
    return all(x.shape == (3, 1, 28, 28) and (x >= 0).all() and (x <= 1).all() for _, x in seen) and \
        all(x.equal(ims[:, None]) for training, x in seen if not training) and len({x.sum().item() for training, x in seen if training}) > 2


def is_two_layers(sizes):
    def right(net):
        w1, b1, w2, b2 = net.parameters()
        assert_close(net(preds), F.linear(F.linear(preds, w1, b1).clamp(min=0), w2, b2))
        return (w1.shape[1], len(w1), len(w2)) == sizes
    return right


def inside(xb):
    "A network, and its activations."
    net = simple_net(1, 2)
    return net, activations(net, xb)


def is_inside(made):
    net, found = made
    w1, b1, w2, b2 = (p.detach() for p in net.parameters())
    hidden = F.linear(preds, w1, b1)
    assert_close(found, [hidden, hidden.clamp(min=0), F.linear(hidden.clamp(min=0), w2, b2)])
    return True


def scored(form):
    "A network in training mode, and its scores."
    model = digit_cnn()
    return model, model(form)


def are_by_hand(made):
    model, found = made
    assert_close(found, scores_by_hand(model, ims), atol=1e-4, rtol=1e-4)
    return True


def is_read(picture):
    def right(found):
        digit, probabilities = found
        expected = F.softmax(scores_by_hand(reader, picture), 1)[0].detach()
        assert_close(probabilities, expected, atol=1e-5, rtol=1e-4)
        return digit.shape == () and digit == expected.argmax()
    return right


def counted(answers, targets, k):
    matrix = np.zeros((k, k), dtype=np.int64)
    np.add.at(matrix, (targets, answers), 1)
    return torch.tensor(matrix)


def is_history(found):
    return list(found) == list(HISTORY) and all(found[name] == pytest.approx(HISTORY[name], abs=1e-6) for name in found)


def is_drawn_history(*names):
    "Two epochs of the training that `train` does, from epoch 1."
    def right(ax):
        expected = train(2)
        return ({line.get_label(): list(line.get_ydata()) for line in ax.lines} == {name: expected[name] for name in names}
                and all(list(line.get_xdata()) == [1, 2] for line in ax.lines))
    return right


def has_exploded(found):
    params, losses = found
    return losses[:2].tolist() == pytest.approx([4, 1.44e20], rel=1e-5) and losses.shape == (10,) and not (
        losses[2:].isfinite().any() or params.isfinite().any())


best = im[0].argmax().item()  # of the first rows of ims, which are the same but for a factor
CLASSES = {cross_entropy: lambda rows, of: F.cross_entropy(rows, of),
           accuracy: lambda rows, of: torch.tensor(np.mean(of.numpy() == best)).float(),
           confusion_matrix: lambda rows, of: counted([best] * len(of), of.numpy(), 28)}


def valid_loss(preds, targets):
    "A metric with the name of another number of the history."
    return batch_accuracy(preds, targets)


# export, what it is given, and what comes out: a value, or a function that says of one whether it is right;
# or, as text, what the ValueError says, its phrases between bars
ROWS = {
    'require': [
        (lambda: require(3, 'x', ('n',)), 'x: expected a float tensor of shape (n,) | got a value of type int | torch.tensor (lesson 01)'),
        (lambda: require(np.array(['3']), 'x', ('n',)), 'got a value of type ndarray'),
        (lambda: require(ims, 'x', ('...', 28, 27)), 'shape (..., 28, 27) | got shape (3, 28, 28)'),
        (lambda: require(torch.ones(2, dtype=torch.bool), 'x', ('n',), kind='int'), 'int tensor of shape (n,) | got torch.bool'),
        (lambda: require(torch.ones(2, dtype=torch.complex64), 'x', ('n',), kind='number'), 'torch.complex64'),
        (lambda: require(np.float32(ims), 'x', ('n', 28, 28)), ims),
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
        (lambda: load_mnist('test', np.array([3, 7])), lambda found: same(found, stored('test', 3, 7))),
        (lambda: load_mnist('test', torch.tensor([3, 7])), lambda found: same(found, stored('test', 3, 7))),
    ],
    'table': [
        (lambda: list(table('losses')), ['loss', 'model', 'lr', 'seed', 'epoch_20', 'epoch_40']),
        (lambda: table('nothing'), "'nothing' | losses | ten_digits"),
    ],
    'progress': [(lambda: list(progress([3, 7])), [3, 7])],
    'mnist_sample': [],  # every case needs a folder of its own: test_data.py
    'threes_and_sevens': [(lambda: threes_and_sevens(), is_stored_threes_and_sevens)],
    'show_image': [
        (lambda: show_image(raw), drawn(raw / 255)),
        (lambda: show_image(raw.numpy()), drawn(raw / 255)),
        (lambda: show_image(Image.fromarray(raw.numpy())), drawn(raw / 255)),
        (lambda: show_image(im[None]), drawn(im)),
        (lambda: show_image(im.double()), drawn(im)),
        (lambda: show_image(im.half()), drawn(im)),
        (lambda: show_image(raw.long()), drawn(raw / 255)),
        (lambda: show_image(im.clone().requires_grad_()), drawn(im)),
        (lambda: show_image(-im, vmin=-1, vmax=1), drawn((1 - im) / 2)),
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
        (lambda: show_images(ims), drawn(*ims)),
        (lambda: show_images(list(ims), titles='abc'), lambda axs: drawn(*ims)(axs) and [ax.get_title() for ax in axs] == ['a', 'b', 'c']),
        (lambda: show_images(ims.numpy(), ncols=2), lambda axs: drawn(*ims)(axs) and axs[2].get_subplotspec().colspan.start == 0),
        (lambda: show_images([raw, im, im.numpy()]), drawn(raw / 255, im, im)),
        (lambda: show_images([]), 'ims: expected at least one picture | got none | lesson 01'),
        (lambda: show_images(ims[:0]), 'got an empty one'),
        (lambda: show_images(im), 'shape (..., n, h, w) | got shape (28, 28)'),
        (lambda: show_images(3), 'ims: expected pictures | got a value of type int | lesson 01'),
        (lambda: show_images(ims, titles=['one']), 'titles: expected 3, one a picture | got 1 | lesson 01'),
        (lambda: show_images(ims, ncols=0), 'ncols: expected a whole number from 1 | got 0'),
        (lambda: show_images([im, nan]), 'NaN'),
    ],
    'pixel_table': [
        (lambda: pixel_table(raw), written('.0f', numbered(raw))),
        (lambda: pixel_table(raw.numpy(), rows=slice(4, 10), cols=slice(4, 10)),
         written('.0f', {(r + 4, c + 4): value for (r, c), value in numbered(raw[4:10, 4:10]).items()})),
        (lambda: pixel_table(im), written('.2f', numbered(im))),
        (lambda: pixel_table(Image.fromarray(raw.numpy())), written('.0f', numbered(raw))),
        (lambda: pixel_table(ims), 'got shape (3, 28, 28)'),
        (lambda: pixel_table(im * 2), 'values from 0 to 1'),
        (lambda: pixel_table([1, 2]), 'got a list of 2'),
        (lambda: pixel_table(im, rows=slice(28, 30)), 'rows and cols: expected some of 28 rows and 28 columns | got none | lesson 01'),
    ],
    'alt': [
        (lambda: alt('A sentence.'), lambda found: found is None and plt.gcf()._alt == 'A sentence.'),
        (lambda: alt(' '), "text: expected a sentence that says what the figure shows | got ' ' (lesson 01)"),
        (lambda: alt(None), 'got None'),
    ],
    'ideal_digit': [
        (lambda: ideal_digit(ims), torch.tensor(ims.numpy().mean(0))),
        (lambda: ideal_digit(ims.numpy()), torch.tensor(ims.numpy().mean(0))),
        (lambda: ideal_digit(im), 'ims: expected a float tensor of shape (n, h, w) | got shape (28, 28) | lesson 02'),
        (lambda: ideal_digit(raw[None]), 'got torch.uint8 | use ims.float() / 255'),
        (lambda: ideal_digit(ims[:0]), 'empty'),
        (lambda: ideal_digit(nan[None]), 'NaN'),
        (lambda: ideal_digit(ims * 255), 'values from 0 to 1'),
        (lambda: ideal_digit(list(ims)), 'got a list of 3 | use torch.stack'),
    ],
    **{f.__name__: [
        (lambda f=f: f(ims, im), torch.tensor(DISTANCES[f](ims.numpy(), im.numpy()))),
        (lambda f=f: f(ims.numpy(), im.numpy()), torch.tensor(DISTANCES[f](ims.numpy(), im.numpy()))),
        (lambda f=f: f(ims[:, None], ims), torch.tensor(DISTANCES[f](ims[:, None].numpy(), ims.numpy()))),
        (lambda f=f: f(ims.double(), im), torch.tensor(DISTANCES[f](ims.double().numpy(), im.numpy()))),
        (lambda f=f: f(im - 2, im), torch.tensor(2.)),  # a difference needs no range: rescaled pictures may be compared
        (lambda f=f: f(raw, raw), 'a: expected a float tensor of shape (..., h, w) | got torch.uint8 | use a.float() / 255 | lesson 02'),
        (lambda f=f: f(im, raw), 'b: expected a float tensor | got torch.uint8'),
        (lambda f=f: f(ims, im[:, :27]), 'b: expected a float tensor of shape (..., 28, 28) | got shape (28, 27)'),
        (lambda f=f: f(ims, ims[:2]), 'broadcasts with (3, 28, 28) | got shape (2, 28, 28)'),
        (lambda f=f: f(ims.flatten(1)[0], im), 'got shape (784,)'),
        (lambda f=f: f(list(ims), im), 'a: expected | got a list of 3'),
        (lambda f=f: f(ims[:0], im), 'empty'),
    ] for f in (mae, rmse)},
    'is_3': [
        (lambda: is_3(im, im, im), torch.tensor(False)),
        (lambda: is_3(ims.numpy(), im, im / 2, rmse), torch.tensor([True, False, False])),
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
        (lambda: nearest_ideal(ims, ims), torch.tensor([0, 1, 2])),
        (lambda: nearest_ideal(ims.numpy(), ims.numpy()[::-1].copy(), mae), torch.tensor([2, 1, 0])),
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
        (lambda: plot_function(torch.sin), line(np.sin)),
        (lambda: plot_function(lambda x: 3), line(lambda x: 3 + 0*x)),
        (lambda: plot_function(torch.sin, 2, -2), 'lo and hi: expected lo < hi | got 2 and -2 | lesson 03'),
        (lambda: plot_function(torch.sin, 1, 1), 'got 1 and 1; choose a lo below hi'),
        (lambda: plot_function(torch.sin, float('nan'), 1), 'lo: expected a number | got nan'),
    ],
    'numerical_gradient': [
        (lambda: numerical_gradient(torch.sum, double), double),
        (lambda: numerical_gradient(torch.sum, double.numpy()), double),
        (lambda: numerical_gradient(torch.sum, double[0]), double[0]),
        (lambda: numerical_gradient(torch.sum, three), 'x: expected float64 | got torch.float32; use x.double() (lesson 03)'),
        (lambda: numerical_gradient(torch.sum, three.long()), 'x: expected a float tensor | got torch.int64; use x.float()'),
        (lambda: numerical_gradient(torch.sum, [1., 2.]), 'x: expected | got a list of 2'),
        (lambda: numerical_gradient(torch.sum, double[:0]), 'empty'),
        (lambda: numerical_gradient(lambda x: x**2, double), 'f(x): expected a float tensor of shape () | got shape (3,) | lesson 03'),
    ],
    'quadratic': [
        (lambda: quadratic(three, three), torch.tensor([3., 3, 3])),
        (lambda: quadratic(three.numpy(), three), torch.tensor([3., 3, 3])),
        (lambda: quadratic(2., three.numpy()), torch.tensor(7.)),
        (lambda: quadratic(three, three[:2]), 'params: expected a float tensor of shape (3,) | got shape (2,) | lesson 03'),
        (lambda: quadratic(three, [1., 2., 3.]), 'params: expected | got a list of 3'),
        (lambda: quadratic(three, three.long()), 'got torch.int64; use params.float() (lesson 03)'),
    ],
    'mse': [
        (lambda: mse(preds, preds), torch.tensor(0.)),
        (lambda: mse(preds.numpy(), preds.numpy() + 2), torch.tensor(4.)),
        (lambda: mse(three[0], 3 * three[0]), torch.tensor(4.)),
        (lambda: mse(preds, preds[:, 0]),
         'targets: expected a float tensor of shape (4, 1) | got shape (4,) | would broadcast to (4, 4) | targets.unsqueeze(1)'),
        (lambda: mse(preds[:, 0], preds), 'targets: expected a float tensor of shape (4,) | got shape (4, 1) | lesson 03'),
        (lambda: mse(preds, targets), 'targets: expected a float tensor | got torch.int64; use targets.float()'),
        (lambda: mse(preds[:0], preds[:0]), 'preds: expected | empty'),
        (lambda: mse([1.], [1.]), 'preds: expected | got a list of 1'),
    ],
    'gradient_descent': [
        (lambda: gradient_descent(quadratic, three, three, three, lr=.1, steps=2), (three * .44, torch.tensor([4, .64, .1024]))),
        (lambda: gradient_descent(quadratic, three.numpy(), three, three, lr=.1, steps=0), (three, torch.tensor([4.]))),
        (lambda: gradient_descent(quadratic, three, three, three, lr=1e9, steps=9), has_exploded),  # which is what was asked for
        (lambda: gradient_descent(quadratic, three, three, three, lr=-.1, steps=2), 'lr: expected a number above 0 | got -0.1 | lesson 03'),
        (lambda: gradient_descent(quadratic, three, three, three, lr=.1, steps=-1), 'steps: expected a whole number from 0 | got -1'),
        (lambda: gradient_descent(quadratic, three, three, three, lr=float('nan'), steps=1), 'lr: expected a number above 0 | got nan'),
        (lambda: gradient_descent(quadratic, three.long(), three, three, lr=.1, steps=1),
         'params: expected a float tensor of shape (k,) | got torch.int64'),
        (lambda: gradient_descent(quadratic, preds, three, three, lr=.1, steps=1), 'params: expected | got shape (4, 1)'),
        (lambda: gradient_descent(quadratic, three, three, preds, lr=.1, steps=1),
         'targets: expected a float tensor of shape (3,) | got shape (4, 1)'),
    ],
    'init_params': [
        (lambda: with_state(partial(init_params, (2, 3))), normal((2, 3), 1)),
        (lambda: with_state(partial(init_params, 1, std=0)), normal(1, 0)),
        (lambda: init_params(1, std=-1), 'std: expected a number from 0 on | got -1 | lesson 04'),
        (lambda: init_params(1, std=float('nan')), 'got nan'),
    ],
    'linear1': [
        (lambda: linear1(preds, torch.ones(1, 2), torch.zeros(2)), torch.cat([preds, preds], 1)),
        (lambda: linear1(preds.numpy(), torch.tensor([[2., -1]]), np.float32([0, 1])), torch.cat([2 * preds, 1 - preds], 1)),
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
        (lambda f=f: f(preds, targets), loss if f is mnist_loss else torch.tensor(1.)),
        (lambda f=f: f(preds.numpy(), targets.numpy()), loss if f is mnist_loss else torch.tensor(1.)),
        (lambda f=f: f(preds, targets.float()), loss if f is mnist_loss else torch.tensor(1.)),
        (lambda f=f: f(preds[:1], targets[:1]), torch.tensor(1 / (1 + math.e**2)) if f is mnist_loss else torch.tensor(1.)),
        (lambda f=f: f(preds.double(), targets.byte()),
         F.l1_loss(preds.double().sigmoid(), targets.double()) if f is mnist_loss else torch.tensor(1.)),
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
        (lambda: calc_grad(preds.clone().requires_grad_(), targets, lambda xb: xb, mnist_loss), loss),
        (lambda: calc_grad(preds, targets[:, 0], lambda xb: xb, mnist_loss), 'targets: expected | would broadcast to (4, 4)'),
    ],
    'train_epoch': [
        (lambda: step([(preds, targets)]), .5),
        (lambda: step(iter([(preds, targets)])), .5),
        (lambda: step([(preds[:1], targets[:1])]), .5),
        (lambda: step([]), 'dl: expected at least one batch | got none | drop_last | lesson 05'),
        (lambda: step([(preds, targets[:, 0])]), 'targets: expected | use targets.unsqueeze(1)'),
    ],
    'validate_epoch': [
        (lambda: validate_epoch(lambda xb: xb, [(preds, targets)], batch_accuracy), 1.),
        (lambda: validate_epoch(lambda xb: xb, [], batch_accuracy), 'dl: expected at least one batch | got none | lesson 05'),
        (lambda: validate_epoch(lambda xb: xb, [(preds, targets[:, 0])], batch_accuracy), 'targets: expected'),
    ],
    'train_model': [
        (lambda: train(1), is_history),
        (lambda: train(1, metric=valid_loss), 'metric: expected a name of its own | got valid_loss | lesson 05'),
        (lambda: train(0), 'epochs: expected a whole number from 1 | got 0 | lesson 05'),
        (lambda: train(1, dl=[]), 'dl: expected at least one batch | got none'),
        (lambda: train(1, valid_dl=iter([(preds, targets)])), 'gone through twice'),
    ],
    'plot_history': [
        (lambda: plot_history(train(2)), is_drawn_history(*HISTORY)),
        (lambda: plot_history(train(2), 'batch_accuracy', 'valid_loss'), is_drawn_history('batch_accuracy', 'valid_loss')),
        (lambda: plot_history(train(1), 'accuracy'),
         "names: expected some of train_loss, valid_loss, batch_accuracy | got ['accuracy'] (lesson 05)"),
        (lambda: plot_history(train(1), ['train_loss']), "got [['train_loss']]"),
    ],
    **{make.__name__: [
        (lambda make=make: make([torch.ones(2).requires_grad_()], .1), STEPS[make]),
        (lambda make=make: make(linear.parameters(), lr=.1), takes_linears_parameters),
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
        (lambda: find_lr(linear, [(preds, targets)], mnist_loss, steps=3), is_found),
        (lambda: find_lr(linear, [(preds, targets)], mnist_loss, lo=1., hi=.1),
         'lo and hi: expected lo < hi | got 1.0 and 0.1; choose a lo below hi | lesson 06'),
        (lambda: find_lr(linear, [(preds, targets)], mnist_loss, steps=0), 'steps: expected a whole number from 1 | got 0'),
        (lambda: find_lr(linear, [(preds, targets)], mnist_loss, hi=float('inf')), 'hi: expected a number above lo | got inf'),
        (lambda: find_lr(linear, [(preds, targets)], mnist_loss, torch.optim.SGD, steps=3), is_found),
        (lambda: find_lr(linear, [(preds, targets)], mnist_loss, fastai_sgd, steps=3), is_found),
        (lambda: find_lr(partial(linear1, weights=linear.weight, bias=linear.bias), [(preds, targets)], mnist_loss, steps=3), is_found),
        (lambda: find_lr(linear, [(preds, targets)], mnist_loss, lambda params, lr: Rateless(), steps=3),
         'opt_func: expected one whose optimizer has an lr | got Rateless; use BasicOptim | lesson 06'),
        (lambda: find_lr(lambda xb: xb, [(preds, targets)], mnist_loss),
         'model: expected an nn.Module, or a partial with parameters | got a value of type function; use partial(linear1 | lesson 06'),
        (lambda: find_lr(linear, [], mnist_loss), 'dl: expected at least one batch | got none | lesson 06'),
    ],
    'digit_dls': [
        (lambda: digit_dls(preds, targets, preds, targets), loaded(preds, targets, preds, targets)),
        (lambda: digit_dls(preds.numpy(), targets.numpy(), preds, targets, device='cpu'), loaded(preds, targets, preds, targets)),
        (lambda: digit_dls(preds, targets, preds, targets[:, 0]), 'train_y and valid_y: expected both (n, 1) or both (n,) | one of each'),
        (lambda: digit_dls(ims[:, None], torch.tensor([0, 1, 9]), ims[:1, None], torch.tensor([3])),
         loaded(ims[:, None], torch.tensor([0, 1, 9]), ims[:1, None], torch.tensor([3]))),
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
        (lambda: digit_dls(preds.double(), targets.int(), preds, targets).one_batch(), is_a_batch),
    ],
    'digit_learner': [
        (lambda: digit_learner(digit_dls(preds, targets, preds, targets), linear), measures_linear),
        (lambda: digit_learner([(preds, targets)], linear),
         'dls: expected DataLoaders | got a value of type list; use digit_dls (lesson 07)'),
        (lambda: digit_learner(digit_dls(preds, targets, preds, targets), lambda xb: xb),
         'model: expected an nn.Module | got a value of type function'),
    ],
    'legible_tables': [(lambda: legible_tables(), lambda found: found is None)],  # what it does: test_learner.py
    'quiet': [(lambda: fitted(), lambda learn: len(learn.recorder.values) == 2)],  # and test_learner.py
    'history': [(lambda: history(fitted()), lambda found: {name: len(of) for name, of in found.items()} == dict.fromkeys(HISTORY, 2))],
    'save_model': [  # and test_files.py
        (lambda: save_model(linear, '/nowhere/at/all'), f'path: expected a place to write to | got {Path("/nowhere/at/all")} | lesson 07'),
    ],
    'load_model': [
        (lambda: load_model(linear, '/nowhere/at/all'), 'expected a file written by save_model | got | lesson 07'),
    ],
    'simple_net': [
        (lambda: simple_net(1, 2, 3), is_two_layers((1, 2, 3))),
        (lambda: simple_net(0), 'n_in: expected a whole number from 1 | got 0 | lesson 08'),
        (lambda: simple_net(784, -1), 'n_hidden: expected a whole number from 1 | got -1'),
    ],
    'activations': [
        (lambda: inside(preds), is_inside),
        (lambda: inside(preds.numpy()), is_inside),
        (lambda: activations(linear, preds)[0], .5 * preds - .1),  # any module
        (lambda: activations(linear.forward, preds), 'model: expected an nn.Module | got a value of type method | lesson 08'),
        (lambda: activations(simple_net(1, 2), targets), 'xb: expected a float tensor | got torch.int64'),
        (lambda: activations(simple_net(1, 2), preds[:0]), 'xb: expected | empty'),
        (lambda: activations(simple_net(1, 2), preds[0]), 'xb: expected | got shape (1,)'),
    ],
    'all_digits': [(lambda: all_digits(), is_stored_in_another_order)],
    'softmax': [
        (lambda: softmax(preds), torch.ones(4, 1)),
        (lambda: softmax(three), three / 3),
        (lambda: softmax(ims.numpy()), F.softmax(ims, -1)),
        (lambda: softmax(targets), 'logits: expected a float tensor of shape (..., k) | got torch.int64 | lesson 10'),
        (lambda: softmax(preds[:0]), 'logits: expected | empty'),
        (lambda: softmax([1., 2.]), 'logits: expected | got a list of 2'),
        (lambda: softmax(three[0]), 'logits: expected | got shape ()'),
    ],
    **{f.__name__: [
        (lambda f=f: f(ims[:, 0], labels), CLASSES[f](ims[:, 0], labels)),
        (lambda f=f: f(ims[:, 0].numpy(), labels.numpy()), CLASSES[f](ims[:, 0], labels)),
        (lambda f=f: f(ims[:1, 0], torch.tensor([3], dtype=torch.uint8)), CLASSES[f](ims[:1, 0], torch.tensor([3]))),
        (lambda f=f: f(ims[:, 0], torch.tensor([[0], [5], [27]])),
         'targets: expected an int tensor of shape (3,) | got shape (3, 1) | lesson 10'),
        (lambda f=f: f(ims[:, 0], torch.tensor([0., 5., 27.])), 'targets: expected an int tensor | got torch.float32; use targets.long()'),
        (lambda f=f: f(ims[:, 0], torch.tensor([0, 5])), 'targets: expected | got shape (2,)'),
        (lambda f=f: f(three, torch.tensor([0])), 'expected a float tensor of shape (n, k) | got shape (3,)'),
        (lambda f=f: f(ims, torch.tensor([0, 5, 27])), 'expected | got shape (3, 28, 28)'),
        (lambda f=f: f(ims[:0, 0], torch.tensor([])), 'empty'),
        (lambda f=f: f([three], torch.tensor([0])), 'got a list of 1'),
    ] for f in (cross_entropy, accuracy, confusion_matrix)},
    'digit_cnn': [(lambda: scored(ims[:, None]), are_by_hand), (lambda: scored(ims.flatten(1)), are_by_hand),
                  (lambda: digit_cnn()(raw[None]), 'xb: expected a float tensor | got torch.uint8; use xb.float() / 255 | lesson 11')],
    'Moved': [(lambda: digit_learner(digit_dls(ims[:, None], three.long(), ims[:, None], three.long()), digit_cnn(), cbs=Moved()),
               is_moved_in_training_alone)],
    'predict': [
        (lambda: predict(reader, raw), is_read(raw / 255)),
        (lambda: predict(reader, im.numpy()), is_read(im)),
        (lambda: predict(digit_cnn(), im.flatten()), 'images: expected a tensor of shape (n, 28, 28) | got shape (784,) | lesson 11'),
        (lambda: predict(digit_cnn(), im[:27]), 'images: expected a tensor of shape (28, 28) | got shape (27, 28)'),
        (lambda: predict(digit_cnn(), ims[..., None]),
         'images: expected a tensor of shape (n, 1, 28, 28) | got shape (3, 28, 28, 1)'),
        (lambda: predict(digit_cnn(), ims.flatten(1)[:, 1:]), 'images: expected | got shape (3, 783)'),
        (lambda: predict(digit_cnn(), ims[:0]), 'images: expected | empty'),
        (lambda: predict(digit_cnn(), [im, im]), 'images: expected | got a list of 2; use torch.stack'),
        (lambda: predict(digit_cnn(), 'a.png'), "images: expected the path of a picture | got 'a.png' | No such file"),
        (lambda: predict(digit_cnn(), 3), 'images: expected | got a value of type int; use torch.tensor'),
        (lambda: predict(reader, Image.fromarray(raw.numpy())), is_read(raw / 255)),
        (lambda: predict(digit_cnn(), Image.new('I', (28, 28))), 'images: expected an image with 8 bits a channel | got mode I | numpy.array'),
        (lambda: predict(digit_cnn(), nan), 'images: expected | NaN or infinity'),
        (lambda: predict(digit_cnn(), raw.float()), 'images: expected | values from 0 to 1, got values from | float() / 255'),
        (lambda: predict(digit_cnn(), im * 2 - 1), 'images: expected | with values from 0 to 1, got values from'),
        (lambda: predict(digit_cnn(), raw.long()), 'images: expected a float tensor | got torch.int64'),
        (lambda: predict(digit_cnn(), im > .5), 'images: expected | got torch.bool'),
        (lambda: predict(lambda x: x, im), 'model: expected an nn.Module, got a value of type function | lesson 11'),
        (lambda: predict(simple_net(100), im), 'model: expected one that takes pictures of 784 pixels, as rows (n, 784), got | mat1 and mat2'),
        (lambda: predict(simple_net(784, 5, 2), im), 'model: expected finite scores of shape (1, 10) or (1, 1), got (1, 2)'),
        (lambda: predict(diverged, ims), 'model: expected finite scores | smallest nan'),
    ],
    'prepare': [  # and test_preparation.py, which follows each cure
        (lambda: prepare(stored('test', 3)[0][0]), lambda found: same(found, stored('test', 3)[0][0])),
        (lambda: prepare(stored('test', 3)[0][0] / 255), lambda found: same(found, stored('test', 3)[0][0])),
        (lambda: prepare('nothing.png'), "picture: expected the path of a picture | got 'nothing.png' | look at the path | lesson 00"),
        (lambda: prepare(torch.cat([ims, ims])), 'picture: expected a picture (h, w) | got shape (6, 28, 28); give one picture at a time'),
        (lambda: prepare(nan), 'picture: expected | got NaN or infinity | nan_to_num'),
        (lambda: prepare(raw.float()), 'uint8 from 0 to 255 or float from 0 to 1, got values from | use picture / 255'),
        (lambda: prepare(raw.long()), 'picture: expected | got int64 from | use numpy.uint8(picture)'),
        (lambda: prepare(im.flatten()), 'got shape (784,) | picture.reshape(28, 28)'),
        (lambda: prepare(im[:7]), 'at least 8 by 8 pixels, got 28 by 7'),
        (lambda: prepare(im[:0]), 'got an empty one, shape (0, 28)'),
        (lambda: prepare([im]), 'a path, a Pillow image, or a picture (h, w) | got a value of type list'),
        (lambda: prepare(3), 'got a value of type int'),
        (lambda: prepare(torch.zeros(28, 28)), 'ink that differs from its paper by at least .10 | got 0.00'),
        (lambda: prepare(Image.new('RGBA', (28, 28))), 'something to see, got one that is transparent all over'),
    ],
}
ROWS['mnist_distance'] = ROWS['mae']
EXPECTED = 'picture: expected a prepared picture, uint8 of shape (28, 28)'
ROWS['course_drawings'] = [(lambda digits=digits: course_drawings(digits), 'digits: expected whole numbers from 0 to 9 in a list, as in [3, 7] | got')
                           for digits in ([10], [], 3, [3.5], ['a'], [-1])]
ROWS['draw'] = [  # and test_strokes.py
    (lambda: draw([]), 'nothing is drawn'), (lambda: draw([[[.5, math.nan]]]), 'strokes: expected numbers in stroke 0, got NaN or infinity'),
    (lambda: draw([[.5, .5]]), 'strokes: expected points in stroke 0'), (lambda: draw(None), 'strokes: expected a list of strokes, got a value of type NoneType'),
    (lambda: draw([[[.5, .5]]], width=0), 'width'), (lambda: draw([[[.5, .5]]], size=0), 'size')]
ROWS['plot_product'] = [  # and test_loss.py
    (lambda: plot_product(torch.ones(2, 3), torch.ones(3, 1)), lambda ax: '3 = 1·1 + 1·1 + 1·1' in [t.get_text() for t in ax.texts]),
    (lambda: plot_product(torch.ones(2, 3), torch.ones(2, 3)), 'b: expected a tensor of shape (3, m) | got shape (2, 3)'),
    (lambda: plot_product(torch.ones(2, 3), torch.ones(3, 1), row=2), 'row and col: expected a place of the product | got 2, 0'),
]
ROWS['Landscape'] = [  # and test_landscape.py
    (lambda: Landscape(None, torch.ones(3, 3), *[torch.linspace(-1, 1, 3)]*2).point, [0, 0]),
    (lambda: Landscape(None, torch.ones(3, 2), *[torch.linspace(-1, 1, 3)]*2), 'accuracies: expected a float tensor of shape (3, 3) | got shape (3, 2)'),
]
ROWS['plot_shapes'] = [  # and test_distances.py
    (lambda: plot_shapes((2, 3), torch.ones(3)), lambda ax: len(ax.patches) == 4),
    (lambda: plot_shapes(28, (28,)), 'a: expected a shape, such as (2, 3) | got 28 | lesson 02'),
    (lambda: plot_shapes((2,), (2., 3.)), 'b: expected a shape | got (2.0, 3.0)'),
]
ROWS['keep'] = [  # and test_drawing.py
    (lambda: keep(raw / 255, 3), f'{EXPECTED} | got float32 of shape (28, 28); use keep(prepare(picture), label) | lesson 01'),
    (lambda: keep(raw[None], 3), f'{EXPECTED} | got uint8 of shape (1, 28, 28)'),
    (lambda: keep(raw.long().numpy(), 3), f'{EXPECTED} | got int64'),
    (lambda: keep('three.png', 3), f'{EXPECTED} | got a value of type str; use keep(prepare(picture), label)'),
    (lambda: keep(Image.fromarray(raw.numpy()), 3), f'{EXPECTED} | got a value of type Image'),
    *[(lambda label=label: keep(raw, label), f'label: expected a whole number from 0 to 9 | got {label!r} | lesson 01')
      for label in (10, -1, 3., '3', None, True, torch.tensor([3, 7]))],
]
ROWS['my_digits'] = [(lambda digits=digits: my_digits(digits), 'digits: expected whole numbers from 0 to 9 in a list, as in [3, 7] | got')
                     for digits in ([10], [], 3, [3.5], ['a'], [-1])]
ROWS['Pad'] = [
    *[(lambda digit=digit: Pad(digit), f'digit: expected a whole number from 0 to 9 | got {digit!r} | lesson 01') for digit in (10, -1, 3.5, '3', True)],
    (lambda: Pad().picture, 'pad.picture: expected a drawing, got an empty pad; draw a digit on it'),
    (lambda: Pad(np.int64(3)).digit, 3),
]
ROWS['in_processes'] = [  # and test_distributed.py
    (lambda: in_processes(len), 'work: expected a function that begins with def | got <built-in function len> | lesson 13'),
    (lambda: in_processes(step, n=0), 'n: expected a whole number from 1 | got 0 | lesson 13'),
    (lambda: in_processes(step, seconds=0), 'seconds: expected a number above 0 | got 0 | lesson 13'),
]
ROWS['average_gradients'] = [(lambda: average_gradients(linear), 'expected processes that know each other, got one alone; start them with torchrun | lesson 13'),
                             (lambda: average_gradients(linear, -1), 'items: expected a number from 0 | got -1 | lesson 13')]
ROWS['train_distributed'] = [  # and test_distributed.py
    (lambda: train_distributed('net', epochs=0), 'epochs: expected a whole number from 1 | got 0 | lesson 13'),
    (lambda: train_distributed('net', bs=2.5), 'bs: expected a whole number from 1 | got 2.5'), (lambda: train_distributed('net', lr=0), 'lr: expected a number above 0 | got 0'),
    (lambda: train_distributed('net', seed=-1), 'seed: expected a whole number from 0 | got -1'),
    (lambda: train_distributed('net', pictures=50_001), 'pictures: expected a whole number from 1 to 50000 | got 50001'),
    (lambda: train_distributed('net', seconds=0), 'seconds: expected a whole number from 1 | got 0'),
    (lambda: train_distributed('net', processes=2), 'processes: expected 2, got 1; start them by torchrun --nproc_per_node 2'),
    (lambda: train_distributed('net', pictures=255), 'bs: expected from 2, two pictures for each of 1 processes, to 255 | got 256'),
    (lambda: train_distributed(str(ROOT)), 'out: expected a place to write a model and its checkpoint to | it is a folder; give another'),
]
ROWS['made_photograph'] = [  # and test_sheet.py
    (lambda: made_photograph(im), 'digit: expected an int tensor of shape (28, 28) | got torch.float32 | lesson 12'),
    (lambda: made_photograph(raw[:14]), 'digit: expected | got shape (14, 28)'), (lambda: made_photograph(raw * 0), 'digit: expected a picture with ink on it, got an empty one'),
    (lambda: made_photograph(raw, -1), 'seed: expected a whole number'), (lambda: made_photograph(raw, kind='rainy'), "kind: expected 'plain' | got 'rainy'"),
]
ROWS['digit_sheet'] = [
    (lambda: digit_sheet('digits.doc'), "path: expected a name that ends with .pdf or .png, got 'digits.doc' | lesson 12"),
    (lambda: digit_sheet('nowhere/digits.pdf'), "path: expected one in a folder that is there, got 'nowhere'"),
    (lambda: digit_sheet('digits.pdf', 'A5'), "paper: expected 'A4' or 'letter', got 'A5'"), (lambda: digit_sheet(3), 'path: expected'),
]
ROWS['read_sheet'] = [
    (lambda: read_sheet(torch.ones(700, 500)), 'photo: expected a photograph of a sheet that digit_sheet made, got one without four black squares | lesson 12'),
    (lambda: read_sheet(im), 'got one of 28 by 28 pixels; take one of at least 600'), (lambda: read_sheet('nothing.png'), "got 'nothing.png' | look at the path"),
]
ROWS['made_sheet'] = [
    (lambda: made_sheet(ims, labels), 'images: expected an int tensor of shape (n, 28, 28) | got torch.float32'),
    (lambda: made_sheet(raw[None], torch.tensor([11])), 'labels: expected | from 0 to 9'), (lambda: made_sheet(raw[None], torch.tensor([1, 2])), 'labels: expected'),
]
ROWS['export_page'] = [  # and test_page.py
    (lambda: export_page({}, 'p.html'), 'models: expected a dict of a name and a model each, got an empty one | lesson 12'),
    (lambda: export_page({'mine': ims}, 'p.html'), "models['mine']: expected | (10, 28, 28)"),
    (lambda: export_page({'mine': torch.nn.Tanh()}, 'p.html'), "models['mine']: expected | got Tanh as layer 0"),
    (lambda: export_page({'mine': torch.nn.Linear(784, 10)}, 'nowhere/p.html'), 'path: expected a file to write, in a folder that is there, got nowhere'),
]
ROWS['Ladder'] = [(lambda: Ladder(3), 'models: expected a dict of a name and a model each, got a value of type int')]  # and test_page.py
ROWS['course_models'] = [(lambda: list(course_models()), ['nearest ideal', 'linear', 'two layers', 'convolutions'])]
ROWS['accuracy_by_writer'] = [
    (lambda: accuracy_by_writer(labels, labels, torch.tensor([5, 5, 5])), 'writers: expected two or more, got one | lesson 12'),
    (lambda: accuracy_by_writer(labels, labels, torch.tensor([1, 2])), 'writers: expected'),
    (lambda: accuracy_by_writer(three, labels, labels), 'answers: expected an int tensor'),
    (lambda: [n.tolist() for n in accuracy_by_writer(torch.tensor([3, 7, 3]), torch.tensor([3, 3, 3]), torch.tensor([1, 1, 2]))], [.75, .25, [.5, 1.]]),
]
ROWS['merge_digits'] = [  # and test_own_digits.py
    (lambda: merge_digits([]), 'paths: expected files of digits that were kept, got no path | lesson 12'), (lambda: merge_digits(['no.npz']), "got 'no.npz', which is not there"),
    (lambda: merge_digits(3), 'paths: expected | got'), (lambda: merge_digits([3]), 'paths: expected | got'), (lambda: merge_digits([ROOT / 'LICENSE']), 'paths: expected | ask its writer'),
]
ROWS['Pens'] = [  # and test_learner.py
    (lambda: digit_learner(digit_dls(ims[:, None], three.long(), ims[:, None], three.long()), digit_cnn(), cbs=Pens()), is_written_by_other_pens_in_training_alone)]
ROWS['as_rows'] = [(call, expected) for call, expected in ROWS['predict'] if 'images' in str(expected)]
ROWS['as_rows'] += [(lambda: as_rows(raw)[0], raw.flatten()[None] / 255), (lambda: as_rows([Image.fromarray(raw.numpy())] * 2)[0],
                                                                       raw.flatten().expand(2, -1) / 255)]
ROWS['oddities'] = [(lambda: oddities(torch.ones(2, 784)), ['nothing is there: 2 of 2'])]  # and test_pictures.py
ROWS['for_fastai'] = [(lambda: [type(for_fastai(BasicOptim)([[*linear.parameters()]], lr=.1)).__name__], ['OptimWrapper'])]  # and test_learner.py
ROWS['device_of'] = [(lambda: device_of(digit_dls(ims.flatten(1), targets[:3], ims.flatten(1), targets[:3], device='cpu')), torch.device('cpu'))]
ROWS['targets_of'] = [
    (lambda: targets_of(digit_dls(ims.flatten(1), targets[:3], ims.flatten(1), targets[:3], device='cpu')), targets[:3]),
    (lambda: targets_of([(preds, targets)]), 'dls: expected DataLoaders | got a value of type list | use digit_dls (lesson 07)'),
    (lambda: targets_of(DataLoaders([(preds, targets + 3)], [(preds, targets + 3)])),
     'dls: expected targets 0 and 1 in a column | got values from 3 to 4 | (targets == 3).long()'),
]
ROWS['DigitLearner'] = [(lambda: issubclass(DigitLearner, Learner), True)]  # made by digit_learner; test_learner.py has its losses
ROWS['SingleLoss'] = [(lambda: single_loss(torch.tensor(.5, dtype=torch.float64)), torch.tensor(.5)), (lambda: single_loss(torch.tensor(.5)), torch.tensor(.5))]
ROWS['put_back'] = [
    (lambda: steps_within(linear), (torch.tensor([[.5]]), torch.tensor([-.1]))),
    (lambda: put_back(len).__enter__(), 'model: expected an nn.Module, or a partial with parameters | got a value of type builtin_function_or_method | lesson 06'),
    (lambda: put_back(partial(len, 3)).__enter__(), 'got a value of type partial'),
]
ROWS['set_lr'] = [
    *[(lambda make=make: rate_after(make, .5), .5) for make in (BasicOptim, torch.optim.SGD, fastai_sgd)],
    (lambda: set_lr(Rateless(), .5), 'opt_func: expected one whose optimizer has an lr | got Rateless | use BasicOptim (lesson 06)'),
]
ROWS['Value'] = [
    (lambda: Value(np.float32(2)).data, 2.),
    (lambda: Value(torch.tensor([3.])).data, 3.),
    *[(lambda wrong=wrong: Value(wrong), 'expected a number | got | lesson 09') for wrong in (three, 'a', None, 1j, Value(1.), [1., 2.])],
    (lambda: Value(1.) + 'a', "expected a number | got 'a'"),
    (lambda: Value(2.)**Value(2.), 'expected a number | ** takes one'),
    (lambda: Value(1.) / 0, 'truediv of 1.0 and 0: expected a float | got none | keep away from 0 what you divide by'),
    (lambda: Value(-1.).log(), 'log of -1.0: expected a float | above 0 what you take'),
    (lambda: Value(-1.)**.5, 'pow of -1.0 and 0.5: expected a float | got none (a root of a negative number)'),
    (lambda: Value(1e4).exp(), 'exp of 10000.0: expected a float | small what you raise'),
    (lambda: Value(0.)**-1, 'expected a float to come out | got none'),
]
ROWS['plot_graph'] = [
    (lambda: texts(plot_graph(Value(2.) + 3)), {'+', '5', '2', '3', 'Value', '1', '× 1'}),
    (lambda: texts(plot_graph(Value(2.) + 3, 1)), {'+', '2', 'Value', '3'}),
    (lambda: plot_graph(5.), 'result: expected a Value | got a value of type float | compute it from Values (lesson 09)'),
]
ROWS['Lin'] = [
    (lambda: Lin(torch.ones(1, 2), torch.zeros(2))(preds), torch.cat([preds, preds], 1)),
    (lambda: Lin(np.ones((1, 2), dtype=np.float32), np.zeros(2, dtype=np.float32))(preds), torch.cat([preds, preds], 1)),
    (lambda: Lin(three, three), 'weight: expected a float tensor of shape (k, m) | got shape (3,) | lesson 09'),
    (lambda: Lin(torch.ones(1, 2), three), 'bias: expected a float tensor of shape (2,) | got shape (3,)'),
    (lambda: Lin(torch.ones(1, 2), torch.zeros(2).double()), 'bias: expected | torch.float64'),
    (lambda: Lin(torch.ones(1, 2), torch.zeros(2))(three), 'x: expected a float tensor of shape (n, 1) | got shape (3,) | lesson 09'),
    (lambda: Lin(torch.ones(1, 2), torch.zeros(2))(preds.double()), "x: expected torch.float32, as the weight's | got torch.float64"),
    (lambda: Lin(torch.ones(1, 2), torch.zeros(2)).backward(preds), 'Lin: expected forward before backward | got backward alone; call it with a batch first (lesson 09)'),
    (lambda: after(Lin(torch.ones(1, 2), torch.zeros(2)), preds).backward(preds), 'Lin: expected slopes of shape (4, 2) | got shape (4, 1)'),
    (lambda: after(Lin(torch.ones(1, 2), torch.zeros(2)), preds).backward(3.), 'got a value of type float'),
]
ROWS['Relu'] = [
    (lambda: Relu()(preds), preds.clamp(min=0)),
    (lambda: Relu().backward(preds), 'Relu: expected forward before backward'),
    (lambda: after(Relu(), preds).backward(preds[:2]), 'Relu: expected slopes of shape (4, 1) | got shape (2, 1)'),
]
ROWS['CrossEntropy'] = [
    (lambda: CrossEntropy()(preds, targets), torch.nn.functional.binary_cross_entropy_with_logits(preds, targets.float())),
    (lambda: CrossEntropy()(preds, targets[:, 0]), 'targets: expected | shape (4, 1) | got shape (4,) | lesson 09'),
    (lambda: CrossEntropy()(preds, targets + 3), 'targets: expected | got'),
    (lambda: CrossEntropy().backward(), 'CrossEntropy: expected forward before backward'),
]
ROWS['MnistLoss'] = [
    (lambda: MnistLoss()(preds, targets), loss),
    (lambda: MnistLoss()(preds, targets[:, 0]), 'targets: expected | shape (4, 1) | got shape (4,) | lesson 09'),
    (lambda: MnistLoss()(preds, targets + 3), 'targets: expected | got'),
    (lambda: MnistLoss().backward(), 'MnistLoss: expected forward before backward'),
]
ROWS['Chain'] = [
    (lambda: Chain(Relu(), Relu())(preds), preds.clamp(min=0)),
    (lambda: Chain(), 'layers: expected at least one | got none | lesson 09'),
    (lambda: Chain(Relu), 'layers: expected at least one | got type | Relu(), with their brackets'),
    (lambda: Chain(Relu(), linear), 'got Linear'),
    (lambda: Chain(Relu()).backward(preds), 'expected forward before backward'),
    (lambda: after(Chain(Relu()), preds).backward(three), 'Chain: expected slopes of shape (4, 1) | got shape (3,)'),
]
ROWS['Layer'] = [(lambda: Layer().parameters(), [])]  # the others are made of it
ROWS['add_grad'] = [
    (lambda: added(three, three), 2 * three),
    (lambda: add_grad(three.clone(), preds), 'g: expected the shape of its parameter, (3,) | got (4, 1) | lesson 09'),
]
ROWS['are_layers'] = [(lambda: len(are_layers([Relu(), Relu()])), 2), (lambda: are_layers(['relu']), 'layers: expected at least one | got str')]
BOOK = {'metadata': {}, 'cells': [{'cell_type': 'code', 'id': 'a', 'source': ['#| export\n', 'x = 1'], 'outputs': [3]}]}
ROWS['learners_copy'] = [(lambda: [c['source'] for c in learners_copy(BOOK)['cells']], ['x = 1']),
                         (lambda: learners_copy('{}'), 'nb: expected a notebook as a dictionary with cells | got a value of type str | json.loads | lesson 00')]
ROWS['source_hash'] = [(lambda: source_hash(BOOK) == source_hash({**BOOK, 'metadata': {'a': 1}}), True), (lambda: source_hash([]), 'nb: expected a notebook')]
ROWS['course_files'] = [(lambda: {'01_pixels.ipynb', 'solutions/lesson_13.py'} <= course_files().keys(), True),
                        (lambda: course_files(ROOT / 'tests'), 'root: expected the folder of the project | settings.ini')]
ROWS['lay_out'] = []  # every case needs a folder of its own: test_course.py
ROWS['look'] = [(lambda: [what for what, *_ in look(ROOT / 'no' / 'such')][:3], ['system', 'Python', 'packages'])]  # and test_command.py
ROWS['set_mode'] = [(lambda: set_mode(linear, 'eval') or linear.training, False), (lambda: set_mode(linear, 'train') or linear.training, True),
                    (lambda: set_mode(len, 'eval') or 3, 3)]  # a function has no mode
ROWS['not_empty'] = [(lambda: not_empty([1]), [1]), (lambda: not_empty([]), 'dl: expected at least one batch | got none | lesson 05')]
ROWS['looked_at'] = [(lambda: looked_at(mnist_loss)(preds, targets), mnist_loss(preds, targets)),
                     (lambda: looked_at(mnist_loss)(preds, targets + 2), 'targets: expected labels 0 and 1')]
ROWS['name_of'] = [(lambda: [name_of(batch_accuracy), name_of(linear)], ['batch_accuracy', 'Linear']),
                   (lambda: name_of(valid_loss), 'metric: expected a name of its own | got valid_loss | lesson 05')]
ROWS['checked'] = [(lambda: checked(lambda x: x)(3), 3)]  # and test_checks.py
ROWS['mnist_loss'] += [(lambda: mnist_loss(preds, 2 * targets + 1), 'targets: expected')]  # and test_loss.py
ROWS['confusion_matrix'] += [
    (lambda: confusion_matrix(ims[:, 0], torch.tensor([0, 5, 28])),
     'with values from 0 to 27, got values from 0 to 28; look at the labels'),
    (lambda: confusion_matrix(ims[:, 0], torch.tensor([0, -1, 3])), 'got values from -1 to 3'),
]
ROWS['accuracy'] += [(lambda: accuracy(three, torch.tensor([0])), 'preds: expected')]
CASES = [pytest.param(call, expected, id=f'{name}-{i}') for name, rows in ROWS.items() for i, (call, expected) in enumerate(rows)]


@pytest.mark.filterwarnings("ignore:predict. not like MNIST's pictures")  # these are noise
@pytest.mark.parametrize('call, expected', CASES)
def test_what_comes_out_is_right_or_it_says_what_was_expected_and_what_came(call, expected):
    if not isinstance(expected, str):
        found = call()
        if callable(expected):
            assert expected(found)  # which may be what it says, or what it raises
        elif isinstance(expected, (torch.Tensor, tuple)):
            assert_close(found, expected)
        else:
            assert found == expected
        return
    with pytest.raises(ValueError) as caught:
        call()
    message = str(caught.value)
    assert re.search(r'\(lesson \d\d\)', message) and 'expected' in message and 'got' in message, message
    for phrase in expected.split(' | '):
        assert phrase in message, f'{phrase!r} is not in: {message}'


@pytest.mark.parametrize('module', [module for module in MODULES if module != 'exercises'])
def test_every_export_has_its_rows(module):
    for name in importlib.import_module(f'digits_uth.{module}').__all__:
        assert name in ROWS, f'{name} of digits_uth.{module} has no row in the table of bad inputs'


def test_nothing_is_drawn_when_a_picture_is_refused():
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
