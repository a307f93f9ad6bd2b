"Lesson 07's loaders: every item once with its own label, in an order of the seed's, on the device that is asked for."
import fastai.torch_core
import pytest
import torch
from fastai.basics import DataLoaders
from fastai.callback.progress import ProgressCallback
from fastai.learner import Recorder
from gpu_check import InPlace
from torch import nn
from torch.testing import assert_close

from digits_uth import loaders as module
from digits_uth.learner import digit_learner
from digits_uth.loaders import digit_dls
from digits_uth.loss import mnist_loss


def data(n=50, m=17):
    g = torch.Generator().manual_seed(0)
    x = torch.rand(n + m, 6, generator=g)
    y = (x[:, :1] > x[:, 1:2]).long()
    return x[:n], y[:n], x[n:], y[n:]


def whole(dl):
    "All items of a loader's next epoch."
    return [torch.cat(part) for part in zip(*dl, strict=True)]


@pytest.mark.parametrize('column', [True, False])
def test_labels_stay_with_their_items(column):
    x, y = torch.rand(30, 2, 3, generator=torch.Generator().manual_seed(0)), torch.arange(30)
    y, vy = (y[:, None] % 2, torch.ones(4, 1).long()) if column else (y, torch.tensor([4, 3, 2, 1]))
    dls = digit_dls(x, y, x[:4] / 2, vy, bs=7, device='cpu')
    for _ in range(2):
        xb, yb = whole(dls.train)
        order = [(x == item).flatten(1).all(1).nonzero().item() for item in xb]
        assert sorted(order) == list(range(30)) != order
        assert yb.equal(y[order]) and xb.equal(x[order])
    xb, yb = whole(dls.valid)
    assert xb.equal(x[:4] / 2) and yb.equal(vy)


def test_256_a_batch_unless_another_number_is_asked_for():
    x, y = torch.rand(600, 2), torch.zeros(600, 1).long()
    assert [len(xb) for dl in digit_dls(x, y, x, y, device='cpu') for xb, _ in dl] == [256, 256, 88] * 2


@pytest.mark.parametrize('to_x', [torch.Tensor.double, torch.Tensor.half, torch.Tensor.numpy])
@pytest.mark.parametrize('to_y', [torch.Tensor.int, torch.Tensor.byte, torch.Tensor.numpy])
def test_items_become_float32_and_labels_int64_with_the_same_values(to_x, to_y):
    x, y = torch.tensor([[0., .25], [.5, 1]]), torch.tensor([[1], [0]])
    xb, yb = whole(digit_dls(x, y, to_x(x), to_y(y), device='cpu').valid)
    assert_close(xb, x)
    assert_close(yb, y)


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
    moves, on = [], module._Rows.on

    def counted(rows, device):
        before = set(rows.places)
        found = on(rows, device)
        moves.extend(set(rows.places) - before)
        return found
    monkeypatch.setattr(module._Rows, 'on', counted)
    assert on_meta(monkeypatch).checked == 2 * (1 + 1)
    assert moves == [torch.device('meta')] * 2  # training and validation data, once each
    assert next(digit_learner(digit_dls(*data()), nn.Linear(6, 1)).model.parameters()).is_meta  # before any training, too


def test_pytorchs_loaders_go_to_the_default_device_and_fastais_that_were_told_none_stay(monkeypatch):
    import fastai.callback.core
    import fastai.learner
    from digits_uth import adapters
    from torch.utils.data import TensorDataset
    for where in (adapters, fastai.learner, fastai.callback.core):
        monkeypatch.setattr(where, 'default_device', lambda use=-1: torch.device('meta'))
    x, y, vx, vy = data()
    def pytorchs(): return DataLoaders(*[torch.utils.data.DataLoader(TensorDataset(*xy), batch_size=8) for xy in ((x, y), (vx, vy))])
    assert on_meta(monkeypatch, pytorchs).checked > 0
    told_none = DataLoaders(*[fastai.basics.DataLoader(list(zip(*xy, strict=True)), bs=8) for xy in ((x, y), (vx, vy))])
    assert told_none.device is None and not next(digit_learner(told_none, nn.Linear(6, 1)).model.parameters()).is_meta


def test_a_forgotten_device_is_noticed(monkeypatch):
    def forgotten():
        dls = digit_dls(*data(), device='cpu')
        return DataLoaders(*dls.loaders)
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
    tensor = torch.ones(3)
    rows = module._Rows(tensor)
    for device in ('cpu', None, torch.device('cpu')):
        (found,) = rows.on(device)
        assert found is tensor and len(rows.places) == 1
    assert rows.on('meta')[0].is_meta and rows.on('meta') is rows.on(torch.device('meta')) and rows.on('cpu')[0] is tensor


def test_the_data_are_the_loaders_own():
    x, y = torch.rand(5, 2), torch.tensor([0, 1, 0, 1, 1])[:, None]
    kept, dls = x.clone(), digit_dls(x, y, x, y, device='cpu')
    x.zero_()
    y.zero_()
    xb, yb = whole(dls.valid)
    assert xb.equal(kept) and yb.flatten().tolist() == [0, 1, 0, 1, 1]
    xb.zero_()
    assert whole(dls.valid)[0].equal(kept)
