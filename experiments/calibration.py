"""Lesson 10: may a network's probabilities be believed? Two layers on ten digits, after ten epochs and after sixty.

SGD, lr .3, batches of 256, trained on 50,000 of MNIST's training pictures, measured on the 10,000 set aside; the seed decides start
and order. `says` is the mean probability of the answers, `right` the share of right ones. `announced` is how many mistakes the
probabilities announce among the answers given with .99 and more, `made` how many there are, `sure` how many such answers.
"""
import torch

from digits_uth.data import all_digits
from digits_uth.learner import digit_learner, quiet
from digits_uth.loaders import digit_dls
from digits_uth.models import simple_net
from digits_uth.ten_digits import cross_entropy, softmax

CASES = [{'epochs': epochs, 'seed': seed} for epochs in (10, 60) for seed in range(5)]
WITHIN = {'says': .005, 'right': .005, 'announced': 5., 'made': 8, 'sure': 300}
TRY = [{'epochs': 10, 'seed': 0}]


def run(epochs, seed):
    train_x, train_y, aside_x, aside_y = all_digits()
    torch.manual_seed(seed)
    dls = digit_dls(train_x, train_y, aside_x, aside_y, device='cpu')
    learn = digit_learner(dls, simple_net(784, 50, 10), loss_func=cross_entropy)
    with quiet(learn):
        learn.fit(epochs, lr=.3)
    with torch.no_grad():
        probability, answer = softmax(learn.model(aside_x)).max(1)
    wrong, sure = answer != aside_y, probability >= .99
    return {'says': probability.mean().item(), 'right': 1 - wrong.float().mean().item(), 'announced': (1 - probability[sure]).sum().item(),
            'made': wrong[sure].sum().item(), 'sure': sure.sum().item()}
