"Lesson 10: softmax, cross-entropy, accuracy and the confusion matrix, against PyTorch and by counting."
from math import log

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from digits_uth.ten_digits import accuracy, confusion_matrix, cross_entropy, softmax


def random(n, k, seed=0, dtype=torch.float32):
    g = torch.Generator().manual_seed(seed)
    return 5 * torch.randn(n, k, generator=g, dtype=dtype), torch.randint(k, (n,), generator=g)


def test_softmax_by_hand():
    assert_close(softmax(torch.tensor([0., log(3)])), torch.tensor([.25, .75]))
    assert_close(softmax(torch.tensor([[0., log(3)], [5, 5], [log(4), 0]])), torch.tensor([[.25, .75], [.5, .5], [.8, .2]]))


@pytest.mark.parametrize('shape', [(4,), (3, 4), (2, 3, 4), (1, 1), (5, 1, 7)])
def test_softmax_adds_up_along_the_last_axis(shape):
    logits = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    assert_close(softmax(logits), F.softmax(logits, -1))
    assert_close(softmax(logits).sum(-1), torch.ones(shape[:-1]))


def test_cross_entropy_by_hand():
    "The right classes have the probabilities 1/4, 3/4 and, by three equal scores, 1/3."
    logits = torch.tensor([[0., log(3), -1e9], [0., log(3), -1e9], [7, 7, 7]])
    targets = torch.tensor([0, 1, 2])
    losses = torch.tensor([log(4), log(4/3), log(3)])
    assert_close(cross_entropy(logits, targets), losses.mean())
    assert_close(cross_entropy(logits, targets, reduction='mean'), losses.mean())
    assert_close(cross_entropy(logits, targets, reduction='sum'), losses.sum())
    assert_close(cross_entropy(logits, targets, reduction='none'), losses)


@pytest.mark.parametrize('reduction', ['mean', 'sum', 'none'])
def test_every_reduction_is_pytorchs(reduction):
    logits, targets = random(64, 10)
    assert_close(cross_entropy(logits, targets, reduction=reduction), F.cross_entropy(logits, targets, reduction=reduction))


def test_accuracy_and_confusion_by_hand():
    preds = torch.tensor([[9., 0, 0], [9, 0, 0], [0, 9, 0], [0, 0, 9], [-3, -1, -2]])  # answers 0, 0, 1, 2, 1
    targets = torch.tensor([2, 0, 1, 2, 0])
    assert_close(accuracy(preds, targets), torch.tensor(.6))
    # a row for the right class, a column for the answer: one 2 was taken for a 0, one 0 for a 1
    assert confusion_matrix(preds, targets).tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 1]]


@pytest.mark.parametrize('n, k', [(1, 1), (1, 10), (64, 10), (7, 3)])
def test_softmax_and_cross_entropy_are_pytorchs(n, k):
    logits, targets = random(n, k)
    assert_close(softmax(logits), F.softmax(logits, -1))
    assert_close(softmax(logits).sum(-1), torch.ones(n))
    assert_close(cross_entropy(logits, targets), F.cross_entropy(logits, targets))
    ours, theirs = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    cross_entropy(ours, targets).backward()
    F.cross_entropy(theirs, targets).backward()
    assert_close(ours.grad, theirs.grad)
    assert_close(ours.grad, (softmax(logits) - F.one_hot(targets, k)) / n)


@pytest.mark.parametrize('far', [1e3, 1e30])
def test_scores_far_out_are_safe(far):
    logits = torch.tensor([[far, 0.], [0., far], [-far, -far]]).requires_grad_()
    loss = cross_entropy(logits, torch.tensor([0, 0, 1]))
    loss.backward()
    assert loss.isfinite() and logits.grad.isfinite().all() and softmax(logits).isfinite().all()
    assert_close(softmax(logits.detach() + 50), softmax(logits.detach()))


def test_gradcheck():
    logits, targets = random(6, 4, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: cross_entropy(x, targets), logits.requires_grad_())
    assert torch.autograd.gradcheck(softmax, logits)


@pytest.mark.parametrize('n, k', [(1, 10), (500, 10), (40, 3)])
def test_accuracy_and_confusion_count(n, k):
    preds, targets = random(n, k, seed=1)
    matrix = confusion_matrix(preds, targets)
    counted = torch.zeros(k, k, dtype=torch.int64)
    for answer, target in zip(preds.argmax(1), targets, strict=True):
        counted[target, answer] += 1
    assert matrix.equal(counted) and matrix.dtype == torch.int64
    assert_close(accuracy(preds, targets), matrix.diagonal().sum() / n)
    assert_close(matrix.sum(1), torch.bincount(targets, minlength=k))


def test_what_every_batch_calls_looks_at_no_value():
    logits, targets = torch.empty(4, 10, device='meta'), torch.empty(4, dtype=torch.int64, device='meta')
    assert cross_entropy(logits, targets).is_meta and accuracy(logits, targets).is_meta and softmax(logits).is_meta
