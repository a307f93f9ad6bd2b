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

from digits_uth.data import load_mnist, mnist_sample


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


def main():
    versions = f'Python {platform.python_version()}, torch {torch.__version__}'
    print(f'{platform.system()} on {platform.machine()}, {os.cpu_count()} cores, {versions}')
    for what, measure in {'a picture, tensor(Image.open(path)) : load_mnist': loading,
                          'import, fastai.vision.all : digits_uth.distances': importing}.items():
        this, that = measure()
        unit, scale = ('µs', 1e6) if this < .01 else ('s', 1)
        times = f'{this * scale:.2f} {unit} : {that * scale:.2f} {unit}'
        print(f'{what:50} {times:>20}  = {this / that:.1f} : 1 = 1 : {that / this:.2f}', flush=True)


if __name__ == '__main__':
    main()
