"Lesson 08: the network of two layers, and what is inside it."
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from digits_uth.learner import digit_learner
from digits_uth.loaders import digit_dls
from digits_uth.loss import mnist_loss
from digits_uth.models import activations, simple_net


@pytest.mark.parametrize('sizes, parameters', [((), 23_581), ((784, 50, 10), 39_760), ((1, 1, 1), 4)])
def test_simple_net_is_two_linear_layers_and_a_bend(sizes, parameters):
    torch.manual_seed(0)
    net = simple_net(*sizes)
    w1, b1, w2, b2 = net.parameters()
    assert sum(p.numel() for p in net.parameters()) == parameters
    for n in (1, 5):
        xb = torch.randn(n, w1.shape[1])
        assert_close(net(xb), F.linear(F.linear(xb, w1, b1).clamp(min=0), w2, b2))
    torch.manual_seed(0)
    assert all(a.equal(b) for a, b in zip(simple_net(*sizes).parameters(), net.parameters(), strict=True))


@pytest.mark.parametrize('sizes, expected', [((), (784, 30, 1)), ((5,), (5, 30, 1)), ((5, 4), (5, 4, 1)), ((5, 4, 3), (5, 4, 3))])
def test_sizes_and_their_defaults(sizes, expected):
    n_in, n_hidden, n_out = expected
    net = simple_net(*sizes)
    assert [tuple(p.shape) for p in net.parameters()] == [(n_hidden, n_in), (n_hidden,), (n_out, n_hidden), (n_out,)]
    assert net(torch.rand(7, n_in)).shape == (7, n_out)
    assert [a.shape for a in activations(net, torch.rand(7, n_in))] == [(7, n_hidden), (7, n_hidden), (7, n_out)]
    named = simple_net(n_out=2, n_hidden=3, n_in=4)
    assert [tuple(p.shape) for p in named.parameters()] == [(3, 4), (3,), (2, 3), (2,)]


def test_activations_by_hand():
    net = simple_net(2, 2, 1)
    with torch.no_grad():
        for p, values in zip(net.parameters(), ([[1., 2], [3, -4]], [.5, 0], [[10., 100]], [-1.]), strict=True):
            p.copy_(torch.tensor(values))
    before, after, out = activations(net, torch.tensor([[1., 1], [-2, 0]]))
    assert before.tolist() == [[3.5, -1], [-1.5, -6]] and after.tolist() == [[3.5, 0], [0, 0]] and out.tolist() == [[34], [-1]]


def test_activations_of_parts_within_parts_and_of_a_network_in_training():
    torch.manual_seed(0)
    first, norm, last = nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.last, self.first = last, nn.Sequential(first, norm)  # not in the order in which they are called

        def forward(self, xb): return self.last(self.first(xb).relu())
    net, xb = Net(), torch.randn(5, 6)
    mean = norm.running_mean.clone()
    found = activations(net, xb)
    hidden = F.linear(xb, first.weight, first.bias).detach()
    normal = F.batch_norm(hidden, None, None, norm.weight, norm.bias, training=True).detach()
    assert_close(found, [hidden, normal, F.linear(normal.clamp(min=0), last.weight, last.bias).detach()])
    assert net.training and norm.running_mean.equal(mean) and norm.num_batches_tracked == 0
    alone, = activations(first, xb)
    assert_close(alone, hidden)


def test_exclusive_or_can_be_written_down():
    net = simple_net(2, 2, 1)
    with torch.no_grad():
        for p, values in zip(net.parameters(), ([[1., 1.], [1., 1.]], [0., -1.], [[1., -2.]], [0.]), strict=True):
            p.copy_(torch.tensor(values))
    assert net(torch.tensor([[0., 0.], [0., 1.], [1., 0.], [1., 1.]])).flatten().tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize('model', [simple_net(6, 4, 2), nn.Sequential(nn.Linear(6, 3)),
                                   nn.Sequential(nn.Unflatten(1, (1, 2, 3)), nn.Conv2d(1, 2, 2), nn.Flatten())])
def test_activations_are_the_outputs_of_every_part(model):
    xb = torch.randn(5, 6)
    found = activations(model, xb)
    assert len(found) == len(model) and not any(a.requires_grad for a in found)
    assert_close(found[-1], model(xb).detach())
    for i, a in enumerate(found):
        assert_close(a, model[:i + 1](xb).detach())
    assert len(activations(model, xb[:1])[0]) == 1


def test_a_network_of_two_layers_learns():
    y = torch.arange(64)[:, None] % 2
    x = torch.rand(64, 784, generator=torch.Generator().manual_seed(0)) / 2
    x[:, :392] += y / 2
    torch.manual_seed(0)
    learn = digit_learner(digit_dls(x, y, x, y, bs=16, device='cpu'), simple_net())
    with learn.no_bar(), learn.no_logging():
        learn.fit(10, lr=1.)
    assert learn.recorder.values[-1][1] < learn.recorder.values[0][1] and learn.recorder.values[-1][2] > .9
    assert learn.loss_func is mnist_loss


def test_layers_that_work_in_place_change_nothing_that_was_recorded():
    xb = torch.randn(5, 3)
    kept, model = xb.clone(), nn.Sequential(nn.ReLU(inplace=True), nn.Linear(3, 4), nn.ReLU(inplace=True))
    first, before, after = activations(model, xb)
    assert xb.equal(kept) and first.equal(kept.relu()) and after.equal(before.relu()) and (before < 0).any()
