"Lesson 07: the loaders, the Learner, where everything is, and files that are whole or refused."
import random
import re
import struct
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import fastai.torch_core
import gpu_check
import numpy as np
import pytest
import torch
from fastai.callback.core import Callback
from fastai.callback.progress import ProgressCallback
from fastai.learner import Recorder
from gpu_check import InPlace
from safetensors.torch import save_file
from torch import nn
from torch.testing import assert_close

from digits_uth import learner as module
from digits_uth.learner import digit_dls, digit_learner, load_model, save_model
from digits_uth.loss import batch_accuracy, mnist_loss
from digits_uth.optimizers import BasicOptim
from digits_uth.training import train_model


def data(n=50, m=17):
    g = torch.Generator().manual_seed(0)
    x = torch.rand(n + m, 6, generator=g)
    y = (x[:, :1] > x[:, 1:2]).long()
    return x[:n], y[:n], x[n:], y[n:]


def quiet(learn, *args, **kwargs):
    with learn.no_bar(), learn.no_logging():
        learn.fit(*args, **kwargs)
    return learn


@pytest.mark.parametrize('n, bs', [(50, 8), (49, 8), (8, 8), (3, 8), (1, 1), (9, 8)])
def test_every_item_once_an_epoch_in_another_order_each_time(n, bs):
    x, y = torch.arange(float(n))[:, None], torch.zeros(n, 1).long()
    train, valid = digit_dls(x, y, x, y, bs=bs, device='cpu')
    epochs = [torch.cat([xb for xb, _ in train]).flatten().tolist() for _ in range(3)]
    assert all(sorted(epoch) == list(range(n)) for epoch in epochs) and len(train) == len(list(train)) == -(-n // bs)
    assert n < 8 or epochs[0] != epochs[1] != epochs[2]
    assert torch.cat([xb for xb, _ in valid]).flatten().tolist() == list(range(n))
    assert [len(xb) for xb, _ in train.new(drop_last=True)] == [bs] * (n // bs)


def test_the_order_follows_the_seed():
    def order():
        torch.manual_seed(3)
        return torch.cat([xb for xb, _ in digit_dls(*data(), bs=8, device='cpu').train])
    assert_close(order(), order())


def test_one_batch_and_pictures_and_class_numbers():
    x, y = torch.rand(20, 1, 28, 28), torch.arange(20) % 10
    dls = digit_dls(x, y, x.numpy(), y.numpy(), bs=6, device='cpu')
    xb, yb = dls.one_batch()
    assert xb.shape == (6, 1, 28, 28) and yb.shape == (6,) and yb.dtype == torch.int64
    assert len(dls.train.dataset.new_empty()) == 0


def test_fit_is_the_loop_of_lesson_05():
    x, y, vx, vy = data(600, 40)
    torch.manual_seed(0)
    learn = digit_learner(digit_dls(x, y, vx, vy, bs=32, device='cpu'), nn.Linear(6, 1))
    torch.manual_seed(0)
    model = nn.Linear(6, 1)
    batches = []

    class Keep(Callback):
        def before_batch(self):
            if self.training:
                batches.append((self.xb[0], self.yb[0]))
    learn.add_cb(Keep())
    quiet(learn, 1, lr=.5)
    history = train_model(model, batches, [(vx, vy)], mnist_loss, BasicOptim(model.parameters(), lr=.5), 1)
    assert_close(learn.model.weight, model.weight, atol=1e-6, rtol=1e-5)
    assert_close(learn.model.bias, model.bias, atol=1e-6, rtol=1e-5)
    _, valid_loss, accuracy = learn.recorder.values[-1]
    assert abs(valid_loss - history['valid_loss'][0]) < 1e-6 and abs(accuracy - history['batch_accuracy'][0]) < 1e-6


@pytest.mark.filterwarnings('ignore:(?s).*numpy.core is deprecated')  # PyTorch's, on each load
def test_what_a_learner_can_do_works_with_the_loaders(tmp_path):
    learn = digit_learner(digit_dls(*data(), bs=8, device='cpu'), nn.Linear(6, 1), path=tmp_path)
    kept = learn.model.weight.detach().clone()
    with learn.no_bar(), learn.no_logging():
        learn.lr_find(show_plot=False)
        assert_close(learn.model.weight.detach(), kept)
        learn.fit_one_cycle(2, 1.)
        preds, targets = learn.get_preds()
    assert preds.shape == targets.shape == (17, 1)
    assert_close(targets, data()[3])
    assert abs(learn.validate()[1] - batch_accuracy(preds, targets)) < 1e-6


def test_the_tables_of_training_are_legible_on_a_dark_page():
    from fastprogress.fastprogress import html_styles
    pale = [rule for rule in html_styles.split('}') if '#f8f9fa' in rule]
    assert pale and all('color: black' in rule for rule in pale)


# ---- placement, proven on the meta device: it has no numbers, and refuses to be mixed with the CPU

def on_meta(monkeypatch, dls=None, loss_func=mnist_loss):
    "Train with `meta` for fastai's default device; the callback that looks where everything is."
    monkeypatch.setattr(module, 'default_device', lambda use=-1: torch.device('meta'))
    monkeypatch.setattr(fastai.torch_core, 'default_device', lambda use=-1: torch.device('meta'))
    check = InPlace('meta')
    learn = digit_learner(dls() if dls else digit_dls(*data()), nn.Linear(6, 1), loss_func=loss_func, metrics=[], cbs=check)
    learn.remove_cbs([Recorder, ProgressCallback])  # they read numbers
    learn.fit(2, lr=.1)
    return check


def test_batch_prediction_and_loss_are_on_the_default_device(monkeypatch):
    monkeypatch.setattr(module._Rows, 'to', module._Rows.to)  # so that it is put back
    moves = gpu_check.count_moves()
    assert on_meta(monkeypatch).checked == 2 * (1 + 1)
    assert next(digit_learner(digit_dls(*data()), nn.Linear(6, 1)).model.parameters()).is_meta  # before any training, too
    assert len(moves) == 2  # training and validation data, once each


def test_a_forgotten_device_is_noticed(monkeypatch):
    def forgotten():
        dls = digit_dls(*data(), device='cpu')
        return module.DataLoaders(*dls.loaders)
    with pytest.raises(AssertionError, match='expected on meta'):
        on_meta(monkeypatch, forgotten)


def test_a_loss_that_makes_a_cpu_tensor_is_noticed(monkeypatch):
    def at_home(preds, targets):
        return (torch.zeros(preds.shape) - preds).mean()
    with pytest.raises(RuntimeError, match='device'):
        on_meta(monkeypatch, loss_func=at_home)
    with pytest.raises(AssertionError, match="'loss': 'cpu'"):
        on_meta(monkeypatch, loss_func=lambda preds, targets: torch.zeros(3, requires_grad=True).sum())


def test_data_that_is_there_is_not_moved():
    rows = module._Rows(torch.ones(3))
    before = rows.tensors
    rows.to('cpu')
    rows.to(None)
    rows.to(torch.device('cpu'))
    assert rows.tensors is before


@pytest.mark.slow
def test_the_gpu_check_runs(capsys, monkeypatch):
    monkeypatch.setattr(module._Rows, 'to', module._Rows.to)  # so that it is put back
    assert gpu_check.main() == 0
    assert re.search(r'350 batches with prediction, loss and parameters on \w', capsys.readouterr().out)


# ---- files

def model(*sizes):
    torch.manual_seed(1)
    sizes = sizes or (6, 4, 1)
    return nn.Sequential(*(layer for a, b in zip(sizes, sizes[1:], strict=False) for layer in (nn.Linear(a, b), nn.BatchNorm1d(b))))


def same(a, b):
    return all(x.equal(y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_what_is_saved_comes_back(tmp_path):
    saved, fresh = model(), nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Linear(4, 1), nn.BatchNorm1d(1))
    saved(torch.rand(9, 6))  # the buffers of batch norm change
    path = save_model(saved, tmp_path / 'm.safetensors')
    assert not same(saved, fresh) and load_model(fresh, path) is fresh and same(saved, fresh)
    assert [p.name for p in tmp_path.iterdir()] == ['m.safetensors']
    half = nn.Linear(3, 2).bfloat16()
    assert same(load_model(nn.Linear(3, 2).bfloat16(), save_model(half, str(path))), half)


def test_two_hundred_damaged_or_foreign_files_are_refused(tmp_path):
    path, target = tmp_path / 'm.safetensors', model()
    good = save_model(model(), path).read_bytes()
    header = struct.unpack('<Q', good[:8])[0] + 8
    rng = random.Random(0)
    damaged = [good[:n] for n in (0, 1, 7, 8, 9, header - 1, header, len(good) - 1)] + [good + b'\0', b'\0' * 100, b'PK\x03\x04' + good]
    damaged += [rng.randbytes(n) for n in range(1, 40)]
    for _ in range(150):  # a flipped bit anywhere: in the length, the header, the checksum or the data
        flipped = bytearray(good)
        flipped[rng.randrange(len(good))] ^= 1 << rng.randrange(8)
        damaged.append(bytes(flipped))
    assert len(damaged) >= 200
    before = {name: value.clone() for name, value in target.state_dict().items()}
    loaded = 0
    for data in damaged:
        path.write_bytes(data)
        try:
            load_model(target, path)
            loaded += 1  # only where the file still says exactly the same, as with a flipped space of the header's padding
        except ValueError as e:
            assert re.search(r'expected a file written by save_model, got .*\(lesson 07\)', str(e), re.DOTALL)
        assert all(value.equal(before[name]) for name, value in target.state_dict().items())
    assert loaded <= 2


class Evil:
    def __reduce__(self):
        return exec, ('raise SystemExit("code was run")',)


def test_foreign_files_are_refused_and_none_of_their_code_runs(tmp_path):
    path = tmp_path / 'm.safetensors'
    torch.save(Evil(), path)
    with pytest.raises(ValueError, match='expected a file written by save_model'):
        load_model(model(), path)
    save_file(model().state_dict(), path)
    with pytest.raises(ValueError, match='without its checksum; save it with save_model'):
        load_model(model(), path)
    for missing in (tmp_path / 'none', tmp_path):
        with pytest.raises(ValueError, match='look at the path'):
            load_model(model(), missing)


@pytest.mark.parametrize('other', [partial(model, 6, 5, 1), partial(model, 6, 4), lambda: model().double(), lambda: nn.Linear(6, 1)])
def test_another_models_file_is_refused_and_changes_nothing(other, tmp_path):
    path = save_model(model(), tmp_path / 'm.safetensors')
    target = other()
    before = {name: value.clone() for name, value in target.state_dict().items()}
    with pytest.raises(ValueError, match=r'another model: .* differ; make the model that was saved \(lesson 07\)'):
        load_model(target, path)
    assert all(value.equal(before[name]) for name, value in target.state_dict().items())


def test_saving_in_several_threads_at_once(tmp_path):
    saved = model()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: save_model(saved, tmp_path / 'm.safetensors'), range(60)))
    assert same(load_model(model(), tmp_path / 'm.safetensors'), saved) and len(list(tmp_path.iterdir())) == 1


def test_a_place_that_cannot_be_written_to_is_named(tmp_path):
    with pytest.raises(ValueError, match='path: expected a place to write to, got .*none'):
        save_model(model(), tmp_path / 'none' / 'm.safetensors')
    kept = save_model(model(), tmp_path / 'm.safetensors').read_bytes()
    assert np.frombuffer(kept, np.uint8).size > 500 and len(list(tmp_path.iterdir())) == 1
