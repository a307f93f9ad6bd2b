"""Lesson 06: nn.Linear from its default start with SGD, momentum .9 and Adam, several learning rates each, ten epochs of batches of 256."""
from functools import partial

import torch
from torch import nn
from torch.utils.data import DataLoader

from digits_uth.data import threes_and_sevens
from digits_uth.loss import mnist_loss
from digits_uth.optimizers import Adam, BasicOptim, Momentum
from digits_uth.training import train_model

OPTIMIZERS = {'SGD': BasicOptim, 'Momentum': Momentum, 'Adam': Adam}
RATES = {'SGD': (.1, 1., 10., 30.), 'Momentum': (.01, .1, 1., 3.), 'Adam': (.001, .01, .1)}
CASES = [{'opt': opt, 'lr': lr, 'seed': seed} for opt, rates in RATES.items() for lr in rates for seed in range(5)]
WITHIN = {'epoch_10': .004}
TRY = [{'opt': opt, 'lr': rates[1], 'seed': 0} for opt, rates in RATES.items()]


def run(opt, lr, seed):
    train_x, train_y, valid_x, valid_y = threes_and_sevens()
    torch.manual_seed(seed)
    model = nn.Linear(784, 1)
    dl = DataLoader(list(zip(train_x, train_y, strict=True)), batch_size=256, shuffle=True)
    valid_dl = DataLoader(list(zip(valid_x, valid_y, strict=True)), batch_size=256)
    make_opt = partial(OPTIMIZERS[opt], lr=lr)
    history = train_model(model, dl, valid_dl, mnist_loss, make_opt(model.parameters()), 10)
    return {'epoch_10': history['batch_accuracy'][-1]}
