"""Lesson 06: nn.Linear from its default start with SGD, momentum .9 and Adam, several learning rates each, ten epochs of batches of 256.

`gained` and `lost` compare with SGD at lr 10, same start, same batches: pictures read rightly only here, and only there.
"""
from functools import cache

import torch
from torch import nn
from torch.utils.data import DataLoader

from digits_uth.data import threes_and_sevens
from digits_uth.loss import mnist_loss
from digits_uth.optimizers import Adam, BasicOptim, Momentum
from digits_uth.training import train_epoch

OPTIMIZERS = {'SGD': BasicOptim, 'Momentum': Momentum, 'Adam': Adam}
RATES = {'SGD': (.1, 1., 10., 30.), 'Momentum': (.01, .1, 1., 3.), 'Adam': (.001, .01, .1, 1.)}
CASES = [{'opt': opt, 'lr': lr, 'seed': seed} for opt, rates in RATES.items() for lr in rates for seed in range(5)]
WITHIN = {'epoch_10': .004}
TRY = [{'opt': opt, 'lr': rates[1], 'seed': 0} for opt, rates in RATES.items()]


@cache
def right(opt, lr, seed):
    "Which of the held-out pictures are read rightly after training?"
    train_x, train_y, valid_x, valid_y = threes_and_sevens()
    torch.manual_seed(seed)
    model = nn.Linear(784, 1)
    dl = DataLoader(list(zip(train_x, train_y, strict=True)), batch_size=256, shuffle=True)
    optimizer = OPTIMIZERS[opt](model.parameters(), lr=lr)
    for _ in range(10):
        train_epoch(model, dl, mnist_loss, optimizer)
    with torch.no_grad():
        return (model(valid_x) > 0) == (valid_y == 1)


def run(opt, lr, seed):
    here, there = right(opt, lr, seed), right('SGD', 10., seed)
    return {'epoch_10': here.float().mean().item(), 'gained': (here & ~there).sum().item(), 'lost': (there & ~here).sum().item()}
