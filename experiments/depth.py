"""Lesson 08: one hidden layer or several, of about as many parameters: cross-entropy, Adam, lr .001, 20 epochs of batches of 256."""
import torch
import torch.nn.functional as F
from torch import nn

from digits_uth.data import threes_and_sevens
from digits_uth.loaders import digit_dls
from digits_uth.optimizers import Adam
from digits_uth.training import train_model

WIDTHS = {1: (60,), 2: (56, 56), 3: (53, 53, 53), 5: (48, 48, 48, 48, 48)}
CASES = [{'layers': layers, 'seed': seed} for layers in WIDTHS for seed in range(5)]
WITHIN = {'epoch_20': .005}
TRY = [{'layers': layers, 'seed': 0} for layers in (1, 3)]


def make(layers):
    sizes = (784, *WIDTHS[layers], 1)
    parts = [part for a, b in zip(sizes, sizes[1:], strict=False) for part in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*parts[:-1])


def run(layers, seed):
    torch.manual_seed(seed)
    net = make(layers)
    dl, valid_dl = digit_dls(*threes_and_sevens(), device='cpu')

    def loss_func(preds, targets): return F.binary_cross_entropy_with_logits(preds, targets.float())
    accuracy = train_model(net, dl, valid_dl, loss_func, Adam(net.parameters(), lr=.001), 20)['batch_accuracy']
    return {'parameters': sum(p.numel() for p in net.parameters()), 'epoch_20': accuracy[-1]}
