"Any optimizer in fastai's Learner: it takes PyTorch's steps, follows schedules, keeps what it remembers. (See also test_learner.py.)"
import pytest
import torch
from test_learner import data
from torch import nn
from torch.testing import assert_close

from digits_uth.adapters import for_fastai
from digits_uth.learner import digit_learner, quiet
from digits_uth.loaders import digit_dls
from digits_uth.optimizers import Adam, BasicOptim, Momentum


@pytest.mark.parametrize('ours, theirs', [(Momentum, lambda p, lr: torch.optim.SGD(p, lr, momentum=.9)), (Adam, torch.optim.Adam)])
def test_steps_follow_rate_and_momentum(ours, theirs):
    nets = [nn.Linear(3, 1), nn.Linear(3, 1)]
    nets[1].load_state_dict(nets[0].state_dict())
    opts = [for_fastai(ours)([[*nets[0].parameters()]], lr=.1), theirs(nets[1].parameters(), lr=.1)]
    for lr, mom in ((.1, .9), (.5, .5), (.01, .95)):
        for net, opt in zip(nets, opts, strict=True):
            opt.zero_grad()
            net(torch.tensor([[1., 2., 3.]])).square().sum().backward()
        opts[0].set_hypers(lr=lr, mom=mom)
        for group in opts[1].param_groups:
            group['lr'] = lr
            group.update({'betas': (mom, .999)} if 'betas' in group else {'momentum': mom})
        for opt in opts:
            opt.step()
        assert_close(nets[0].weight, nets[1].weight)


def test_fastais_own_stay_as_they_are():
    from fastai.basics import SGD
    assert for_fastai(SGD) is SGD


def test_weight_decay_is_refused_by_an_optimizer_that_has_none():
    learn = digit_learner(digit_dls(*data(), bs=8, device='cpu'), nn.Linear(6, 1), opt_func=BasicOptim, wd=.1)
    with pytest.raises(ValueError, match=r"wd: expected none, got 0.1: BasicOptim has no weight decay; use fastai's or PyTorch's optimizer"), quiet(learn):
        learn.fit(1, lr=.1)


@pytest.mark.filterwarnings('ignore:(?s).*numpy.core is deprecated')  # PyTorch's, on each load
def test_what_an_optimizer_remembers_is_saved(tmp_path):
    def make():
        torch.manual_seed(0)
        return digit_learner(digit_dls(*data(), bs=50, device='cpu'), nn.Linear(6, 1), opt_func=Momentum, path=tmp_path)
    through, first = make(), make()
    with quiet(through), quiet(first):
        through.fit(2, lr=.5)
        first.fit(1, lr=.5)
        first.save('m')
        again = make()
        again.create_opt()
        again.load('m')
        again.opt.set_hypers(lr=.5)
        loss = again.loss_func(again.model(data()[0]), data()[1])
        loss.backward()
        again.opt.step()
    assert_close(again.model.weight, through.model.weight, atol=1e-6, rtol=1e-5)
