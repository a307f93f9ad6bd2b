"Lesson 06: the optimizers are PyTorch's, step for step; the finder puts everything back."
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from digits_uth.loss import mnist_loss
from digits_uth.optimizers import Adam, BasicOptim, Momentum, find_lr

PAIRS = {'SGD': (lambda p: BasicOptim(p, lr=.5), lambda p: torch.optim.SGD(p, lr=.5)),
         'momentum': (lambda p: Momentum(p, lr=.1), lambda p: torch.optim.SGD(p, lr=.1, momentum=.9)),
         'momentum .5': (lambda p: Momentum(p, .1, .5), lambda p: torch.optim.SGD(p, lr=.1, momentum=.5)),
         'Adam': (lambda p: Adam(p, lr=.01), lambda p: torch.optim.Adam(p, lr=.01)),
         'Adam, others': (lambda p: Adam(p, .01, (.5, .9), 1e-3), lambda p: torch.optim.Adam(p, .01, (.5, .9), 1e-3))}


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
