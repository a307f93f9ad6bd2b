"Back propagation by hand against autograd: values first, then refusals."
import math
import random

import matplotlib.pyplot as plt
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from digits_uth.backprop import Chain, CrossEntropy, Lin, MnistLoss, Relu, Value, plot_graph
from digits_uth.layer import Layer, add_grad
from digits_uth.loss import mnist_loss
from digits_uth.models import simple_net
from digits_uth.optimizers import Adam, BasicOptim


def expression(chance, depth):
    "A random function of three numbers, which takes Values and tensors alike and stays where all of it is defined."
    if depth == 0:
        k = chance.randrange(4)
        c = chance.uniform(-2, 2)
        return (lambda *numbers: numbers[k]) if k < 3 else (lambda *numbers: c + 0 * numbers[0])
    a, b = (expression(chance, depth - 1) for _ in range(2))
    number = chance.choice([2, 3., -1, .5])
    return chance.choice([
        lambda *x: a(*x) + b(*x), lambda *x: a(*x) - b(*x), lambda *x: a(*x) * b(*x), lambda *x: a(*x) / (b(*x)**2 + 1.),
        lambda *x: -a(*x), lambda *x: a(*x).relu() - .3 * b(*x), lambda *x: (a(*x) / (a(*x)**2 + 1)).exp(), lambda *x: (a(*x)**2 + .5).log(),
        lambda *x: (a(*x)**2 + 1)**number, lambda *x: 1 / (2 + b(*x)**2) + 3 - a(*x), lambda *x: a(*x) + a(*x) * b(*x)])


def test_200_random_expressions_have_autograds_slopes():
    largest = 0.
    for seed in range(200):
        chance = random.Random(seed)
        f = expression(chance, 4)
        numbers = [chance.uniform(-2, 2) for _ in range(3)]
        values = [Value(x) for x in numbers]
        tensors = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in numbers]
        ours, theirs = f(*values), f(*tensors)
        ours.backward()
        theirs.backward()
        for a, b in ((ours.data, theirs.detach()), *((v.grad, 0. if t.grad is None else t.grad) for v, t in zip(values, tensors, strict=True))):
            largest = max(largest, abs(a - float(b)) / max(1., abs(float(b))))
    assert largest < 1e-10, largest


def random_chain(seed):
    "Layers of random widths, ours and PyTorch's with the same numbers, and a batch for them."
    torch.manual_seed(seed)
    sizes = [*torch.randint(1, 9, (int(torch.randint(2, 6, ())),)).tolist(), 1]
    ours, theirs = [], []
    for k, (a, b) in enumerate(zip(sizes, sizes[1:], strict=False)):
        if k and seed % 3: ours, theirs = [*ours, Relu()], [*theirs, nn.ReLU()]
        linear = nn.Linear(a, b, dtype=torch.float64)
        ours, theirs = [*ours, Lin(linear.weight.T, linear.bias)], [*theirs, linear]
    x = torch.randn(int(torch.randint(1, 7, ())), sizes[0], dtype=torch.float64)
    return Chain(*ours), nn.Sequential(*theirs), x, torch.randint(2, (len(x), 1))


def test_50_random_chains_have_autograds_slopes():
    largest = 0.
    for seed in range(50):
        chain, net, x, y = random_chain(seed)
        x.requires_grad_()
        loss_func = MnistLoss()
        loss = loss_func(chain(x), y)
        by_x = chain.backward(loss_func.backward())
        theirs = mnist_loss(net(x), y)
        theirs.backward()
        found = [(loss, theirs.detach()), (by_x, x.grad)]
        for p, q in zip(chain.parameters(), net.parameters(), strict=True): found.append((p.grad, q.grad.T if q.ndim == 2 else q.grad))
        assert all(a.shape == b.shape and not a.requires_grad for a, b in found)
        largest = max(largest, *((a - b).abs().max().item() for a, b in found))
    assert largest < 1e-10, largest


@pytest.mark.parametrize('make', [BasicOptim, lambda params, lr: Adam(params, .01)])
def test_an_epoch_of_steps_by_hand_leads_where_autograds_leads(make):
    torch.manual_seed(0)
    net = simple_net(20, 7)
    chain, loss_func = Chain(Lin(net[0].weight.T, net[0].bias), Relu(), Lin(net[2].weight.T, net[2].bias)), MnistLoss()
    ours, theirs = make(chain.parameters(), lr=.5), make([*net.parameters()], lr=.5)
    for _ in range(49):
        x = torch.rand(32, 20)
        y = (x.sum(1, keepdim=True) > 10).long()
        loss_func(chain(x), y)
        chain.backward(loss_func.backward())
        mnist_loss(net(x), y).backward()
        for opt in (ours, theirs):
            opt.step()
            opt.zero_grad()
    assert_close(chain.layers[0].weight, net[0].weight.T, atol=1e-5, rtol=1e-4)
    assert_close(chain.layers[2].weight, net[2].weight.T, atol=1e-5, rtol=1e-4)


class Wrapped(torch.autograd.Function):
    "A layer of ours in autograd's graph, for gradcheck."
    @staticmethod
    def forward(ctx, layer, *inputs):
        ctx.layer, ctx.n = layer, len(inputs)
        return layer.forward(*inputs).clone()

    @staticmethod
    def backward(ctx, *g):
        g = ctx.layer.backward() * g[0] if isinstance(ctx.layer, (CrossEntropy, MnistLoss)) else ctx.layer.backward(*g)
        return None, g, *[None] * (ctx.n - 1)


@pytest.mark.parametrize('layer, inputs', [
    (Lin(torch.randn(3, 2).double(), torch.randn(2).double()), [torch.randn(5, 3).double()]), (Relu(), [torch.randn(4, 3).double()]),
    (MnistLoss(), [torch.randn(6, 1).double(), torch.tensor([[1], [0]] * 3)]),
    (CrossEntropy(), [torch.randn(6, 1).double(), torch.tensor([[1], [0]] * 3)]),
    (random_chain(1)[0], [random_chain(1)[2]])], ids=['Lin', 'Relu', 'MnistLoss', 'CrossEntropy', 'Chain'])
def test_gradcheck(layer, inputs):
    inputs[0].requires_grad_()
    assert torch.autograd.gradcheck(lambda *x: Wrapped.apply(layer, *x), inputs)


def test_a_layers_gradients_add_up_until_they_are_zeroed_and_what_it_was_made_of_stays():
    weight, bias = torch.ones(2, 1), torch.zeros(1)
    lin = Lin(weight, bias)
    for _ in range(2):
        lin(torch.tensor([[1., 2.]]))
        lin.backward(torch.tensor([[3.]]))
    assert lin.weight.grad.tolist() == [[6.], [12.]] and lin.bias.grad.tolist() == [6.]
    BasicOptim(lin.parameters(), lr=.5).step()
    assert lin.weight.tolist() == [[-2.], [-5.]] and weight.tolist() == [[1.], [1.]] and weight.grad is None


def test_bend_and_loss_at_the_edges():
    relu = Relu()
    assert relu(torch.tensor([[-1., 0., 2.]])).tolist() == [[0., 0., 2.]] and relu.backward(torch.ones(1, 3)).tolist() == [[0., 0., 1.]]
    loss = MnistLoss()
    assert loss(torch.tensor([[200.], [-200.]]), torch.tensor([[1], [0]])) == 0 and loss.backward().tolist() == [[0.], [0.]]
    assert loss(torch.zeros(1, 1), torch.tensor([[1]])) == .5 and loss.backward().item() == -.25
    assert loss.backward().dtype == torch.float32 and (loss(torch.zeros(1, 1).double(), torch.tensor([[1]])), loss.backward())[1].dtype == torch.float64


def test_a_value_used_many_times_and_a_chain_of_many_steps():
    a = Value(1.)
    b = a
    for _ in range(40): b = b + b  # 2**40 ways lead back
    b.backward()
    assert a.grad == 2.**40
    total = Value(0.)
    for _ in range(5000): total = total + a  # deeper than Python's own stack
    a.grad = 0.
    total.backward()
    assert a.grad == 5000


def test_going_back_twice_adds_to_the_leaves_and_begins_anew_in_between():
    a = Value(3.)
    b = a * a
    c = b + b
    c.backward()
    c.backward()
    assert (a.grad, b.grad, c.grad) == (24., 2., 1.)
    d = Value(2.)
    d.backward()
    assert d.grad == 1


@pytest.mark.parametrize('make, data, grad', [
    (lambda a: a**0, 1, 0), (lambda a: 2 - a, 2, -1), (lambda a: 1 / (a + 1), 1, -1), (lambda a: a.relu(), 0, 0), (lambda a: +3 * a, 0, 3), (lambda a: a**1, 0, 1),
    (lambda a: a.exp(), 1, 1), (lambda a: (a + 1).log(), 0, 1), (lambda a: -a, 0, -1), (lambda a: a - torch.tensor(2.), -2, 1)])
def test_single_operations_at_zero(make, data, grad):
    a = Value(0)
    found = make(a)
    found.backward()
    assert (found.data, a.grad) == (data, grad) and isinstance(found.data, float)


@pytest.mark.parametrize('make, words', [
    (lambda: Value('3'), "expected a number, got '3'"), (lambda: Value(torch.ones(2)), 'expected a number'), (lambda: Value(None), 'got None'),
    (lambda: Value(1j), 'got 1j'), (lambda: Value(2.) + 'a', 'expected a number'), (lambda: Value(2.)**Value(2.), 'takes one'),
    (lambda: Value(-8.)**(1/3), 'pow of -8.0 .*a root of a negative number'), (lambda: Value(0.)**-1, 'pow of 0.0 and -1'), (lambda: 1 / Value(0.), 'truediv of 1.0 and 0.0.*away from 0'),
    (lambda: Value(0.)**.5, 'pow of 0.0 and 0.5'), (lambda: Value(0.).log(), 'log of 0.0: expected'), (lambda: Value(-1.).log(), 'log of -1.0: expected'),
    (lambda: Value(1000.).exp(), 'exp of 1000.0: expected'), (lambda: Value(10.)**400, 'pow of 10.0 and 400'),
    (lambda: plot_graph(3.), 'result: expected a Value')])
def test_values_refuse_in_words(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize('make, words', [
    (lambda: Lin(torch.ones(3), torch.ones(1)), 'weight: expected a float tensor of shape'),
    (lambda: Lin(torch.ones(3, 2), torch.ones(3)), 'bias: expected a float tensor of shape \\(2,\\)'),
    (lambda: Lin(torch.ones(3, 2), torch.ones(2).double()), 'bias: expected torch.float32'),
    (lambda: Lin(torch.ones(3, 2), torch.ones(2))(torch.ones(4, 2)), 'x: expected'),
    (lambda: Lin(torch.ones(3, 2), torch.ones(2)).backward(torch.ones(4, 2)), 'Lin: expected forward before backward'),
    (lambda: Relu().backward(torch.ones(1)), 'Relu: expected forward before backward'),
    (lambda: MnistLoss().backward(), 'MnistLoss: expected forward before backward'),
    (lambda: MnistLoss()(torch.ones(4, 1), torch.ones(4)), 'targets: expected .* use targets.unsqueeze'),
    (lambda: MnistLoss()(torch.ones(2, 1), torch.tensor([[3], [7]])), 'targets: expected labels 0 and 1'),
    (lambda: Chain(), 'layers: expected at least one'), (lambda: Chain(nn.Linear(2, 1)), 'layers: expected .* got Linear'),
    (lambda: Chain(Relu), 'layers: expected .* got type'), (lambda: (lambda c: (c(torch.ones(2, 3)), c.backward(torch.ones(2))))(Chain(Relu())), 'as what came out'),
    (lambda: add_grad(torch.ones(2), torch.ones(3)), 'the shape of its parameter')])
def test_layers_refuse_in_words(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_layer_of_a_learner_is_a_layer():
    class Scale(Layer):
        def forward(self, x): return 3 * x
        def backward(self, g): return 3 * g

    class Twice(Scale):
        def backward(self, g): return 2 * super().backward(g)
    chain = Chain(Scale(), Chain(Twice(), Relu()))
    assert chain(torch.ones(1, 2)).tolist() == [[9., 9.]] and chain.backward(torch.ones(1, 2)).tolist() == [[18., 18.]] and chain.parameters() == []


def drawn(ax):
    return [text.get_text() for text in ax.texts]


def test_a_graph_shows_values_first_and_then_slopes():
    a = Value(1., name='a')
    c = (a + a) * 3
    assert drawn(plot_graph(c, 0)).count('1') == 0 and sum('×' in text for text in drawn(plot_graph(c, 4))) == 1  # the box alone
    everything = drawn(plot_graph(c))
    assert {'a', '+', '×', '3', '2', '6', '× 3', '× 1', '× 2'} <= set(everything) and everything.count('× 1') == 2
    half = drawn(plot_graph(c, 7))
    assert '× 3' in half and '× 1' not in half
    assert [drawn(plot_graph(c, stop)).count('× 2') for stop in (5, 6)] == [0, 1]
    steps = [[text for text in drawn(plot_graph(c, stop)) if text and '×' not in text] for stop in range(9)]
    assert [len(later) - len(earlier) for earlier, later in zip(steps, steps[1:], strict=False)] == [1] * 8  # a number more at each stop
    assert math.isclose(a.grad, 0) and plt.gcf()._alt.endswith('.')  # drawing changes nothing
    ax = plt.subplots()[1]
    assert plot_graph(c, 1, ax) is ax
    Learners = type('Value', (), dict(vars(Value)))  # the class as a learner makes it anew, in the lesson
    one = Learners(1.)
    assert not isinstance(one, Value) and drawn(plot_graph(one.relu())) == drawn(plot_graph(Value(1.).relu()))
    plt.close('all')
