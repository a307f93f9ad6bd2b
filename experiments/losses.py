"""Lesson 08: loss by learning rate by model, from PyTorch's start, plain SGD, batches of 256, after 20 and after 40 epochs.

`linear` is one linear layer; `no bend`, the two layers of simple_net with nothing between them; `net`, simple_net.
"""
import torch
import torch.nn.functional as F
from torch import nn

from digits_uth.data import threes_and_sevens
from digits_uth.loaders import digit_dls
from digits_uth.loss import mnist_loss
from digits_uth.models import simple_net
from digits_uth.optimizers import BasicOptim
from digits_uth.training import train_model


def cross_entropy(preds, targets):
    return F.binary_cross_entropy_with_logits(preds, targets.float())


LOSSES = {'mnist_loss': mnist_loss, 'cross_entropy': cross_entropy}
MODELS = {'linear': lambda: nn.Linear(784, 1), 'no bend': lambda: nn.Sequential(nn.Linear(784, 30), nn.Linear(30, 1)), 'net': simple_net}
RATES = {'mnist_loss': (.1, .3, 1., 4., 6., 10., 30., 100.),  # each model's best lies inside the range
         'cross_entropy': (.03, .1, .3, 1., 4., 6., 10., 30.)}
CASES = [{'loss': loss, 'model': model, 'lr': lr, 'seed': seed}
         for loss in LOSSES for model in MODELS for lr in RATES[loss] for seed in range(5)]
WITHIN = {'epoch_20': .006, 'epoch_40': .006}
TRY = [{'loss': loss, 'model': model, 'lr': .3, 'seed': 0} for loss in LOSSES for model in MODELS]


def run(loss, model, lr, seed):
    torch.manual_seed(seed)
    net = MODELS[model]()
    dl, valid_dl = digit_dls(*threes_and_sevens(), device='cpu')
    accuracy = train_model(net, dl, valid_dl, LOSSES[loss], BasicOptim(net.parameters(), lr=lr), 40)['batch_accuracy']
    return {'epoch_20': accuracy[19], 'epoch_40': accuracy[39]}
