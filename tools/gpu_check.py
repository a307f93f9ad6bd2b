"""Train on the accelerator of this machine and prove that everything is there: `make gpu-check`.

Where there is none it says so and does the same on the CPU, which proves less. The tests do the same on the meta device.
Then it trains lesson 11's network by lesson 11's recipe until it is right for .99 of the pictures set aside.
"""
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import nn

from digits_uth import loaders
from digits_uth.cnn import digit_cnn
from digits_uth.data import all_digits, threes_and_sevens
from digits_uth.files import load_model, save_model
from digits_uth.learner import digit_learner, history, quiet
from digits_uth.loaders import digit_dls
from fastai.basics import Adam, accuracy
from fastai.callback.core import Callback


class InPlace(Callback):
    "After each loss: are batch, prediction, loss and all parameters on the device?"
    def __init__(self, device):
        device = loaders.default_device() if device is None else device
        self.device, self.checked = torch.empty(0, device=device).device, 0  # cuda is cuda:0, say

    def after_loss(self):
        places = {'xb': self.xb[0], 'yb': self.yb[0], 'pred': self.pred, 'loss': self.learn.loss_grad}
        places.update(self.learn.model.named_parameters())
        wrong = {name: str(t.device) for name, t in places.items() if t.device != self.device}
        assert not wrong, f'expected on {self.device}: {wrong}'
        self.checked += 1


def make():
    return nn.Sequential(nn.Linear(784, 1200), nn.ReLU(), nn.Linear(1200, 1000), nn.ReLU(), nn.Linear(1000, 1))


def fit(device, epochs):
    "Train a network of 2 million numbers for some epochs; the learner, its check, and the seconds."
    torch.manual_seed(0)
    check = InPlace(device)
    learn = digit_learner(digit_dls(*threes_and_sevens(), device=device), make(), cbs=check)
    with quiet(learn):
        learn.validate()  # before any training, too
        learn.fit(1, lr=.1)  # what happens only once, such as the moving, is not timed
        start = time.perf_counter()
        learn.fit(epochs, lr=.1)
        accuracy = history(learn)['batch_accuracy'][-1]  # reading it waits for the device
        return learn, check, time.perf_counter() - start, accuracy


def covered(spans):
    "How much of a line some spans (begin, end) cover; where they overlap it counts once."
    sum_, reached = 0, float('-inf')
    for begin, end in sorted(spans):
        sum_, reached = sum_ + max(0, end - max(begin, reached)), max(reached, end)
    return sum_


def at_work(work):
    "The share of a call's time in which the GPU runs a kernel or copies, as PyTorch's profiler sees it."
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        seconds = time.perf_counter() - start
    spans = [(e.time_range.start, e.time_range.end) for e in profile.events() if e.device_type == torch.autograd.DeviceType.CUDA]
    return covered(spans) / 1e6 / seconds


def to_99(device, epochs=2, pictures=None):
    "Lesson 11's network by its recipe: the accuracy on the pictures set aside, the seconds, the pictures a second, and the learner."
    x, y, aside_x, aside_y = all_digits()
    torch.manual_seed(0)
    model = digit_cnn().to(memory_format=torch.channels_last)
    learn = digit_learner(digit_dls(x[:pictures], y[:pictures], aside_x, aside_y, device=device), model,
                          loss_func=nn.CrossEntropyLoss(label_smoothing=.1), opt_func=Adam, metrics=accuracy)
    with quiet(learn):
        learn.validate()  # what happens only once, such as the moving, is not timed
        start = time.perf_counter()
        learn.fit_one_cycle(epochs, lr_max=.02)
        right = history(learn)['accuracy'][-1]  # reading it waits for the device
        seconds = time.perf_counter() - start
    return right, seconds, epochs * len(y[:pictures]) / seconds, learn


def main():
    device = loaders.default_device()
    print(f'fastai trains on {device}' + ('' if device.type != 'cpu' else ': there is no accelerator here, so this proves little'))
    if device.type == 'mps' and not os.environ.get('PYTORCH_ENABLE_MPS_FALLBACK'):
        print('If MPS lacks an operation, set PYTORCH_ENABLE_MPS_FALLBACK=1 before you start Python.')
    learn, check, seconds, accuracy = fit(None, 5)
    assert next(learn.model.parameters()).device.type == device.type and check.device.type == device.type
    assert check.checked == 8 + 6 * (49 + 8), check.checked
    with TemporaryDirectory() as folder:
        path = save_model(learn.model, Path(folder) / 'net.safetensors')
        again = load_model(make(), path).to(device)
    xb = learn.dls.one_batch()[0]
    torch.testing.assert_close(again(xb), learn.model(xb))
    copies = [len(loader.dataset.places) - 1 for loader in learn.dls.loaders]
    assert copies == [device.type != 'cpu'] * 2, f'training and validation data should move once each: {copies}'
    print(f'{check.checked} batches with prediction, loss and parameters on {check.device}; '
          f'data moved {sum(copies)} times; accuracy {accuracy:.4f}')
    if device.type != 'cpu':
        *_, cpu_seconds, cpu_accuracy = fit('cpu', 5)
        print(f'the CPU takes {cpu_seconds / seconds:.1f} times as long, accuracy {cpu_accuracy:.4f}')
    right, seconds, speed, learn = to_99(None)
    print(f'ten digits: {right:.4f} of the pictures set aside after {seconds:.1f} s, {speed:,.0f} pictures a second')
    if device.type == 'cuda':
        with quiet(learn): share = at_work(lambda: learn.fit(1, lr=1e-3))
        print(f'the GPU is at work for {share:.0%} of an epoch')
    assert right >= .99, right
    return 0


if __name__ == '__main__':
    sys.exit(main())
