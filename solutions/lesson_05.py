"Lesson 05: a model answer to each exercise, and answers that are typical and wrong."
import torch


def batches(x, bs):
    return [x[start:start+bs] for start in range(0, len(x), bs)]


def batches_without_rest(x, bs):
    return [x[i*bs:(i+1)*bs] for i in range(len(x) // bs)]


def batches_with_an_empty_one(x, bs):
    return [x[i*bs:(i+1)*bs] for i in range(len(x) // bs + 1)]


def batches_sliding(x, bs):
    return [x[i:i+bs] for i in range(-(-len(x) // bs))]


def over_items(accuracies, sizes):
    return (accuracies * sizes).sum() / sizes.sum()


def over_batches(accuracies, sizes):
    return accuracies.mean()


def over_items_sum(accuracies, sizes):
    return (accuracies * sizes).sum()


def one_epoch(batches, w, lr):
    for xb, yb in batches:
        loss = ((xb @ w - yb)**2).mean()
        loss.backward()
        with torch.no_grad():
            w -= lr * w.grad
        w.grad.zero_()
    return w


def epoch_not_zeroed(batches, w, lr):
    for xb, yb in batches:
        ((xb @ w - yb)**2).mean().backward()
        with torch.no_grad():
            w -= lr * w.grad
    return w


def epoch_zeroed_too_early(batches, w, lr):
    for xb, yb in batches:
        ((xb @ w - yb)**2).mean().backward()
        w.grad.zero_()
        with torch.no_grad():
            w -= lr * w.grad
    return w


def epoch_summed(batches, w, lr):
    for xb, yb in batches:
        ((xb @ w - yb)**2).sum().backward()
        with torch.no_grad():
            w -= lr * w.grad
        w.grad.zero_()
    return w


def epoch_of_one_batch(batches, w, lr):
    for xb, yb in batches:
        ((xb @ w - yb)**2).mean().backward()
        with torch.no_grad():
            w -= lr * w.grad
        w.grad.zero_()
        return w


# check -> (right answers, wrong answers)
SOLUTIONS = {
    'check_05_1': ([batches], [batches_without_rest, batches_with_an_empty_one, batches_sliding]),
    'check_05_2': ([over_items], [over_batches, over_items_sum]),
    'check_05_3': ([one_epoch], [epoch_not_zeroed, epoch_zeroed_too_early, epoch_summed, epoch_of_one_batch]),
}
