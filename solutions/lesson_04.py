"Lesson 04: a model answer to each exercise, and answers that are typical and wrong."
import torch

from digits_uth.loss import linear1, mnist_loss


def loss_3_or_7(preds, targets):
    sure = preds.sigmoid()
    return torch.where(targets == 1, 1 - sure, sure).mean()


def loss_without_where(preds, targets):
    return (targets - preds.sigmoid()).abs().mean()


def loss_of_scores(preds, targets):
    return torch.where(targets == 1, 1 - preds, preds).mean()


def loss_signed(preds, targets):
    return (targets - preds.sigmoid()).mean()


def loss_squared(preds, targets):
    return ((targets - preds.sigmoid())**2).mean()


def loss_summed(preds, targets):
    return (targets - preds.sigmoid()).abs().sum()


def loss_of_each(preds, targets):
    return (targets - preds.sigmoid()).abs()


def loss_turned_round(preds, targets):
    sure = preds.sigmoid()
    return torch.where(targets == 1, sure, 1 - sure).mean()


def step_down(xb, yb, weights, bias, lr):
    mnist_loss(linear1(xb, weights, bias), yb).backward()
    with torch.no_grad():
        for p in (weights, bias):
            p -= lr * p.grad
            p.grad.zero_()
    return weights, bias


def step_without_bias(xb, yb, weights, bias, lr):
    mnist_loss(linear1(xb, weights, bias), yb).backward()
    with torch.no_grad():
        weights -= lr * weights.grad
    weights.grad.zero_()
    return weights, bias


def step_up(xb, yb, weights, bias, lr):
    return step_down(xb, yb, weights, bias, -lr)


def step_not_zeroed(xb, yb, weights, bias, lr):
    mnist_loss(linear1(xb, weights, bias), yb).backward()
    with torch.no_grad():
        for p in (weights, bias):
            p -= lr * p.grad
    return weights, bias


def step_zeroed_too_early(xb, yb, weights, bias, lr):
    mnist_loss(linear1(xb, weights, bias), yb).backward()
    with torch.no_grad():
        for p in (weights, bias):
            p.grad.zero_()
            p -= lr * p.grad
    return weights, bias


def step_to_other_tensors(xb, yb, weights, bias, lr):
    mnist_loss(linear1(xb, weights, bias), yb).backward()
    return weights - lr * weights.grad, bias - lr * bias.grad


def larger_score(xb, weights, bias):
    return (xb @ weights + bias).argmax(1)


def larger_without_bias(xb, weights, bias):
    return (xb @ weights).argmax(1)


def larger_scores_themselves(xb, weights, bias):
    return (xb @ weights + bias).max(1).values


def larger_along_pictures(xb, weights, bias):
    return (xb @ weights + bias).argmax(0)


# check -> (right answers, wrong answers)
SOLUTIONS = {
    'check_04_1': ([loss_3_or_7, loss_without_where],
                   [loss_of_scores, loss_signed, loss_squared, loss_summed, loss_of_each, loss_turned_round]),
    'check_04_2': ([step_down], [step_without_bias, step_up, step_not_zeroed, step_zeroed_too_early, step_to_other_tensors]),
    'check_04_3': ([larger_score], [larger_without_bias, larger_scores_themselves, larger_along_pictures]),
}
