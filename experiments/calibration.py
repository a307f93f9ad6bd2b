"""Lesson 10: may a network's probabilities be believed? Two layers on ten digits, after ten epochs and after sixty.

SGD, lr .3, batches of 256, trained on 50,000 of MNIST's training pictures, measured on the 10,000 set aside; the seed decides start
and order. `says` is the mean probability of the answers, `right` the share of right ones; `train_says` and `train_right` are the same
for the 50,000. `announced` is how many mistakes the probabilities announce among the answers given with .99 and more, `made` how many
there are, `sure` how many such answers. `t` is the temperature, by hundredths, with the lowest cross-entropy on the first half of the
10,000; the columns that end in `_other` are the second half's, the last three with the scores divided by it.
"""
import torch

from digits_uth.data import all_digits
from digits_uth.learner import digit_learner, quiet
from digits_uth.loaders import digit_dls
from digits_uth.models import simple_net
from digits_uth.ten_digits import cross_entropy, softmax

CASES = [{'epochs': epochs, 'seed': seed} for epochs in (10, 60) for seed in range(5)]
WITHIN = {'says': .005, 'right': .005, 'train_says': .005, 'train_right': .005, 'announced': 5., 'made': 8, 'sure': 300, 't': .1,
          'announced_other': 4., 'made_other': 6, 'announced_t_other': 5., 'made_t_other': 6, 'right_t_other': .006}
TRY = [{'epochs': 10, 'seed': 0}]


def mistakes(scores, targets):
    "Of the answers given with .99 and more: how many mistakes are announced and made, and how many answers there are."
    probability, answer = softmax(scores).max(1)
    sure = probability >= .99
    return (1 - probability[sure]).sum().item(), (answer != targets)[sure].sum().item(), sure.sum().item()


def says_right(scores, targets):
    probability, answer = softmax(scores).max(1)
    return probability.mean().item(), (answer == targets).float().mean().item()


def run(epochs, seed):
    train_x, train_y, aside_x, aside_y = all_digits()
    torch.manual_seed(seed)
    dls = digit_dls(train_x, train_y, aside_x, aside_y, device='cpu')
    learn = digit_learner(dls, simple_net(784, 50, 10), loss_func=cross_entropy)
    with quiet(learn):
        learn.fit(epochs, lr=.3)
    with torch.no_grad():
        scores, train_scores = learn.model(aside_x), learn.model(train_x)
    says, right = says_right(scores, aside_y)
    train_says, train_right = says_right(train_scores, train_y)
    announced, made, sure = mistakes(scores, aside_y)
    first, other, first_y, other_y = *scores.chunk(2), *aside_y.chunk(2)
    t = min((n / 100 for n in range(50, 301)), key=lambda t: cross_entropy(first / t, first_y).item())
    announced_other, made_other, _ = mistakes(other, other_y)
    announced_t_other, made_t_other, _ = mistakes(other / t, other_y)
    return {'says': says, 'right': right, 'train_says': train_says, 'train_right': train_right,
            'announced': announced, 'made': made, 'sure': sure, 't': t, 'announced_other': announced_other, 'made_other': made_other,
            'announced_t_other': announced_t_other, 'made_t_other': made_t_other, 'right_t_other': says_right(other / t, other_y)[1]}
