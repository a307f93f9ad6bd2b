"Lesson 06: the first steps by hand, then PyTorch's, step for step; the finder's rates and losses, and that it puts everything back."
import inspect
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from digits_uth.loss import linear1, mnist_loss
from digits_uth.optimizers import Adam, BasicOptim, Momentum, find_lr

PAIRS = {'SGD': (lambda p: BasicOptim(p, lr=.5), lambda p: torch.optim.SGD(p, lr=.5)),
         'momentum': (lambda p: Momentum(p, lr=.1), lambda p: torch.optim.SGD(p, lr=.1, momentum=.9)),
         'momentum .5': (lambda p: Momentum(p, .1, .5), lambda p: torch.optim.SGD(p, lr=.1, momentum=.5)),
         'Adam': (lambda p: Adam(p, lr=.01), lambda p: torch.optim.Adam(p, lr=.01)),
         'Adam, others': (lambda p: Adam(p, .01, (.5, .9), 1e-3), lambda p: torch.optim.Adam(p, .01, (.5, .9), 1e-3))}


def walk(opt_func, grads, **kwargs):
    "Where a parameter that starts at 10 gets, gradient by gradient."
    p, places = torch.tensor([10.], dtype=torch.float64).requires_grad_(), []
    opt = opt_func([p], **kwargs)
    for grad in grads:
        p.grad = torch.tensor([float(grad)], dtype=torch.float64)
        opt.step()
        opt.zero_grad()
        assert p.grad is None
        places.append(p.item())
    return places


def test_steps_by_hand():
    assert walk(BasicOptim, [2, -4, 0], lr=.5) == [9, 11, 11]
    assert walk(Momentum, [2, 2, 0], lr=.5, momentum=.5) == [9, 7.5, 6.75]  # velocities 2, 3, 1.5
    assert walk(Momentum, [2, 2, 0], lr=.5) == pytest.approx([9, 7.1, 5.39])  # .9 of the last velocity is kept: 2, 3.8, 3.42
    # Adam's first step is lr whatever the gradient; the second divides (.1 * .9 * 3 - .1) / .19 by the root of (.999 * 9 + 1) / 1.999.
    second = (.9 * .3 - .1) / .19 / (.001 * (.999 * 9 + 1) / (1 - .999**2))**.5
    assert walk(Adam, [3, -1], lr=.1) == pytest.approx([9.9, 9.9 - .1 * second])
    assert walk(Adam, [1e-8], lr=.1) == pytest.approx([10 - .1 / 2])  # where the gradient is as small as eps, half a step


@pytest.mark.parametrize('ours, theirs', [(Momentum, {'momentum': .9}), (Adam, {'betas': (.9, .999), 'eps': 1e-8})])
def test_defaults(ours, theirs):
    found = {name: p.default for name, p in inspect.signature(ours).parameters.items() if p.default is not p.empty}
    assert found == theirs


def test_parameters_are_stepped_each_by_its_own_gradient():
    a, b = torch.ones(2).requires_grad_(), torch.zeros(1, 1).requires_grad_()
    opt = BasicOptim([a, b], .5)
    for _ in range(2):
        opt.zero_grad()
        (a @ torch.tensor([2., 4]) - 6 * b.sum()).backward()
        opt.step()
    assert a.tolist() == [-1, -3] and b.tolist() == [[6]]


def net(dtype=torch.float32):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 1)).to(dtype)


def batches(n, dtype=torch.float32):
    g = torch.Generator().manual_seed(1)
    for _ in range(n):
        xb = torch.randn(32, 6, generator=g, dtype=dtype)
        yield xb, (xb[:, :1] * xb[:, 1:2] > 0).long()


def train(make_opt, dtype=torch.float32, steps=200, leave_out=None):
    model = net(dtype)
    opt = make_opt(model.parameters())
    for i, (xb, yb) in enumerate(batches(steps, dtype)):
        mnist_loss(model(xb), yb).backward()
        if leave_out is not None and i < 5:
            model[leave_out].weight.grad = None  # a parameter that takes part only later
        opt.step()
        opt.zero_grad()
    return torch.cat([p.detach().flatten() for p in model.parameters()])


@pytest.mark.parametrize('name', PAIRS)
@pytest.mark.parametrize('dtype, within', [(torch.float32, 1e-5), (torch.float64, 1e-10)])
def test_the_same_as_pytorchs_after_200_steps(name, dtype, within):
    ours, theirs = (train(make_opt, dtype) for make_opt in PAIRS[name])
    assert (ours - theirs).abs().max() < within
    assert (ours - torch.cat([p.detach().flatten() for p in net(dtype).parameters()])).abs().max() > .01  # and it has trained


@pytest.mark.parametrize('name', PAIRS)
def test_a_parameter_without_a_gradient_waits(name):
    ours, theirs = (train(make_opt, torch.float64, 20, leave_out=0) for make_opt in PAIRS[name])
    assert (ours - theirs).abs().max() < 1e-10


@pytest.mark.parametrize('make_opt', [BasicOptim, Momentum, Adam])
def test_frozen_parameters_stay_and_a_model_may_move_before_its_first_step(make_opt):
    model = net()
    model[0].weight.requires_grad_(False)
    kept = model[0].weight.detach().clone()
    opt = make_opt(model.parameters(), lr=.1)
    model.double()  # as .to(device): the parameters are the same objects with other numbers
    xb, yb = next(batches(1, torch.float64))
    mnist_loss(model(xb), yb).backward()
    opt.step()
    opt.zero_grad()
    assert_close(model[0].weight, kept.double())
    assert all(p.grad is None for p in model.parameters())


def test_the_finders_rates_grow_by_the_same_factor():
    data = [next(batches(1))]
    lrs, losses = find_lr(net(), data, mnist_loss)
    assert lrs.shape == losses.shape == (100,)
    assert_close(lrs.double(), torch.tensor(np.geomspace(1e-4, 100, 100)), atol=0, rtol=1e-5)
    assert_close(find_lr(net(), data, mnist_loss, lo=.01, hi=10., steps=4)[0], torch.tensor([.01, .1, 1, 10]))


@pytest.mark.parametrize('opt_func, theirs', [(BasicOptim, torch.optim.SGD), (Adam, torch.optim.Adam)])
def test_the_finders_losses_are_those_of_a_loop_whose_rate_grows(opt_func, theirs):
    "Each batch's loss before its step; the loader is begun again where it runs out."
    data = list(batches(3))
    _, losses = find_lr(net(), data, mnist_loss, opt_func, lo=.01, hi=10., steps=8)
    model, expected = net(), []
    opt = theirs(model.parameters(), lr=1.)
    for i, lr in enumerate(np.geomspace(.01, 10, 8)):
        xb, yb = data[i % 3]
        opt.param_groups[0]['lr'] = lr
        opt.zero_grad()
        loss = F.l1_loss(model(xb).sigmoid(), yb.float())
        loss.backward()
        expected.append(loss.item())
        opt.step()
    assert_close(losses, torch.tensor(expected), atol=1e-5, rtol=1e-5)


def test_the_finder_takes_pytorchs_optimizers_and_partials_with_parameters():
    data = list(batches(3))
    expected = find_lr(net(), data, mnist_loss, steps=30)[1]
    assert_close(find_lr(net(), data, mnist_loss, torch.optim.SGD, steps=30)[1], expected)
    w, b = torch.zeros(6, 1).requires_grad_(), torch.zeros(1).requires_grad_()
    layer = nn.Linear(6, 1)
    for p in layer.parameters():
        nn.init.zeros_(p)
    found = find_lr(partial(linear1, weights=w, bias=b), data, mnist_loss, steps=30)[1]
    assert_close(found, find_lr(layer, data, mnist_loss, steps=30)[1])
    assert not w.any() and not b.any() and w.grad is None and found.min() < found[0]


def test_the_finder_takes_basic_steps_unless_told_otherwise():
    data = list(batches(3))
    plain, basic, momentum = (find_lr(net(), data, mnist_loss, *opt, steps=30)[1] for opt in ((), (BasicOptim,), (Momentum,)))
    assert plain.equal(basic) and not plain.equal(momentum)


@pytest.mark.parametrize('losses, kept', [([1., 3.9, 4.1, 1.], 3), ([1., 3.9, 3.9, 1.], 4), ([1., float('nan'), 1., 1.], 2),
                                          ([-1., 3.9, 4.1, 1.], 3)], ids=['at the third', 'never', 'nan', 'below 0'])
def test_the_finder_stops_at_four_times_the_first_loss(losses, kept):
    "The losses are given in advance: the model is of no use."
    coming = iter(losses)
    def given(preds, targets): return 0 * preds.sum() + next(coming)
    lrs, found = find_lr(net(), [next(batches(1))], given, lo=1., hi=8., steps=4)
    assert_close(lrs, torch.tensor([1., 2, 4, 8])[:kept])
    assert_close(found, torch.tensor(losses)[:kept], equal_nan=True)


@pytest.mark.parametrize('make_opt', [BasicOptim, Momentum, Adam])
def test_find_lr_restores_weights_and_buffers(make_opt):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Linear(5, 1))
    kept = {name: value.clone() for name, value in model.state_dict().items()}
    lrs, losses = find_lr(model, list(batches(3)), mnist_loss, make_opt, lo=1e-3, hi=10., steps=50)
    assert lrs.shape == losses.shape == (50,) and losses.isfinite().all()
    assert_close(lrs[[0, -1]], torch.tensor([1e-3, 10.]))
    assert losses.min() < losses[0] - .02
    for name, value in model.state_dict().items():
        assert value.equal(kept[name]), name
    assert all(p.grad is None for p in model.parameters())


def test_find_lr_stops_where_the_loss_explodes_or_is_nan_and_still_restores():
    for loss_func in (lambda preds, targets: ((preds - targets)**2).mean(), lambda preds, targets: (preds - targets).log().mean()):
        model = net()
        kept = model[0].weight.detach().clone()
        lrs, losses = find_lr(model, list(batches(4)), loss_func, hi=1e6)
        assert len(lrs) == len(losses) < 100 and not losses[-1] < 4 * losses[0]
        assert_close(model[0].weight, kept)
    model = net()
    kept = model[0].weight.detach().clone()
    with pytest.raises(RuntimeError):
        find_lr(model, [next(batches(1)), (torch.ones(2, 7), torch.ones(2, 1))], mnist_loss)
    assert_close(model[0].weight, kept)


def test_find_lr_trains_in_training_mode_and_puts_the_mode_back():
    modes = []

    class Watched(nn.Linear):
        def forward(self, xb):
            modes.append(self.training)
            return super().forward(xb)
    model = Watched(4, 1).eval()
    find_lr(model, [(torch.rand(8, 4), torch.ones(8, 1))], mnist_loss, steps=3)
    assert modes == [True] * 3 and not model.training
