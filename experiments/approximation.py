"""Lesson 08: how near networks of 2, 8 and 50 hidden units come to sin 2x between -3 and 3, Adam, lr .01, 2000 steps on 200 points."""
import torch

from digits_uth.models import simple_net
from digits_uth.optimizers import Adam
from digits_uth.sgd import mse

CASES = [{'hidden': hidden, 'seed': seed} for hidden in (2, 8, 50) for seed in range(10)]
WITHIN = {'mse': .02}
TRY = [{'hidden': 8, 'seed': 0}, {'hidden': 50, 'seed': 0}]


def run(hidden, seed):
    torch.manual_seed(seed)
    x = torch.linspace(-3, 3, 200)[:, None]
    net = simple_net(1, hidden, 1)
    opt = Adam(net.parameters(), lr=.01)
    for _ in range(2000):
        mse(net(x), torch.sin(2*x)).backward()
        opt.step()
        opt.zero_grad()
    with torch.no_grad():
        return {'mse': mse(net(x), torch.sin(2*x)).item()}
