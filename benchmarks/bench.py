"""Speed as ratios: two ways of doing one thing, in turns, in one run; the fastest of several rounds counts.

`make bench` writes the numbers to results.json, and makes RESULTS.md from it. `python benchmarks/bench.py NAME …` measures some tables
anew and keeps the others. Absolute times don't carry over from one machine to another, and no test asserts any.
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

RESULTS = Path(__file__).with_name('results.json')


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


def loading_a_picture():
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


def back_propagating():
    "An epoch of lesson 08's network, in batches of 256: by autograd, and by lesson 09's layers."
    from digits_uth.backprop import Chain, Lin, MnistLoss, Relu
    from digits_uth.loss import mnist_loss
    from digits_uth.models import simple_net
    from digits_uth.optimizers import BasicOptim
    from digits_uth.training import calc_grad
    train_x, train_y, _, _ = threes_and_sevens()
    net, loss_func, batches = simple_net(), MnistLoss(), torch.arange(len(train_x)).split(256)
    chain = Chain(Lin(net[0].weight.T, net[0].bias), Relu(), Lin(net[2].weight.T, net[2].bias))

    def by_hand(x, y):
        loss_func(chain(x), y)
        chain.backward(loss_func.backward())

    def epoch(parameters, gradient):
        def run():
            opt = BasicOptim(parameters, lr=1.)
            for rows in batches:
                gradient(train_x[rows], train_y[rows])
                opt.step()
                opt.zero_grad()
        return run

    def by_autograd(x, y): calc_grad(x, y, net, mnist_loss)
    return fastest(epoch(list(net.parameters()), by_autograd), epoch(chain.parameters(), by_hand), rounds=7)


def pairs():
    "One thing, two ways: the usual one and ours."
    for what, measure in (('a picture: `tensor(Image.open(path))`, and `load_mnist`', loading_a_picture),
                          ('import: `fastai.vision.all`, and `digits_uth.distances`', importing),
                          ('import: `fastai.vision.all`, and `digits_uth.learner`', importing_learner),
                          ("an epoch of lesson 08's network: autograd, and `Chain`", back_propagating)):
        usual, ours = measure()
        unit, scale = ('µs', 1e6) if usual < .001 else ('ms', 1e3) if usual < 1 else ('s', 1)
        yield {'what': what, 'unit': unit, 'usual': usual * scale, 'ours': ours * scale, 'ratio': usual / ours}


def reading(first='import torch', then='from digits_uth.cnn import digit_cnn, predict', rounds=7):
    "Reading a digit needs an import: its time and its processor's time, in fresh processes, against torch's alone."
    def both(code):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, '-W', 'ignore', '-c', f'{code}\nimport time\nprint(time.process_time())'], check=True,
                              capture_output=True, text=True)
        return time.perf_counter() - start, float(done.stdout)
    codes = first, then
    times = [[both(code) for code in codes] for _ in range(rounds)]  # in turns
    least = [[min(pair[i] for pair in column) for i in (0, 1)] for column in zip(*times, strict=True)]
    for code, (wall, cpu) in zip(codes, least, strict=True):
        yield {'import': code, 's': wall, 'times': wall / least[0][0], 'cpu_s': cpu, 'cpu_times': cpu / least[0][1]}


def checking(rounds=7, calls=2000):
    "What `@checked` costs a call, on the smallest of tensors: the function, and the one inside it."
    from digits_uth.distances import mae
    from digits_uth.loss import linear1, mnist_loss
    x, weights, bias = torch.rand(1, 1, 1), torch.rand(1, 1), torch.rand(1)
    arguments = {mae: (x, x), linear1: (x[0], weights, bias), mnist_loss: (x[0], torch.ones(1, 1, dtype=torch.int64))}
    def repeat(function, given): return lambda: [function(*given) for _ in range(calls)]
    for function, given in arguments.items():
        function(*given)  # the first call reads what the comments say
        bare, checked = fastest(repeat(function.__wrapped__, given), repeat(function, given), rounds=rounds)
        yield {'function': function.__name__, 'bare_us': bare / calls * 1e6, 'checked_us': checked / calls * 1e6,
               'check_us': (checked - bare) / calls * 1e6}


def loaders():
    "The three ways to hand out batches of 256: ours, fastai's over pairs, PyTorch's over a TensorDataset."
    from torch.utils.data import DataLoader as TorchLoader
    from torch.utils.data import TensorDataset

    from digits_uth.loaders import digit_dls  # before fastai's own: this import keeps fastai's warning quiet
    from fastai.data.load import DataLoader
    train_x, train_y, valid_x, valid_y = threes_and_sevens()
    pairs = [list(zip(x, y, strict=True)) for x, y in ((train_x, train_y), (valid_x, valid_y))]
    sets = [TensorDataset(x, y) for x, y in ((train_x, train_y), (valid_x, valid_y))]
    return {'ours': digit_dls(train_x, train_y, valid_x, valid_y, device='cpu').loaders,
            'pairs': [DataLoader(pairs[0], bs=256, shuffle=True), DataLoader(pairs[1], bs=256)],
            'TensorDataset': [TorchLoader(sets[0], batch_size=256, shuffle=True), TorchLoader(sets[1], batch_size=256)]}


def multiples(name, times, base):
    "A row for each time, in ms, and as a multiple of one of them."
    return [{name: key, 'ms': time_ * 1e3, 'times': time_ / times[base]} for key, time_ in times.items()]


def loading():
    "An epoch of batches, and nothing done with them."
    def drain(loader): return lambda: [None for _ in loader]
    names = loaders()
    return multiples('loader', dict(zip(names, fastest(*(drain(train) for train, _ in names.values()), rounds=9), strict=True)), 'ours')


def fitting():
    "Two epochs with Learner.fit over each loader, with the bar and the log and without, and of the bare loop over ours."
    from fastai.basics import SGD, DataLoaders, Learner
    from fastai.learner import Recorder
    from torch import nn

    from digits_uth.learner import quiet
    from digits_uth.loss import batch_accuracy, mnist_loss
    from digits_uth.optimizers import BasicOptim
    from digits_uth.training import train_epoch, validate_epoch

    def fit(pair, without=()):
        def run():
            learn = Learner(DataLoaders(*pair), nn.Linear(784, 1), loss_func=mnist_loss, opt_func=SGD, metrics=batch_accuracy)
            learn.remove_cbs(without)
            with quiet(learn):
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
    return multiples('what', dict(zip(functions, fastest(*functions.values(), rounds=7), strict=True)), 'fit, ours')


def example_network():
    "PyTorch's example for MNIST, written anew."
    from torch import nn
    return nn.Sequential(nn.Unflatten(1, (1, 28, 28)), nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Dropout(.25), nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(.5), nn.Linear(128, 10))


def until_99(seed):
    """Lesson 11's two recipes, two and three epochs, and PyTorch's example until its first epoch of 99 % on the test pictures.

    All get batches from the same loader, and look at the test pictures after each epoch, which decide nothing but when to stop.
    """
    from torch import nn
    from torch.optim.lr_scheduler import StepLR

    from digits_uth.cnn import digit_cnn
    from digits_uth.learner import digit_learner, history, quiet
    from digits_uth.loaders import digit_dls
    from digits_uth.ten_digits import accuracy, cross_entropy
    from digits_uth.training import train_epoch, validate_epoch
    from fastai.basics import Adam
    (x, y), (test_x, test_y) = ((images.flatten(1).float() / 255, labels) for images, labels in map(load_mnist, ('train', 'test')))
    smoothed, last = nn.CrossEntropyLoss(label_smoothing=.1), torch.channels_last
    for network, epochs, lr, loss_func, memory in (('digit_cnn, smoothed', 2, .02, smoothed, last),
                                                   ('digit_cnn', 3, .01, cross_entropy, torch.contiguous_format)):
        torch.manual_seed(seed)
        dls = digit_dls(x, y, test_x, test_y, device='cpu')
        learn = digit_learner(dls, digit_cnn().to(memory_format=memory), loss_func=loss_func, opt_func=Adam, metrics=accuracy)
        with quiet(learn):
            took = seconds(lambda: learn.fit_one_cycle(epochs, lr_max=lr))  # noqa: B023  called at once
        yield network, epochs, history(learn)['accuracy'][-1], took

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
    rows = [{'seed': seed, 'network': network, 'epochs': epochs, 'right': right, 's': took}
            for seed in range(3) for network, epochs, right, took in until_99(seed)]
    for row in rows:
        ours = next(each for each in rows if each['seed'] == row['seed'])
        yield {**row, 'times': row['s'] / ours['s']}


def grow(n):
    "In a process of its own, an epoch over n pictures of noise: seconds, bytes beyond a small first training, bytes of data and model."
    import psutil

    from digits_uth.cnn import digit_cnn
    from digits_uth.learner import digit_learner, quiet
    from digits_uth.loaders import digit_dls
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
        with quiet(learn):
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
    first, environment = None, {**os.environ, 'MALLOC_MMAP_THRESHOLD_': '100000'}
    for n in (15_000, 60_000, 240_000):
        done = subprocess.run([sys.executable, '-W', 'ignore', __file__, 'grow', str(n)], check=True, capture_output=True, text=True,
                              env=environment)
        took, more, data, model = json.loads(done.stdout.splitlines()[-1])
        first = first or (took, more)
        yield {'pictures': n, 's': took, 'times': took / first[0], 'MB': more / 1e6, 'MB_times': more / first[1],
               'least_MB': (data + model) / 1e6, 'ratio': more / (data + model)}


TABLES = {  # what measures each, its heading, and its columns: the head, and the form of what stands below it
    'pairs': (pairs, 'One thing, two ways', [
        ('what', '{what}'), ('the usual way', '{usual:.2f} {unit}'), ('ours', '{ours:.2f} {unit}'), ('usual : ours', '{ratio:.2f}')]),
    'reading': (reading, 'Reading a digit: what the import takes', [
        ('import', '`{import}`'), ('time', '{s:.2f} s'), ("times torch's", '{times:.2f}'),
        ("the processor's time", '{cpu_s:.2f} s'), ("times torch's", '{cpu_times:.2f}')]),
    'checking': (checking, 'What `@checked` costs a call, on pictures of one pixel', [
        ('function', '`{function}`'), ('without', '{bare_us:.1f} µs'), ('with', '{checked_us:.1f} µs'),
        ('the check', '{check_us:.1f} µs')]),
    'loading': (loading, 'An epoch of loading: 12,396 pictures in batches of 256', [
        ('loader', '{loader}'), ('time', '{ms:.0f} ms'), ('times ours', '{times:.2f}')]),
    'fitting': (fitting, 'Learner against the bare loop: two epochs of the linear model', [
        ('what', '{what}'), ('time', '{ms:.0f} ms'), ('times fit, ours', '{times:.2f}')]),
    'race': (race, 'Time to 99 % on the ten digits', [
        ('seed', '{seed}'), ('network', '{network}'), ('epochs', '{epochs}'), ('test pictures right', '{right:.4f}'),
        ('time', '{s:.0f} s'), ('times ours', '{times:.1f}')]),
    'growth': (growth, 'Growth: an epoch of `digit_cnn`, with MALLOC_MMAP_THRESHOLD_=100000 (see `growth`)', [
        ('pictures', '{pictures:,}'), ('time', '{s:.1f} s'), ('times the first', '{times:.1f}'), ('memory', '{MB:.0f} MB'),
        ('times the first', '{MB_times:.1f}'), ('data and model', '{least_MB:.0f} MB'), ('memory : data and model', '{ratio:.2f}')])}


def table(name, rows):
    "A table in Markdown, as lines."
    _, heading, columns = TABLES[name]
    heads, forms = zip(*columns, strict=True)
    lines = [heads, ['---'] * len(heads), *([form.format(**row) for form in forms] for row in rows)]
    return [f'## {heading}', '', *(f'| {" | ".join(line)} |' for line in lines), '']


def markdown(results):
    "RESULTS.md, of what stands in results.json."
    lines = ['# Speed, as ratios',
             'Made by `make bench` on {system} with {cores} cores ({processor}), Python {python}, torch {torch}, with one thread. '
             'What is compared was measured in turns in one run, and the fastest of several rounds counts, but for the two last tables, '
             "which are measured once. Only ratios mean anything elsewhere: absolute times don't carry over to another machine."
             .format(**results['machine']), '']
    return '\n'.join(lines + [line for name in TABLES if name in results['tables'] for line in table(name, results['tables'][name])])


def machine():
    "What the numbers depend on besides the code."
    info = Path('/proc/cpuinfo')
    names = [line.split(':')[1].strip() for line in info.read_text().splitlines() if line.startswith('model name')] if info.exists() else []
    return {'system': platform.system(), 'cores': os.cpu_count(), 'processor': (names or [platform.processor() or platform.machine()])[0],
            'python': platform.python_version(), 'torch': torch.__version__}


def read():
    return json.loads(RESULTS.read_text(encoding='utf-8'))


def write(results):
    "Both files, each whole or not at all."
    texts = {RESULTS: json.dumps(results, indent=1, ensure_ascii=False) + '\n', RESULTS.with_name('RESULTS.md'): markdown(results)}
    for path, text in texts.items():
        part = path.with_name(f'.{path.name}.part')
        part.write_text(text, encoding='utf-8', newline='\n')
        part.replace(path)


def rounded(row):
    "Four digits are more than a measurement of time has."
    return {key: float(f'{value:.4g}') if isinstance(value, float) else value for key, value in row.items()}


def main(names):
    if wrong := set(names) - set(TABLES):
        sys.exit(f'There is no table {", ".join(wrong)}, but {", ".join(TABLES)}.')
    if names and read()['machine'] != machine():
        sys.exit('results.json is of another machine or of other versions: measure all, by `make bench`.')
    torch.set_num_threads(1)  # on shared machines two threads measure the neighbours
    tables = read()['tables'] if names else {}
    for name in names or TABLES:
        tables[name] = [rounded(row) for row in TABLES[name][0]()]
        print(*table(name, tables[name]), sep='\n', flush=True)
    write({'machine': machine(), 'tables': {name: tables[name] for name in TABLES if name in tables}})


if __name__ == '__main__':
    grow(int(sys.argv[2])) if sys.argv[1:2] == ['grow'] else main(sys.argv[1:])
