"""Lesson 08: simple_net (784, 30, 1) and a linear model with fastai's Learner, lr .1, 40 epochs of batches of 256, from several starts.

`default` is PyTorch's own start; `normal` draws all parameters from a standard normal distribution, `zero` and `constant` set
them all to 0 and to .01. `different` is how many of the 30 hidden units end with weights of their own.
"""
import torch
from torch import nn

from digits_uth.data import threes_and_sevens
from digits_uth.learner import digit_learner, history, quiet
from digits_uth.loaders import digit_dls
from digits_uth.models import simple_net

RECIPES = (('net', 'default'), ('linear', 'default'), ('net', 'normal'), ('net', 'zero'), ('net', 'constant'))
CASES = [{'model': model, 'start': start, 'seed': seed} for model, start in RECIPES for seed in range(5)]
WITHIN = {'accuracy': .004}
TRY = [{'model': model, 'start': 'default', 'seed': 0} for model in ('net', 'linear')]


def run(model, start, seed):
    torch.manual_seed(seed)
    net = simple_net() if model == 'net' else nn.Linear(784, 1)
    if start != 'default':
        for p in net.parameters():
            nn.init.normal_(p) if start == 'normal' else nn.init.constant_(p, 0. if start == 'zero' else .01)
    learn = digit_learner(digit_dls(*threes_and_sevens(), device='cpu'), net)
    with quiet(learn):
        learn.fit(40, lr=.1)
    different = len(torch.unique(net[0].weight.detach(), dim=0)) if model == 'net' else None
    return {'accuracy': history(learn)['batch_accuracy'][-1], 'different': different}
