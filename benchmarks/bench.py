"""Speed as ratios: two ways of doing one thing, in turns, in one run; the fastest of several rounds counts.

`make bench` prints them. Absolute times don't carry over from one machine to another, and no test asserts any.
"""
import os
import platform
import subprocess
import sys
import time

import torch
from PIL import Image

from digits_uth.data import load_mnist, mnist_sample, threes_and_sevens


def seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def fastest(*functions, rounds):
    "The shortest time of each function, called in turns, so that a busy moment of the machine hits all of them."
    times = [[seconds(function) for function in functions] for _ in range(rounds)]
    return [min(column) for column in zip(*times, strict=True)]


def python(code):
    "A fresh Python that runs `code`."
    return lambda: subprocess.run([sys.executable, '-W', 'ignore', '-c', code], check=True)


def loading():
    "A picture from the embedded file against one from its PNG, read as fastai's `tensor(Image.open(path))` does."
    from fastai.torch_core import tensor
    paths = [path for folder in ('train/3', 'train/7') for path in (mnist_sample() / folder).iterdir()]
    embedded, pngs = fastest(load_mnist, lambda: [tensor(Image.open(path)) for path in paths], rounds=3)
    return pngs / len(paths), embedded / 60_000


def importing():
    "The import of lessons 00 to 02 against fastai's usual one."
    return fastest(python('from fastai.vision.all import *'), python('import digits_uth.distances'), rounds=7)


def importing_learner():
    "The import of lesson 07's module, with fastai.basics, against fastai's usual one."
    return fastest(python('from fastai.vision.all import *'), python('import digits_uth.learner'), rounds=7)


def loaders():
    "The three ways to hand out batches of 256: ours, fastai's over pairs, PyTorch's over a TensorDataset."
    from torch.utils.data import DataLoader as TorchLoader
    from torch.utils.data import TensorDataset

    from digits_uth.learner import DataLoader, digit_dls  # fastai's loader; this import keeps fastai's warning quiet
    train_x, train_y, valid_x, valid_y = threes_and_sevens()
    pairs = [list(zip(x, y, strict=True)) for x, y in ((train_x, train_y), (valid_x, valid_y))]
    sets = [TensorDataset(x, y) for x, y in ((train_x, train_y), (valid_x, valid_y))]
    return {'ours': digit_dls(train_x, train_y, valid_x, valid_y, device='cpu').loaders,
            'pairs': [DataLoader(pairs[0], bs=256, shuffle=True), DataLoader(pairs[1], bs=256)],
            'TensorDataset': [TorchLoader(sets[0], batch_size=256, shuffle=True), TorchLoader(sets[1], batch_size=256)]}


def epochs_of_loading():
    "An epoch of batches, and nothing done with them."
    def drain(loader): return lambda: [None for _ in loader]
    names = loaders()
    return dict(zip(names, fastest(*(drain(train) for train, _ in names.values()), rounds=9), strict=True))


def fits():
    "Two epochs with Learner.fit over each loader, with the bar and the log and without, and of the bare loop over ours."
    from fastai.basics import SGD, DataLoaders, Learner
    from fastai.learner import Recorder
    from torch import nn

    from digits_uth.loss import batch_accuracy, mnist_loss
    from digits_uth.optimizers import BasicOptim
    from digits_uth.training import train_epoch, validate_epoch

    def fit(pair, without=()):
        def run():
            learn = Learner(DataLoaders(*pair), nn.Linear(784, 1), loss_func=mnist_loss, opt_func=SGD, metrics=batch_accuracy)
            learn.remove_cbs(without)
            with learn.no_bar(), learn.no_logging():
                learn.fit(2, lr=1.)
        return run

    def bare(pair):
        def run():
            model = nn.Linear(784, 1)
            opt = BasicOptim(model.parameters(), lr=1.)
            for _ in range(2):
                train_epoch(model, pair[0], mnist_loss, opt)
                validate_epoch(model, pair[1], mnist_loss)
                validate_epoch(model, pair[1], batch_accuracy)
        return run
    names = loaders()
    functions = {'the bare loop': bare(names['ours']), 'fit without Recorder': fit(names['ours'], [Recorder]),
                 **{f'fit, {name}': fit(pair) for name, pair in names.items()}}
    return dict(zip(functions, fastest(*functions.values(), rounds=7), strict=True))


def compare(what, times, base):
    "A line for each time, as a multiple of one of them."
    print(what)
    for name, time_ in times.items():
        print(f'    {name:24} {time_ * 1e3:7.1f} ms  = {time_ / times[base]:.2f}', flush=True)


def main():
    torch.set_num_threads(1)  # on shared machines two threads measure the neighbours
    versions = f'Python {platform.python_version()}, torch {torch.__version__}'
    print(f'{platform.system()} on {platform.machine()}, {os.cpu_count()} cores, {versions}')
    for what, measure in {'a picture, tensor(Image.open(path)) : load_mnist': loading,
                          'import, fastai.vision.all : digits_uth.distances': importing,
                          'import, fastai.vision.all : digits_uth.learner': importing_learner}.items():
        this, that = measure()
        unit, scale = ('µs', 1e6) if this < .01 else ('s', 1)
        times = f'{this * scale:.2f} {unit} : {that * scale:.2f} {unit}'
        print(f'{what:50} {times:>20}  = {this / that:.1f} : 1 = 1 : {that / this:.2f}', flush=True)
    compare('an epoch of loading, 12,396 pictures in batches of 256', epochs_of_loading(), 'ours')
    compare('two epochs of the linear model', fits(), 'fit, ours')


if __name__ == '__main__':
    main()
