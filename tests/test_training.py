"Lesson 05: an epoch and its numbers by hand, on edges, and against PyTorch's loop."
from functools import partial

import matplotlib.pyplot as plt
import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close
from torch.utils.data import DataLoader, TensorDataset

from digits_uth.loss import batch_accuracy, linear1, mnist_loss
from digits_uth.sgd import mse
from digits_uth.training import calc_grad, plot_history, train_epoch, train_model, validate_epoch


def random(*size, seed=0, dtype=torch.float32):
    return torch.randn(size, generator=torch.Generator().manual_seed(seed), dtype=dtype)


# ---- by hand: one weight, which is the prediction, and batches of targets that it is to meet

class OneNumber:
    "A model whose prediction is x times a weight. The loss (w x - y)**2 has the slope 2 x (w x - y)."
    def __init__(self, w=0., lr=.25):
        self.w = torch.tensor([w]).requires_grad_()
        self.opt = torch.optim.SGD([self.w], lr=lr)

    def __call__(self, xb): return self.w * xb


def squared(preds, targets): return ((preds - targets)**2).mean()


def batch(*pairs): return tuple(torch.tensor(column, dtype=torch.float32) for column in zip(*pairs, strict=True))


def test_calc_grad_by_hand():
    model = OneNumber()
    loss = calc_grad(*batch((1, 2), (2, 2)), model, squared)
    assert loss == 4 and model.w.grad == -6  # the mean of 2 * 1 * -2 and of 2 * 2 * -2


def test_losses_and_metrics_get_predictions_first_and_targets_second():
    model, (xb, yb) = OneNumber(3.), batch((1, 10), (2, 10))
    def first_less_second(preds, targets): return (preds - 2 * targets).mean()
    assert calc_grad(xb, yb, model, first_less_second) == validate_epoch(model, [(xb, yb)], first_less_second) == 4.5 - 20


def test_an_epoch_by_hand():
    model = OneNumber()
    # At 0 the batches' losses are: 4; step to 0 + .25 * 4 = 1. Then (1 - 5)**2 = 16 twice; step to 1 + .25 * 8 = 3.
    loss = train_epoch(model, [batch((1, 2)), batch((1, 5), (1, 5))], squared, model.opt)
    assert_close(model.w.detach(), torch.tensor([3.]))
    assert loss == (4 + 16 + 16) / 3  # by items, not by batches: (4 + 16) / 2


def test_validation_by_hand():
    model, dl = OneNumber(1.), [batch((1, 2)), batch((1, 5), (1, 1))]
    assert validate_epoch(model, dl, squared) == (1 + 16 + 0) / 3  # by items, not by batches: (1 + 8) / 2
    assert validate_epoch(model, dl, lambda preds, targets: (preds == targets).float().mean()) == 1 / 3
    assert model.w == 1 and model.w.grad is None


def test_a_training_by_hand():
    model = OneNumber()
    def misses(preds, targets): return (preds - targets).mean()
    history = train_model(model, [batch((1, 4))], [batch((1, 4)), batch((2, 8))], squared, model.opt, epochs=3, metric=misses)
    # w: 0, 2, 3, 3.5. Training measures before the step, validation after the epoch.
    assert history == {'train_loss': [16, 4, 1], 'valid_loss': [(4 + 16) / 2, (1 + 4) / 2, (.25 + 1) / 2], 'misses': [-3, -1.5, -.75]}


# ---- against PyTorch's loop, and on edges

class Straight:
    "Forty items and a linear model of three numbers."
    def __init__(self, n=40):
        self.x = random(n, 3)
        self.y = (self.x.sum(1, keepdim=True) > 0).long()
        self.weights, self.bias = torch.zeros(3, 1).requires_grad_(), torch.zeros(1).requires_grad_()
        self.model = partial(linear1, weights=self.weights, bias=self.bias)

    def dl(self, bs, **kwargs):
        return DataLoader(TensorDataset(self.x, self.y), batch_size=bs, **kwargs)

    def opt(self, lr=1.):
        return torch.optim.SGD([self.weights, self.bias], lr=lr)


def test_calc_grad_adds_to_grad_and_returns_a_loss_without_record():
    case = Straight()
    loss = calc_grad(case.x, case.y, case.model, mnist_loss)
    once = case.weights.grad.clone()
    calc_grad(case.x, case.y, case.model, mnist_loss)
    assert_close(case.weights.grad, 2 * once)
    assert loss.shape == () and not loss.requires_grad and loss == .5


@pytest.mark.parametrize('bs', [1, 3, 13, 40, 100])  # 13: a last batch of 1
def test_an_epoch_is_pytorchs_loop(bs):
    case, other = Straight(), Straight()
    loss = train_epoch(case.model, case.dl(bs), mnist_loss, case.opt())
    opt, total = other.opt(), 0.
    for xb, yb in other.dl(bs):
        opt.zero_grad()
        batch_loss = F.l1_loss(torch.sigmoid(other.model(xb)), yb.float())
        batch_loss.backward()
        opt.step()
        total += batch_loss.item() * len(xb)
    assert_close(case.weights, other.weights)
    assert_close(case.bias, other.bias)
    assert isinstance(loss, float) and abs(loss - total / 40) < 1e-6
    assert case.weights.grad is None or not case.weights.grad.any()


@pytest.mark.parametrize('bs', [1, 3, 13, 40, 100])
def test_validation_weighs_by_items(bs):
    case = Straight()
    train_epoch(case.model, case.dl(8), mnist_loss, case.opt(.1))
    before = case.weights.detach().clone()
    for metric in (batch_accuracy, mnist_loss, lambda preds, targets: float(batch_accuracy(preds, targets))):
        found = validate_epoch(case.model, case.dl(bs), metric)
        with torch.no_grad():
            expected = float(metric(case.model(case.x), case.y))
        assert isinstance(found, float) and abs(found - expected) < 1e-6
    assert case.weights.equal(before) and (case.weights.grad is None or not case.weights.grad.any())


def test_validation_of_2038_items_is_the_same_at_every_batch_size():
    case = Straight(2038)
    train_epoch(case.model, case.dl(256), mnist_loss, case.opt(.05))
    for metric in (batch_accuracy, mnist_loss):
        found = [validate_epoch(case.model, list(zip(case.x.split(bs), case.y.split(bs), strict=True)), metric) for bs in (1, 7, 256, 2038)]
        assert max(found) - min(found) < 1e-6


def test_train_model_returns_a_number_for_each_epoch():
    case = Straight()
    history = train_model(case.model, case.dl(8, shuffle=True), case.dl(16), mnist_loss, case.opt(), 5)
    assert list(history) == ['train_loss', 'valid_loss', 'batch_accuracy'] and {len(v) for v in history.values()} == {5}
    assert history['valid_loss'][-1] < history['valid_loss'][0] < .5 and history['batch_accuracy'][-1] > .9
    assert train_model(case.model, [(case.x, case.y)], case.dl(16), mnist_loss, case.opt(), 1, mse_of_logits)['mse_of_logits'][0] > 0


def mse_of_logits(preds, targets):
    return mse(preds, targets.float())


def test_a_module_is_told_when_it_trains_and_when_it_is_measured():
    case, modes = Straight(), []

    class Watched(torch.nn.Linear):
        def forward(self, xb):
            modes.append(self.training)
            return super().forward(xb)
    model = Watched(3, 1)
    train_model(model, case.dl(40), case.dl(40), mnist_loss, torch.optim.SGD(model.parameters(), lr=.1), 2)
    assert modes == [True, False, False] * 2


def test_an_optimizer_is_anything_with_two_methods():
    case, calls = Straight(), []

    class Steps:
        def step(self): calls.append('step')
        def zero_grad(self): calls.append('zero_grad')
    train_epoch(case.model, case.dl(20), mnist_loss, Steps())
    assert calls == ['step', 'zero_grad'] * 2


def test_validation_keeps_no_record_and_training_does():
    records = []

    def watched(preds, targets):
        records.append(preds.requires_grad)
        return squared(preds, targets)
    model = OneNumber()
    train_model(model, [batch((1, 2))], [batch((1, 2))], watched, model.opt, 1, metric=lambda preds, targets: watched(preds, targets))
    assert records == [True, False, False]


# ---- plot_history

HISTORY = {'train_loss': [.5, .25, .125], 'valid_loss': [.4, .3, .2], 'batch_accuracy': [.6, .7, .8]}


def drawn(ax): return {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in ax.lines}


def test_a_history_is_drawn_epoch_by_epoch_from_1():
    ax = plot_history(HISTORY)
    assert drawn(ax) == {name: ([1, 2, 3], values) for name, values in HISTORY.items()}
    assert ax.get_xlabel() == 'epoch' and [text.get_text() for text in ax.get_legend().texts] == list(HISTORY)
    other = plot_history(HISTORY, 'batch_accuracy')
    assert other.figure is not ax.figure and drawn(other) == {'batch_accuracy': ([1, 2, 3], [.6, .7, .8])}


def test_plot_history_takes_and_returns_axes():
    _, ax = plt.subplots()
    assert plot_history({'a': [1., 2.], 'b': [3., 4.]}, 'a', 'b', ax=ax) is ax and ax.lines[0].get_xdata().tolist() == [1, 2]
    assert plot_history(HISTORY, 'valid_loss', ax=ax, linestyle='--', label='again') is ax
    assert drawn(ax) == {'a': ([1, 2], [1, 2]), 'b': ([1, 2], [3, 4]), 'again': ([1, 2, 3], [.4, .3, .2])}
    assert ax.lines[2].get_linestyle() == '--'
