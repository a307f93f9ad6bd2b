"""Lesson 10: three rungs on ten digits, trained on 50,000 of MNIST's training pictures, measured on the 10,000 set aside.

SGD, lr .3, ten epochs of batches of 256. The seed decides start and order; the pictures set aside are always the same.
The best linear model and the best network of two layers are kept: lesson 12 puts them beside the convolutions.
"""
from pathlib import Path

import torch
from torch import nn

from digits_uth.data import all_digits
from digits_uth.distances import ideal_digit, nearest_ideal
from digits_uth.files import save_model
from digits_uth.learner import digit_learner, history, quiet
from digits_uth.loaders import digit_dls
from digits_uth.models import simple_net
from digits_uth.ten_digits import accuracy, cross_entropy

CASES = [{'rung': 'nearest ideal', 'seed': 0}, *({'rung': rung, 'seed': seed} for rung in ('linear', 'simple_net') for seed in range(5))]
WITHIN = {'accuracy': .005}
TRY = [{'rung': rung, 'seed': 0} for rung in ('nearest ideal', 'linear')]
ASSETS = Path(__file__).resolve().parent.parent / 'digits_uth' / 'assets'
trained = {}


def run(rung, seed):
    train_x, train_y, valid_x, valid_y = all_digits()
    if rung == 'nearest ideal':
        ideals = torch.stack([ideal_digit(train_x[train_y == digit].view(-1, 28, 28)) for digit in range(10)])
        return {'accuracy': (nearest_ideal(valid_x.view(-1, 28, 28), ideals) == valid_y).float().mean().item()}
    torch.manual_seed(seed)
    model = nn.Linear(784, 10) if rung == 'linear' else simple_net(784, 50, 10)
    learn = digit_learner(digit_dls(train_x, train_y, valid_x, valid_y, device='cpu'), model, loss_func=cross_entropy, metrics=accuracy)
    with quiet(learn):
        learn.fit(10, lr=.3)
    trained[rung, seed] = learn.model
    return {'accuracy': history(learn)['accuracy'][-1]}


def finish(table):
    "Save the best of each rung that was trained."
    for rung, runs in table[table.rung != 'nearest ideal'].groupby('rung'):
        best = runs.loc[runs.accuracy.idxmax()]
        save_model(trained[rung, int(best.seed)], ASSETS / f'{rung}.safetensors')
