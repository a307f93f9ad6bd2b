"""Lesson 05: what the lesson shows of one run, from six starts: the linear model, lr 1, batches of 256.

`whole` and `batches` are the accuracy after 49 steps from all pictures and after 49 steps, an epoch, from batches; `whole_980`
and `batches_20`, after 980 steps and after 20 epochs, which are as many; `batches_2`, after 2 epochs. `stray_20` is how far a
batch's gradient is from that of all pictures after 20 epochs, as a share of the latter's length: the root of the mean square over
400 random batches. `alike_1` and `alike_20` are the correlation of the weights' change with the ideal 3 minus the ideal 7, after 1
and 20 epochs; `noise` and `picture`, how far the threes' mean score is above the sevens' by the starting weights alone and by
their change in 20 epochs alone; `noise_size`, the root of the mean square of the starting weights' part in a score. The counts
compare with lesson 02's nearest ideal by RMSE: which of its mistakes were cured, and which are new.
"""
from functools import partial

import torch
from torch.optim import SGD
from torch.utils.data import DataLoader

from digits_uth.data import threes_and_sevens
from digits_uth.distances import ideal_digit, is_3, rmse
from digits_uth.loss import batch_accuracy, init_params, linear1, mnist_loss
from digits_uth.training import calc_grad, train_epoch

CASES = [{'seed': seed} for seed in range(6)]
WITHIN = {'whole': .005, 'batches': .01, 'whole_980': .003, 'batches_20': .003, 'batches_2': .01, 'stray_20': 1., 'alike_1': .02,
          'alike_20': .02, 'noise': .01, 'noise_size': .01, 'picture': 1., 'cured_3': 3, 'new_7': 3}
TRY = [{'seed': 0}]


def stray(x, y, weights, bias, bs=256):
    "How far the gradients of random batches are from that of all, as a share of the latter's length."
    def gradient(rows):
        weights.grad = bias.grad = None
        calc_grad(x[rows], y[rows], partial(linear1, weights=weights, bias=bias), mnist_loss)
        return torch.cat([weights.grad[:, 0], bias.grad])
    whole = gradient(slice(None))
    apart = torch.stack([gradient(torch.randperm(len(x))[:bs]) - whole for _ in range(400)])
    return (apart.square().sum(1).mean().sqrt() / whole.norm()).item()


def run(seed):
    x, y, valid_x, valid_y = threes_and_sevens()
    dl = DataLoader(list(zip(x, y, strict=True)), batch_size=256, shuffle=True)
    ideals = [ideal_digit(x[y[:, 0] == label].view(-1, 28, 28)) for label in (1, 0)]
    found = {}
    for name, batches, epochs in (('whole', [(x, y)], 980), ('batches', dl, 20)):
        torch.manual_seed(seed)
        weights, bias = init_params((784, 1)), init_params(1)
        model, opt, start = partial(linear1, weights=weights, bias=bias), SGD([weights, bias], lr=1.), weights.detach().clone()
        changes, accuracies = [], []
        for _ in range(epochs):
            train_epoch(model, batches, mnist_loss, opt)
            changes.append(weights.detach() - start)
            accuracies.append(batch_accuracy(model(valid_x), valid_y).item())
        moments = {'whole': 49, 'whole_980': 980} if name == 'whole' else {'batches': 1, 'batches_2': 2, 'batches_20': 20}
        found |= {key: accuracies[epoch - 1] for key, epoch in moments.items()}
    found['stray_20'] = stray(x, y, weights, bias)
    threes = valid_y[:, 0] == 1
    for epoch in (1, 20):
        both = torch.stack([changes[epoch - 1][:, 0], (ideals[0] - ideals[1]).flatten()])
        found[f'alike_{epoch}'] = torch.corrcoef(both)[0, 1].item()
    for name, w in (('noise', start), ('picture', changes[-1])):
        found[name] = ((valid_x @ w)[threes].mean() - (valid_x @ w)[~threes].mean()).item()
    found['noise_size'] = (valid_x @ start).square().mean().sqrt().item()
    before = is_3(valid_x.view(-1, 28, 28), *ideals, rmse) == threes
    after = (model(valid_x) > 0)[:, 0] == threes
    for name, where in (('cured', after & ~before), ('new', before & ~after)):
        found |= {f'{name}_3': (where & threes).sum().item(), f'{name}_7': (where & ~threes).sum().item()}
    return found
