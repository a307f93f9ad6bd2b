"""Speed as ratios: two ways of doing one thing, in turns, in one run; the fastest of several rounds counts.

`make bench` prints them and writes RESULTS.md. Absolute times don't carry over from one machine to another, and no test asserts any.
"""
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

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


def example_network():
    "PyTorch's example for MNIST, written anew."
    from torch import nn
    return nn.Sequential(nn.Unflatten(1, (1, 28, 28)), nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Dropout(.25), nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(.5), nn.Linear(128, 10))


def until_99(seed):
    """Lesson 10's recipe, three epochs, and PyTorch's example until its first epoch of 99 % on the test pictures.

    Both get batches from the same loader, and both look at the test pictures after each epoch, which decide nothing but when to stop.
    """
    from torch import nn
    from torch.optim.lr_scheduler import StepLR

    from digits_uth.cnn import digit_cnn
    from digits_uth.learner import digit_dls, digit_learner
    from digits_uth.ten_digits import accuracy, cross_entropy
    from digits_uth.training import train_epoch, validate_epoch
    from fastai.basics import Adam
    (x, y), (test_x, test_y) = ((images.flatten(1).float() / 255, labels) for images, labels in map(load_mnist, ('train', 'test')))
    torch.manual_seed(seed)
    dls = digit_dls(x, y, test_x, test_y, device='cpu')
    learn = digit_learner(dls, digit_cnn(), loss_func=cross_entropy, opt_func=Adam, metrics=accuracy)
    with learn.no_bar(), learn.no_logging():
        ours = seconds(lambda: learn.fit_one_cycle(3, lr_max=.01))
    yield 'digit_cnn, one-cycle', 3, learn.recorder.values[-1][-1], ours

    torch.manual_seed(seed)
    train, test = digit_dls((x - .1307) / .3081, y, (test_x - .1307) / .3081, test_y, bs=64, device='cpu')
    model = example_network()
    opt = torch.optim.Adadelta(model.parameters(), lr=1.)
    schedule, start, right, epochs = StepLR(opt, 1, gamma=.7), time.perf_counter(), 0., 0
    while right < .99 and epochs < 14:  # its recipe has 14
        train_epoch(model, train, nn.functional.cross_entropy, opt)
        schedule.step()
        right, epochs = validate_epoch(model, test, accuracy), epochs + 1
    yield "PyTorch's example", epochs, right, time.perf_counter() - start


def race():
    "Time to 99 %, with three seeds."
    rows = []
    for seed in range(3):
        ours, example = until_99(seed)
        rows += [(seed, *ours, ''), (seed, *example, f'{example[-1] / ours[-1]:.1f}')]
    return [(seed, name, epochs, f'{right:.4f}', f'{time_:.0f} s', ratio) for seed, name, epochs, right, time_, ratio in rows]


def grow(n):
    "In a process of its own, an epoch over n pictures of noise: seconds, bytes beyond a small first training, bytes of data and model."
    import psutil

    from digits_uth.cnn import digit_cnn
    from digits_uth.learner import digit_dls, digit_learner
    from digits_uth.ten_digits import accuracy, cross_entropy
    from fastai.callback.core import Callback
    torch.set_num_threads(1)
    process = psutil.Process()

    class Most(Callback):
        "The most memory the process has had after a batch."
        def before_fit(self): self.bytes = 0
        def after_batch(self): self.bytes = max(self.bytes, process.memory_info().rss)

    def epoch(n):
        x, y = torch.rand(n, 784), torch.randint(10, (n,))
        dls = digit_dls(x, y, x[:256], y[:256], device='cpu')
        learn = digit_learner(dls, digit_cnn(), loss_func=cross_entropy, metrics=accuracy, cbs=Most())
        with learn.no_bar(), learn.no_logging():
            took = seconds(lambda: learn.fit(1, lr=.01))
        return took, learn.most.bytes, x.nbytes + y.nbytes, sum(t.nbytes for t in learn.model.state_dict().values())
    epoch(1000)
    before = process.memory_info().rss
    took, most, data, model = epoch(n)
    print(json.dumps([took, most - before, data, model]))


def growth():
    """Time and memory for 1, 4 and 16 times the pictures.

    Linux's allocator keeps freed batches where a Recorder's losses lie between them, over a megabyte a step. It is told to hand large
    pieces back at once, so that what the course's own parts hold can be seen.
    """
    rows, first, environment = [], None, {**os.environ, 'MALLOC_MMAP_THRESHOLD_': '100000'}
    for n in (15_000, 60_000, 240_000):
        done = subprocess.run([sys.executable, '-W', 'ignore', __file__, 'grow', str(n)], check=True, capture_output=True, text=True,
                              env=environment)
        took, more, data, model = json.loads(done.stdout.splitlines()[-1])
        first = first or (took, more)
        rows.append((f'{n:,}', f'{took:.1f} s', f'{took / first[0]:.1f}', f'{more / 1e6:.0f} MB', f'{more / first[1]:.1f}',
                     f'{(data + model) / 1e6:.0f} MB', f'{more / (data + model):.2f}'))
    return rows


def multiples(times, base):
    "A row for each time, as a multiple of one of them."
    return [(name, f'{time_ * 1e3:.0f} ms', f'{time_ / times[base]:.2f}') for name, time_ in times.items()]


def pair(measure):
    this, that = measure()
    unit, scale = ('µs', 1e6) if this < .01 else ('s', 1)
    return f'{this * scale:.2f} {unit}', f'{that * scale:.2f} {unit}', f'{this / that:.2f}'


def table(heading, head, rows):
    "A table in Markdown, printed as soon as it is known."
    lines = [f'## {heading}', '', *(f'| {" | ".join(map(str, row))} |' for row in (head, ['---'] * len(head), *rows)), '']
    print(*lines, sep='\n', flush=True)
    return lines


def processor():
    "What the system calls its processor."
    info = Path('/proc/cpuinfo')
    names = [line.split(':')[1].strip() for line in info.read_text().splitlines() if line.startswith('model name')] if info.exists() else []
    return names[0] if names else platform.processor() or platform.machine()


def main():
    torch.set_num_threads(1)  # on shared machines two threads measure the neighbours
    versions = f'Python {platform.python_version()}, torch {torch.__version__}'
    machine = f'{platform.system()} with {os.cpu_count()} cores ({processor()}), {versions}'
    lines = ['# Speed, as ratios',
             f'Made by `make bench` on {machine}, with one thread. What is compared was measured in turns in one run, and the fastest of '
             'several rounds counts, but for the two last tables, which are measured once. Only ratios mean anything elsewhere: '
             "absolute times don't carry over to another machine.", '']
    print(*lines, sep='\n')
    lines += table('One thing, two ways', ['what', 'the usual way', 'ours', 'usual : ours'], [
        ('a picture: `tensor(Image.open(path))`, and `load_mnist`', *pair(loading)),
        ('import: `fastai.vision.all`, and `digits_uth.distances`', *pair(importing)),
        ('import: `fastai.vision.all`, and `digits_uth.learner`', *pair(importing_learner))])
    lines += table('An epoch of loading: 12,396 pictures in batches of 256', ['loader', 'time', 'times ours'],
                   multiples(epochs_of_loading(), 'ours'))
    lines += table('Learner against the bare loop: two epochs of the linear model', ['what', 'time', 'times fit, ours'],
                   multiples(fits(), 'fit, ours'))
    lines += table('Time to 99 % on the ten digits', ['seed', 'network', 'epochs', 'test pictures right', 'time', 'times ours'], race())
    lines += table('Growth: an epoch of `digit_cnn`, with MALLOC_MMAP_THRESHOLD_=100000 (see `growth`)',
                   ['pictures', 'time', 'times the first', 'memory', 'times the first',
                    'data and model', 'memory : data and model'], growth())
    path = Path(__file__).with_name('RESULTS.md')
    part = path.with_suffix('.part')
    part.write_text('\n'.join(lines), encoding='utf-8')
    part.replace(path)


if __name__ == '__main__':
    grow(int(sys.argv[2])) if sys.argv[1:2] == ['grow'] else main()
