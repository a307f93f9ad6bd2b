"Lesson 04: scores, loss and accuracy by hand, and as PyTorch computes them."
from functools import partial
from math import log

import matplotlib.pyplot as plt
import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from digits_uth.loss import batch_accuracy, init_params, linear1, mnist_loss, plot_product
from digits_uth.sgd import mse
from digits_uth.training import calc_grad


def random(*size, seed=0, dtype=torch.float32):
    return torch.randn(size, generator=torch.Generator().manual_seed(seed), dtype=dtype)


# ---- init_params and linear1

def test_init_params_are_pytorchs_normal_numbers_times_std():
    for size in ((784, 1), (3,), 5):
        for arguments, std in (((), 1), ((.5,), .5), ((1/28,), 1/28)):
            torch.manual_seed(3)
            params = init_params(size, *arguments)
            torch.manual_seed(3)
            assert_close(params.detach(), torch.randn(size) * std)


def test_init_params_has_the_spread_that_is_asked_for():
    torch.manual_seed(0)
    params = init_params((784, 50), std=1/28)
    assert params.requires_grad and params.is_leaf and abs(params.std() * 28 - 1) < .02 and abs(params.mean()) < .001
    assert init_params(1).shape == (1,) and not init_params((3, 2), std=0).any()
    plain = init_params((784, 50)).detach()
    assert abs(plain.std() - 1) < .02 and abs(plain.mean()) < .02


def test_linear1_by_hand():
    xb, weights, bias = torch.tensor([[1., 2], [3, 4], [0, 0]]), torch.tensor([[10., -1], [1, 0]]), torch.tensor([.5, 7])
    assert linear1(xb, weights, bias).tolist() == [[12.5, 6], [34.5, 4], [.5, 7]]


@pytest.mark.parametrize('n', [1, 4, 257])
def test_linear1_is_pytorchs(n):
    xb, weights, bias = random(n, 784), random(784, 3, seed=1), random(3, seed=2)
    assert_close(linear1(xb, weights, bias), F.linear(xb, weights.T, bias), atol=1e-4, rtol=1e-4)


# ---- mnist_loss and batch_accuracy

QUARTER = log(3)  # sigmoid(log 3) is 3/4


def test_mnist_loss_by_hand():
    preds, targets = torch.tensor([[QUARTER], [-QUARTER], [QUARTER], [0]]), torch.tensor([[1], [1], [0], [0]])
    assert_close(mnist_loss(preds, targets), torch.tensor((.25 + .75 + .75 + .5) / 4))
    for i, loss in enumerate((.25, .75, .75, .5)):
        assert_close(mnist_loss(preds[i:i+1], targets[i:i+1]), torch.tensor(loss))


def test_mnist_loss_reduced_in_three_ways():
    preds, targets = torch.tensor([[QUARTER], [-QUARTER], [0]]).requires_grad_(), torch.tensor([[1], [1], [0]])
    assert_close(mnist_loss(preds, targets, reduction='none').detach().flatten(), torch.tensor([.25, .75, .5]))
    assert_close(mnist_loss(preds, targets, reduction='sum').detach(), torch.tensor(1.5))
    assert_close(mnist_loss(preds, targets, reduction='mean').detach(), torch.tensor(.5))
    grad, = torch.autograd.grad(mnist_loss(preds, targets, reduction='sum'), preds)
    assert_close(grad.flatten(), torch.tensor([-3/16, -3/16, 1/4]))  # s (1 - s), down for a 3 and up for a 7


@pytest.mark.parametrize('n', [1, 5, 256])
@pytest.mark.parametrize('to', [torch.Tensor.long, torch.Tensor.float, torch.Tensor.byte])
def test_mnist_loss_is_a_distance_from_the_targets(n, to):
    preds, targets = 5 * random(n, 1), to(random(n, 1, seed=1) > 0)
    assert_close(mnist_loss(preds, targets), (torch.sigmoid(preds) - targets.float()).abs().mean())
    for reduction in ('mean', 'sum'):
        assert_close(mnist_loss(preds, targets, reduction=reduction), F.l1_loss(torch.sigmoid(preds), targets.float(), reduction=reduction))
    assert_close(batch_accuracy(preds, targets), (torch.sigmoid(preds).round() == targets).float().mean())


def test_mnist_loss_is_safe_far_out():
    preds = torch.tensor([[-1e4], [1e4], [-89.], [0.]]).requires_grad_()
    loss = mnist_loss(preds, torch.tensor([[1], [0], [1], [1]]))
    loss.backward()
    assert_close(loss.detach(), torch.tensor(3.5 / 4))
    assert preds.grad.isfinite().all()
    assert preds.grad.flatten().tolist() == [0, 0, 0, -.0625]


def test_gradcheck_agrees_with_the_loss():
    preds, targets = random(6, 1, dtype=torch.float64).requires_grad_(), torch.tensor([[0], [1]] * 3)
    assert torch.autograd.gradcheck(lambda p: mnist_loss(p, targets), preds)


@pytest.mark.parametrize('labels', [[[3], [7]], [[0], [2]], [[1], [-1]]], ids=str)
def test_labels_that_are_not_0_and_1_are_refused(labels):
    "With 3 and 7 as labels an accuracy would be 1.0 from the start, and nothing would be learned."
    for targets in (torch.tensor(labels), torch.tensor(labels).float()):
        with pytest.raises(ValueError, match=r'targets: expected .*got .*\(lesson 0\d\)'):
            mnist_loss(random(2, 1), targets)


def test_accuracy_by_hand():
    preds, threes = torch.tensor([[.1], [2], [0], [-1e-6], [-5]]), torch.ones(5, 1).long()
    assert_close(batch_accuracy(preds, threes), torch.tensor(.4))      # above 0 is a 3, 0 itself isn't
    assert_close(batch_accuracy(preds, 1 - threes), torch.tensor(.6))
    assert_close(batch_accuracy(preds, torch.tensor([[1], [0], [0], [1], [0]])), torch.tensor(.6))


def test_what_every_batch_calls_looks_at_no_value():
    "On the meta device there are no values: whatever looks at one fails there, and would stop a GPU for each batch."
    xb, targets = torch.empty(4, 784, device='meta'), torch.empty(4, 1, dtype=torch.int64, device='meta')
    weights, bias = torch.empty(784, 1, device='meta', requires_grad=True), torch.empty(1, device='meta')
    preds = linear1(xb, weights, bias)
    assert mnist_loss(preds, targets).is_meta and batch_accuracy(preds, targets).is_meta and mse(preds, preds).is_meta
    assert calc_grad(xb, targets, partial(linear1, weights=weights, bias=bias), mnist_loss).is_meta and weights.grad.is_meta


# ---- plot_product

def texts(ax): return [text.get_text() for text in ax.texts]


def test_a_product_is_drawn_with_all_its_numbers_and_the_sum_of_one():
    a, b = torch.tensor([[1, 2], [3, 4], [5, 6]]), torch.tensor([[10, 0], [1, 1]])
    for row, col, made in ((0, 0, '12 = 1·10 + 2·1'), (1, 0, '34 = 3·10 + 4·1'), (2, 1, '6 = 5·0 + 6·1')):
        ax = plot_product(a, b, row, col)
        found = texts(ax)
        for table in (a, b, a @ b):
            for value in table.flatten().tolist():
                assert str(value) in found
        assert made in found and 'a (3, 2)' in found and 'b (2, 2)' in found and 'a @ b (3, 2)' in found
        assert ax.figure._alt == f'The matrix product of (3, 2) and (2, 2): row {row} and column {col} make {(a @ b)[row, col]}.'
        marked = [patch for patch in ax.patches if patch.get_facecolor()[:3] != (1, 1, 1)]
        assert len(marked) == 2 + 2 + 1 and len(ax.patches) == 6 + 4 + 6


def test_a_product_of_floats_is_drawn_as_short_as_it_can_be():
    found = texts(plot_product(torch.tensor([[.5, 2.]]), torch.tensor([[4.], [-1.]])))
    assert '0 = 0.5·4 + 2·-1' in found and '0.5' in found


@pytest.mark.parametrize('call, words', [
    (lambda: plot_product(torch.ones(2, 3), torch.ones(2, 3)), 'b: expected a tensor of shape (3, m), got shape (2, 3)'),
    (lambda: plot_product(torch.ones(3), torch.ones(3, 1)), 'a: expected a tensor of shape (n, k), got shape (3,)'),
    (lambda: plot_product([[1]], torch.ones(1, 1)), 'a: expected a tensor of shape (n, k), got a list of 1'),
    (lambda: plot_product(torch.ones(2, 3), torch.ones(3, 1), row=2), 'row and col: expected a place of the product, which is (2, 1), got 2, 0'),
    (lambda: plot_product(torch.ones(2, 3), torch.ones(3, 1), col=1), 'row and col: expected a place of the product, which is (2, 1), got 0, 1'),
    (lambda: plot_product(torch.ones(2, 3), torch.ones(3, 1), row=-1), 'row: expected a whole number from 0, got -1'),
])
def test_what_has_no_product_is_refused_before_a_figure_is_made(call, words):
    with pytest.raises(ValueError) as caught:
        call()
    assert words in str(caught.value) and '(lesson 04)' in str(caught.value)
    assert not plt.get_fignums()
