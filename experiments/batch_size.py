"""Lesson 05: what a larger batch buys and costs, at the first step of the linear model.

`spread` is how far a batch's gradient is from that of all pictures, as a share of the latter's length: the root of the mean
square over 400 random batches. `seconds` is an epoch's time, the fastest of nine, with shuffled slices of tensors in memory
and one thread; only its ratios mean anything, and only roughly, on another machine.
"""
import time

import torch

from digits_uth.data import threes_and_sevens
from digits_uth.loss import init_params, linear1, mnist_loss

CASES = [{'bs': bs} for bs in (1, 4, 16, 64, 256, 1024, 4096, 12_396)]
WITHIN = {'spread': .02}  # seconds are another machine's
TRY = [{'bs': bs} for bs in (16, 64, 256, 1024)]


def gradient(rows, x, y, params):
    mnist_loss(linear1(x[rows], *params), y[rows]).backward()
    grad = torch.cat([p.grad.flatten() for p in params])
    for p in params:
        p.grad = None
    return grad


def epoch(bs, x, y, params):
    start = time.perf_counter()
    for rows in torch.randperm(len(x)).split(bs):
        gradient(rows, x, y, params)
        with torch.no_grad():
            for p in params:
                p -= 0 * p  # a step's work, without going anywhere
    return time.perf_counter() - start


def run(bs):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    x, y, _, _ = threes_and_sevens()
    torch.manual_seed(0)
    params = init_params((784, 1)), init_params(1)
    whole = gradient(slice(None), x, y, params)
    batches = [torch.randperm(len(x))[:bs] for _ in range(400)]
    spread = torch.stack([gradient(rows, x, y, params) - whole for rows in batches]).square().sum(1).mean().sqrt() / whole.norm()
    seconds = min(epoch(bs, x, y, params) for _ in range(9))
    torch.set_num_threads(threads)
    return {'spread': spread.item(), 'seconds': seconds}
