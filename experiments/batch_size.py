"""Lesson 05: what a larger batch buys and costs, at the first step of the linear model, from six starts.

`spread` is how far a batch's gradient is from that of all pictures, as a share of the latter's length: the root of the mean
square over 400 random batches. `time` is an epoch's time, as a multiple of that with batches of 256: the fastest of three of
each, with one thread. The batches are slices of pictures that lie shuffled already, so that no picture is copied. On another
machine only its trend is the same.
"""
import time

import torch

from digits_uth.data import threes_and_sevens
from digits_uth.loss import init_params, linear1, mnist_loss

CASES = [{'bs': bs, 'seed': seed} for bs in (1, 4, 16, 64, 256, 1024, 4096, 12_396) for seed in range(6)]
WITHIN = {'spread': .02}  # time is another machine's
TRY = [{'bs': bs, 'seed': 0} for bs in (16, 64, 256, 1024)]


def gradient(xb, yb, params):
    mnist_loss(linear1(xb, *params), yb).backward()
    grad = torch.cat([p.grad.flatten() for p in params])
    for p in params:
        p.grad = None
    return grad


def epoch(bs, x, y, params):
    start = time.perf_counter()
    for xb, yb in zip(x.split(bs), y.split(bs), strict=True):
        gradient(xb, yb, params)
        with torch.no_grad():
            for p in params:
                p -= 0 * p  # a step's work, without going anywhere
    return time.perf_counter() - start


def run(bs, seed):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    x, y, _, _ = threes_and_sevens()
    torch.manual_seed(seed)
    params = init_params((784, 1)), init_params(1)
    whole = gradient(x, y, params)
    batches = [torch.randperm(len(x))[:bs] for _ in range(400)]
    spread = torch.stack([gradient(x[rows], y[rows], params) - whole for rows in batches]).square().sum(1).mean().sqrt() / whole.norm()
    order = torch.randperm(len(x))
    x, y = x[order], y[order]
    seconds, usual = zip(*[(epoch(bs, x, y, params), epoch(256, x, y, params)) for _ in range(3)], strict=True)
    torch.set_num_threads(threads)
    return {'spread': spread.item(), 'time': min(seconds) / min(usual)}
