"Lessons 03 to 05: the typical case, the edges, and agreement with PyTorch."
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close
from torch.utils.data import DataLoader, TensorDataset

from digits_uth.loss import batch_accuracy, init_params, linear1, mnist_loss
from digits_uth.sgd import gradient_descent, mse, numerical_gradient, plot_function, quadratic
from digits_uth.training import calc_grad, plot_history, train_epoch, train_model, validate_epoch


def random(*size, seed=0, dtype=torch.float32):
    return torch.randn(size, generator=torch.Generator().manual_seed(seed), dtype=dtype)


# ---- sgd

@pytest.mark.parametrize('size', [(1,), (20,), (4, 1), (3, 5), ()])
def test_mse_is_pytorchs(size):
    preds, targets = random(*size).requires_grad_(), random(*size, seed=1)
    assert_close(mse(preds, targets), F.mse_loss(preds, targets))
    assert_close(torch.autograd.grad(mse(preds, targets), preds), torch.autograd.grad(F.mse_loss(preds, targets), preds))


@pytest.mark.parametrize('size', [(1,), (3,), (2, 3), (1, 1, 4), ()])
def test_the_numerical_gradient_is_autograds(size):
    def f(x): return (x**3 - 2*x).sum() + x.prod()
    x = random(*size, dtype=torch.float64).requires_grad_()
    f(x).backward()
    found = numerical_gradient(f, x)
    assert_close(found, x.grad, atol=1e-8, rtol=1e-7)
    assert not found.requires_grad
    assert_close(numerical_gradient(f, x.detach().T if len(size) == 2 else x), x.grad.T if len(size) == 2 else x.grad, atol=1e-8, rtol=1e-7)


def test_the_numerical_gradient_takes_any_single_number():
    x = torch.tensor([2.], dtype=torch.float64)
    for f in (lambda x: float(x[0])**2, lambda x: (x**2).sum().numpy(), lambda x: (x**2).sum()):
        assert_close(numerical_gradient(f, x), torch.tensor([4.], dtype=torch.float64))


def test_gradcheck_agrees_with_every_loss():
    params, t = random(3, dtype=torch.float64).requires_grad_(), random(9, seed=1, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda p: mse(quadratic(t, p), t), params)
    preds, targets = random(6, 1, dtype=torch.float64).requires_grad_(), torch.tensor([[0], [1]] * 3)
    assert torch.autograd.gradcheck(lambda p: mnist_loss(p, targets), preds)


def test_quadratic_takes_any_shape():
    t = random(2, 3)
    assert_close(quadratic(t, torch.tensor([1., 2., 3.])), t**2 + 2*t + 3)
    assert quadratic(2., torch.tensor([1., 2., 3.])) == 11


def test_gradient_descent_is_pytorchs_sgd_and_leaves_its_start_alone():
    x, start = random(20), random(3, seed=1)
    y, kept = quadratic(x, torch.tensor([1., -2., .5])), start.clone()
    found, losses = gradient_descent(quadratic, start, x, y, lr=.05, steps=50)
    params = start.clone().requires_grad_()
    opt = torch.optim.SGD([params], lr=.05)
    expected = []
    for _ in range(50):
        loss = F.mse_loss(quadratic(x, params), y)
        expected.append(loss.item())
        loss.backward()
        opt.step()
        opt.zero_grad()
    assert_close(found, params.detach(), atol=1e-5, rtol=1e-5)
    assert_close(losses[:-1], torch.tensor(expected), atol=1e-5, rtol=1e-5)
    assert losses.shape == (51,) and start.equal(kept) and not found.requires_grad


def test_gradient_descent_of_one_item_and_of_no_steps():
    one = torch.ones(1)
    found, losses = gradient_descent(lambda x, p: p * x, torch.zeros(1), one, one, lr=.5, steps=1)
    assert found.tolist() == [1.] and losses.tolist() == [1., 0.]
    found, losses = gradient_descent(lambda x, p: p * x, torch.zeros(1).requires_grad_(), one, one, lr=.5, steps=0)
    assert found.tolist() == [0.] and losses.tolist() == [1.]


def test_plotters_take_and_return_axes():
    import matplotlib.pyplot as plt
    _, ax = plt.subplots()
    assert plot_function(torch.sin, -3, 3, ax, color='gray') is ax and ax.lines[0].get_color() == 'gray'
    assert plot_function(lambda x: 3., ax=ax) is ax and set(ax.lines[1].get_ydata()) == {3.}
    assert plot_history({'a': [1., 2.], 'b': [3., 4.]}, 'a', 'b', ax=ax) is ax and ax.lines[2].get_xdata().tolist() == [1, 2]
    assert plot_function(lambda x: x.requires_grad_()**2) is not ax


# ---- loss

def test_init_params_has_the_spread_that_is_asked_for():
    torch.manual_seed(0)
    params = init_params((784, 50), std=1/28)
    assert params.requires_grad and params.is_leaf and abs(params.std() * 28 - 1) < .02 and abs(params.mean()) < .001
    assert init_params(1).shape == (1,) and not init_params((3, 2), std=0).any()


@pytest.mark.parametrize('n', [1, 4, 257])
def test_linear1_is_pytorchs(n):
    xb, weights, bias = random(n, 784), random(784, 3, seed=1), random(3, seed=2)
    assert_close(linear1(xb, weights, bias), F.linear(xb, weights.T, bias), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize('n', [1, 5, 256])
@pytest.mark.parametrize('to', [torch.Tensor.long, torch.Tensor.float, torch.Tensor.byte])
def test_mnist_loss_is_a_distance_from_the_targets(n, to):
    preds, targets = 5 * random(n, 1), to(random(n, 1, seed=1) > 0)
    assert_close(mnist_loss(preds, targets), (torch.sigmoid(preds) - targets.float()).abs().mean())
    assert_close(mnist_loss(preds, targets), F.l1_loss(torch.sigmoid(preds), targets.float()))
    assert_close(batch_accuracy(preds, targets), (torch.sigmoid(preds).round() == targets).float().mean())


def test_mnist_loss_is_safe_far_out():
    preds = torch.tensor([[-1e4], [1e4], [-89.], [0.]]).requires_grad_()
    loss = mnist_loss(preds, torch.tensor([[1], [0], [1], [1]]))
    loss.backward()
    assert_close(loss.detach(), torch.tensor(3.5 / 4)) and preds.grad.isfinite().all()
    assert preds.grad.flatten().tolist() == [0, 0, 0, -.0625]


def test_what_every_batch_calls_looks_at_no_value():
    "On the meta device there are no values: whatever looks at one fails there, and would stop a GPU for each batch."
    xb, targets = torch.empty(4, 784, device='meta'), torch.empty(4, 1, dtype=torch.int64, device='meta')
    weights, bias = torch.empty(784, 1, device='meta', requires_grad=True), torch.empty(1, device='meta')
    preds = linear1(xb, weights, bias)
    assert mnist_loss(preds, targets).is_meta and batch_accuracy(preds, targets).is_meta and mse(preds, preds).is_meta
    assert calc_grad(xb, targets, partial(linear1, weights=weights, bias=bias), mnist_loss).is_meta and weights.grad.is_meta


# ---- training

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
        found = [validate_epoch(case.model, case.dl(bs), metric) for bs in (1, 7, 256, 2038)]
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
