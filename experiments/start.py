"""Lesson 06: what lesson 06's better accuracy is owed to, with one change at a time from lesson 05's recipe.

Batch size 256, PyTorch's SGD, 20 epochs. `default` is nn.Linear as PyTorch makes it; the others are nn.Linear with weights and bias
drawn anew, with standard deviation 1, 1/28 or 0. `raw` is `default` on pixels from 0 to 255; `raw, small` has weights 255 times
smaller besides. `kept` is the correlation of the final weights with the initial ones.
"""
import torch
from torch import nn
from torch.optim import SGD
from torch.utils.data import DataLoader

from digits_uth.data import threes_and_sevens
from digits_uth.loss import mnist_loss
from digits_uth.training import train_model

STARTS = {'wide': 1., 'narrow': 1/28, 'zero': 0.}
RECIPES = (('wide', 1.), ('wide', 10.), ('narrow', 1.), ('zero', 1.), ('default', 1.),
           ('raw', 1.), ('raw', 1/255**2), ('raw, small', 1.), ('raw, small', 1/255**2))
CASES = [{'start': start, 'lr': lr, 'seed': seed} for start, lr in RECIPES for seed in range(6)]
WITHIN = {'epoch_10': .004, 'epoch_20': .003, 'kept': .02}
TRY = [{'start': start, 'lr': lr, 'seed': 0} for start, lr in RECIPES]


def run(start, lr, seed):
    train_x, train_y, valid_x, valid_y = threes_and_sevens()
    scale = 255 if start.startswith('raw') else 1
    torch.manual_seed(seed)
    model = nn.Linear(784, 1)
    if start in STARTS:
        for p in model.parameters():
            nn.init.normal_(p, std=STARTS[start])
    if start == 'raw, small':
        model.weight.data /= 255
    initial = model.weight.detach().clone()
    dl = DataLoader(list(zip(train_x * scale, train_y, strict=True)), batch_size=256, shuffle=True)
    valid_dl = DataLoader(list(zip(valid_x * scale, valid_y, strict=True)), batch_size=256)
    accuracy = train_model(model, dl, valid_dl, mnist_loss, SGD(model.parameters(), lr=lr), 20)['batch_accuracy']
    kept = torch.corrcoef(torch.stack([initial.flatten(), model.weight.detach().flatten()]))[0, 1].item() if start != 'zero' else None
    return {'epoch_10': accuracy[9], 'epoch_20': accuracy[19], 'kept': kept}
