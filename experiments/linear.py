"""Lesson 05: the linear model from a standard normal start, batch size 256, 200 epochs, and what each change does to it.

One row for each recipe and seed, with the accuracy on the validation pictures after 1, 20 and 200 epochs.
The seed decides the start and the order of the batches; each recipe gets the same starts.
"""
from functools import partial

import torch
from torch.optim import SGD
from torch.utils.data import DataLoader

from digits_uth.data import threes_and_sevens
from digits_uth.loss import init_params, linear1, mnist_loss
from digits_uth.training import train_model

RECIPES = ('lr 1', 'sorted', 'sigmoid twice', 'lr .22', 'not zeroed', 'lr .01', 'lr 10', 'lr 100')
CASES = [{'recipe': recipe, 'seed': seed} for recipe in RECIPES for seed in range(6)]
WITHIN = {'epoch_1': .01, 'epoch_20': .003, 'epoch_200': .003}
TRY = [{'recipe': 'lr 1', 'seed': 0}]


def sigmoid_twice(preds, targets):
    return mnist_loss(preds.sigmoid(), targets)


class NotZeroed(SGD):
    def zero_grad(self, set_to_none=True):
        pass


def run(recipe, seed):
    train_x, train_y, valid_x, valid_y = threes_and_sevens()
    lr = float(recipe[3:]) if recipe.startswith('lr') else 1.
    torch.manual_seed(seed)
    weights, bias = init_params((784, 1)), init_params(1)
    dl = DataLoader(list(zip(train_x, train_y, strict=True)), batch_size=256, shuffle=recipe != 'sorted')
    valid_dl = DataLoader(list(zip(valid_x, valid_y, strict=True)), batch_size=256)
    loss_func = sigmoid_twice if recipe == 'sigmoid twice' else mnist_loss
    opt = (NotZeroed if recipe == 'not zeroed' else SGD)([weights, bias], lr=lr)
    accuracy = train_model(partial(linear1, weights=weights, bias=bias), dl, valid_dl, loss_func, opt, 200)['batch_accuracy']
    return {f'epoch_{n}': accuracy[n - 1] for n in (1, 20, 200)}
