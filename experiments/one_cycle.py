"""Lesson 07: one-cycle against the same rate all the way, several rates each: nn.Linear, fastai's Learner, five epochs of batches of 256.

`gained` and `lost` compare with the constant rate 10 from the same start: pictures read rightly only here, and only there.
"""
from functools import cache

import torch
from torch import nn

from digits_uth.data import threes_and_sevens
from digits_uth.learner import digit_learner, quiet
from digits_uth.loaders import digit_dls

RATES = {'constant': (1., 2., 4., 10., 20.), 'one cycle': (2., 4., 10., 20., 40., 80.)}
CASES = [{'fit': fit, 'lr': lr, 'seed': seed} for fit, rates in RATES.items() for lr in rates for seed in range(5)]
WITHIN = {'accuracy': .004}
TRY = [{'fit': fit, 'lr': 10., 'seed': 0} for fit in ('constant', 'one cycle')]


@cache
def right(fit, lr, seed):
    "Which of the held-out pictures are read rightly after training?"
    x, y, valid_x, valid_y = threes_and_sevens()
    torch.manual_seed(seed)
    learn = digit_learner(digit_dls(x, y, valid_x, valid_y, device='cpu'), nn.Linear(784, 1))
    with quiet(learn):
        learn.fit(5, lr) if fit == 'constant' else learn.fit_one_cycle(5, lr)
    with torch.no_grad():
        return (learn.model(valid_x) > 0) == (valid_y == 1)


def run(fit, lr, seed):
    here, there = right(fit, lr, seed), right('constant', 10., seed)
    return {'accuracy': here.float().mean().item(), 'gained': (here & ~there).sum().item(), 'lost': (there & ~here).sum().item()}
