"""Lesson 13: the network of lesson 10 after the same number of pictures, four epochs by plain steps, for batches of five sizes.

`accuracy` is that on the pictures set aside; `steps` is how many there were. Each batch size meets the same row of rates.
"""
import torch
from torch.nn import functional as F

from digits_uth.data import all_digits
from digits_uth.models import simple_net
from digits_uth.optimizers import BasicOptim
from digits_uth.ten_digits import accuracy
from digits_uth.training import calc_grad

RATES = [.05, .1, .2, .4, .8, 1.6, 3.2]
CASES = [{'bs': bs, 'lr': lr, 'seed': seed} for bs in (64, 256, 1024, 4096, 16_384) for lr in RATES for seed in range(3)]
WITHIN = {'accuracy': .03}  # at the largest rates a run may break down
TRY = [{'bs': bs, 'lr': .4, 'seed': 0} for bs in (256, 4096)]


def run(bs, lr, seed):
    x, y, aside_x, aside_y = all_digits()
    torch.manual_seed(seed)
    net, steps = simple_net(784, 50, 10), 0
    opt = BasicOptim(net.parameters(), lr=lr)
    for _ in range(4):
        for rows in torch.randperm(len(x)).split(bs):
            if len(rows) < bs:
                continue
            calc_grad(x[rows], y[rows], net, F.cross_entropy)
            opt.step()
            opt.zero_grad()
            steps += 1
    with torch.no_grad():
        return {'accuracy': accuracy(net(aside_x), aside_y).item(), 'steps': steps}
