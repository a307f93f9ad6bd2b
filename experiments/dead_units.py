"""Lesson 08: simple_net (784, 30, 1) with one of two bends, cross-entropy, plain SGD, 20 epochs of batches of 256, by rate, five starts.

`off` is how many of the 30 hidden units end below 0 for every training picture, `stuck`, how many get no gradient from any of them.
"""
import torch
import torch.nn.functional as F
from torch import nn

from digits_uth.data import threes_and_sevens
from digits_uth.loaders import digit_dls
from digits_uth.models import simple_net
from digits_uth.optimizers import BasicOptim
from digits_uth.training import train_model

BENDS = {'ReLU': nn.ReLU, 'leaky ReLU': lambda: nn.LeakyReLU(.01)}
CASES = [{'bend': bend, 'lr': lr, 'seed': seed} for bend in BENDS for lr in (.1, .3, 1.) for seed in range(5)]
WITHIN = {'epoch_20': .006, 'off': 4, 'stuck': 4}
TRY = [{'bend': bend, 'lr': 1., 'seed': 0} for bend in BENDS]


def loss_func(preds, targets):
    return F.binary_cross_entropy_with_logits(preds, targets.float())


def run(bend, lr, seed):
    torch.manual_seed(seed)
    net = simple_net()
    net[1] = BENDS[bend]()
    train_x, train_y, valid_x, valid_y = threes_and_sevens()
    dl, valid_dl = digit_dls(train_x, train_y, valid_x, valid_y, device='cpu')
    accuracy = train_model(net, dl, valid_dl, loss_func, BasicOptim(net.parameters(), lr=lr), 20)['batch_accuracy'][-1]
    for p in net.parameters():
        p.grad = None
    loss_func(net(train_x), train_y).backward()
    off = (net[0](train_x) <= 0).all(0).sum().item()
    stuck = (net[0].weight.grad == 0).all(1).sum().item()
    return {'epoch_20': accuracy, 'off': off, 'stuck': stuck}
