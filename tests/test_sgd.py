"Lesson 03: by hand, by the definition, and as PyTorch does it."
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from digits_uth.sgd import gradient_descent, mse, numerical_gradient, plot_function, quadratic


def random(*size, seed=0, dtype=torch.float32):
    return torch.randn(size, generator=torch.Generator().manual_seed(seed), dtype=dtype)


# ---- quadratic and mse

def test_a_quadratic_by_hand():
    t, params = torch.tensor([0., 1, 10, -1]), torch.tensor([2., 3, 5])
    assert quadratic(t, params).tolist() == [5, 10, 235, 4]


def test_quadratic_takes_any_shape():
    t = random(2, 3)
    assert_close(quadratic(t, torch.tensor([1., 2., 3.])), t**2 + 2*t + 3)
    assert quadratic(2., torch.tensor([1., 2., 3.])) == 11


def test_mse_by_hand():
    assert_close(mse(torch.tensor([1., 2, 4]), torch.tensor([1., 0, 1])), torch.tensor(13 / 3))  # (0 + 4 + 9) / 3


@pytest.mark.parametrize('size', [(1,), (20,), (4, 1), (3, 5), ()])
def test_mse_is_pytorchs(size):
    preds, targets = random(*size).requires_grad_(), random(*size, seed=1)
    assert_close(mse(preds, targets), F.mse_loss(preds, targets))
    assert_close(torch.autograd.grad(mse(preds, targets), preds), torch.autograd.grad(F.mse_loss(preds, targets), preds))


# ---- numerical_gradient

def test_the_numerical_gradient_by_hand():
    x = torch.tensor([[1., -2, 3], [0, 5, .5]], dtype=torch.float64)
    weights = torch.tensor([[1., 2, 3], [4, 5, 6]], dtype=torch.float64)
    assert_close(numerical_gradient(lambda x: (weights * x**2).sum(), x), 2 * weights * x, atol=1e-7, rtol=0)


def test_the_numerical_gradient_looks_to_both_sides():
    "The error of a slope to both sides falls with the square of the run, to one side only with the run."
    one = torch.ones(1, dtype=torch.float64)
    for eps, slope in ((.1, 3.01), (.01, 3.0001)):  # of x**3; to one side it would be 3.31 and 3.0301
        assert_close(numerical_gradient(lambda x: (x**3).sum(), one, eps), torch.tensor([slope], dtype=torch.float64))


def test_the_numerical_gradient_nudges_one_number_at_a_time_and_leaves_x_alone():
    places, x = [], torch.tensor([2., 7], dtype=torch.float64)

    def f(x):
        places.append(x.tolist())
        return x.sum()
    numerical_gradient(f, x)
    assert x.tolist() == [2, 7]
    assert sorted(place for place in places if place != [2, 7]) == [[2 - 1e-6, 7], [2, 7 - 1e-6], [2, 7 + 1e-6], [2 + 1e-6, 7]]


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


def test_gradcheck_agrees_with_the_loss():
    params, t = random(3, dtype=torch.float64).requires_grad_(), random(9, seed=1, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda p: mse(quadratic(t, p), t), params)


# ---- gradient_descent

def test_gradient_descent_by_hand():
    "y is 2x. At p the loss is (1 + 4)/2 * (p - 2)**2 and its slope 5 * (p - 2)."
    x, y = torch.tensor([1., 2]), torch.tensor([2., 4])
    found, losses = gradient_descent(lambda x, p: p * x, torch.zeros(1), x, y, lr=.1, steps=2)
    assert_close(found, torch.tensor([1.5]))  # 0, then 0 + .1 * 10, then 1 + .1 * 5
    assert_close(losses, torch.tensor([10, 2.5, .625]))


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
    expected.append(F.mse_loss(quadratic(x, params), y).item())
    assert_close(found, params.detach(), atol=1e-5, rtol=1e-5)
    assert_close(losses, torch.tensor(expected), atol=1e-5, rtol=1e-5)
    assert losses.shape == (51,) and start.equal(kept) and not found.requires_grad and not losses.requires_grad


def test_gradient_descent_of_one_item_and_of_no_steps():
    one = torch.ones(1)
    found, losses = gradient_descent(lambda x, p: p * x, torch.zeros(1), one, one, lr=.5, steps=1)
    assert found.tolist() == [1.] and losses.tolist() == [1., 0.]
    found, losses = gradient_descent(lambda x, p: p * x, torch.zeros(1).requires_grad_(), one, one, lr=.5, steps=0)
    assert found.tolist() == [0.] and losses.tolist() == [1.]


@pytest.fixture(scope='module')
def ride():
    "Lesson 03's ride for some seeds: seconds, standardised seconds, speeds, where to start, and the loss that no quadratic beats."
    def one(seed):
        noise, start = random(20, seed=seed), random(3, seed=100 + seed)
        t = torch.arange(20.)
        z, speed = (t - t.mean()) / t.std(), .75 * (t - 9.5)**2 + 1 + 3 * noise
        X = torch.stack([z**2, z, torch.ones(20)], 1)
        return t, z, speed, start, mse(X @ torch.linalg.lstsq(X, speed[:, None]).solution, speed[:, None])
    return one


@pytest.mark.parametrize('seed', range(4))
def test_standardised_time_leads_to_the_best_quadratic_and_seconds_do_not(ride, seed):
    t, z, speed, start, best = ride(seed)
    assert_close(gradient_descent(quadratic, start, z, speed, lr=.25, steps=60)[1][-1], best, atol=1e-3, rtol=0)
    assert gradient_descent(quadratic, start, t, speed, lr=.25, steps=40)[1][-1].isnan()
    losses = gradient_descent(quadratic, start, t, speed, lr=1e-5, steps=500)[1]
    assert losses[-1] > 50 * best and losses[100] - losses[-1] < .02 * losses[-1]


def test_the_walk_over_a_and_c_has_its_bound_at_two_over_the_sharpest_curvature(ride):
    _, z, speed, start, best = ride(0)
    X = torch.stack([z**2, z, torch.ones(20)], 1)
    bound = 2 / torch.linalg.eigvalsh(2 * X.T @ X / 20)[-1]
    assert .43 < bound < .44  # between the two rates of the lesson's figure
    for lr, arrives in ((.4, True), (.44, False)):
        losses = gradient_descent(quadratic, start, z, speed, lr, steps=200)[1]
        assert (losses[-1] < best + .01) == arrives and (losses[-1] > losses[100] > losses[50]) == (not arrives)


# ---- what the lesson says of PyTorch

def test_a_leaf_is_not_changed_in_place_while_gradients_are_recorded():
    w = torch.tensor(3.).requires_grad_()
    with pytest.raises(RuntimeError, match='a leaf Variable that requires grad'):
        w -= .1  # nothing was computed from w
    with torch.no_grad():
        w -= .5
    assert w.item() == 2.5 and w.is_leaf
    (w**2).backward()
    other = w - .1 * w.grad
    assert other is not w and not other.is_leaf and w.item() == 2.5


def test_slopes_multiply_along_a_way_and_add_where_ways_meet():
    def slope(f):
        w = torch.tensor(2.).requires_grad_()
        f(w).backward()
        return w.grad.item()
    assert slope(lambda w: (3*w - 1)**2) == 3 * 10 and slope(lambda w: 3*w + w**2) == 3 + 4


# ---- plot_function

def test_a_function_is_drawn_from_lo_to_hi():
    for limits, ends in (((), (-2, 2)), ((0, 7), (0, 7)), ((-1.5,), (-1.5, 2))):
        line, = plot_function(torch.sin, *limits).lines
        x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        assert (x[0], x[-1]) == ends and len(x) >= 100
        assert_close(torch.tensor(x), torch.linspace(*ends, len(x)))
        assert_close(torch.tensor(y), torch.tensor(np.sin(x)))


def test_plot_function_takes_and_returns_axes():
    _, ax = plt.subplots()
    assert plot_function(torch.sin, -3, 3, ax, color='gray') is ax and ax.lines[0].get_color() == 'gray'
    assert plot_function(lambda x: 3., ax=ax) is ax and set(ax.lines[1].get_ydata()) == {3.}
    other = plot_function(lambda x: x.requires_grad_()**2)
    assert other is not ax and len(ax.lines) == 2
    assert_close(torch.tensor(other.lines[0].get_ydata()), torch.tensor(other.lines[0].get_xdata())**2)
