"""The experiments: each table is its script's, each recipe is what its name says, and rows that are run again come near to what is stored.

An edit of a recipe, a start 1/14 for 1/28, say, is caught by the hash in the table's first line, in every case of every experiment.
What the recipes are is held besides by values, without training: the loop is replaced by a note of what it was given.
"""
import ast
import re
from contextlib import nullcontext
from types import SimpleNamespace

import pandas as pd
import pytest
import tables as tools
import torch
import torch.nn.functional as F
from conftest import in_long_runs
from torch import nn
from torch.utils.data import RandomSampler

from digits_uth.cnn import digit_cnn
from digits_uth.data import all_digits, table
from digits_uth.loss import mnist_loss
from digits_uth.models import simple_net

NAMES = tools.names()
every_experiment = pytest.mark.parametrize('name', NAMES)


def first_line(name):
    return (tools.TABLES / f'{name}.csv').read_text(encoding='utf-8').splitlines()[0]


@every_experiment
def test_the_table_is_made_by_its_script_as_it_is(name):
    said = re.fullmatch(rf'# made by {name}\.py \(code sha256 ([0-9a-f]{{16}})\) with Python 3\.\S+, torch \S+, \w+ \w+'
                        r'(, threads \d+|, on an? [\w ]+(; .+)?)?',
                        first_line(name))
    assert said, first_line(name)
    assert said[1] == tools.code_hash(tools.source(name)), \
        f'experiments/{name}.py is not what made its table: call `make experiments ARGS={name}`'


@every_experiment
def test_the_table_has_a_row_for_each_case(name):
    experiment, rows = tools.load(name), table(name)
    keys = list(experiment.CASES[0])
    for row, case in zip(rows[keys].to_dict('records'), experiment.CASES, strict=True):
        assert all(value == case[key] or abs(value - case[key]) < 1e-5 * case[key] for key, value in row.items()), (row, case)
    assert set(experiment.WITHIN) <= set(rows.columns) - set(keys)
    assert experiment.TRY and all(case in experiment.CASES for case in experiment.TRY)


def test_every_table_has_its_script():
    assert sorted(path.stem for path in tools.TABLES.glob('*')) == NAMES == sorted(path.stem for path in tools.EXPERIMENTS.glob('*.*'))


@every_experiment
def test_each_number_and_word_of_a_recipe_counts(name):
    "Change each constant in turn: the hash is another one."
    tree, before, changed = ast.parse(tools.source(name)), tools.code_hash(tools.source(name)), 0
    strings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
    for statement in tree.body:
        names = {n.id for n in ast.walk(statement) if isinstance(n, ast.Name)} | {getattr(statement, 'name', '')}
        if names & {'WITHIN', 'TRY', 'ASSETS', 'CARD', 'SHIPPED', 'finish'}:  # what comes after the table
            continue
        for constant in ast.walk(statement):
            if isinstance(constant, ast.Constant) and constant.value is not None and id(constant) not in strings:
                value = constant.value
                constant.value = value + 'x' if isinstance(value, str) else not value if isinstance(value, bool) else value + 1
                assert tools.code_hash(ast.unparse(tree)) != before, f'{name}: {value} in line {constant.lineno}'
                constant.value = value
                changed += 1
    assert changed >= 8 and tools.code_hash(ast.unparse(tree)) == before


def test_what_belongs_to_a_recipe_and_what_does_not():
    script = tools.source('digit_cnn')
    def same(old, new):
        assert script.count(old) == 1
        return tools.code_hash(script.replace(old, new)) == tools.code_hash(script)
    assert same('"""Lesson 11: the network', '"""Lesson 12: the network') and same('trained = {}\n', 'trained = {}  # by seed\n\n\n')
    assert same('from digits_uth.files import save_model', 'from digits_uth.other import save_model')
    assert same('The network of lesson', 'Of lesson')  # the card is written after the table
    assert same("WITHIN = {'accuracy': .0025", "WITHIN = {'accuracy': .5") and same("SHIPPED, 'seed': 0}", "SHIPPED, 'seed': 1}")
    assert not same('EPOCHS, LR = 20, .01', 'EPOCHS, LR = 19, .01') and not same('range(5)', 'range(6)')
    assert not same('[3, 0]', '[-3, 0]')
    assert not same('from fastai.basics import Adam', 'from torch.optim import Adam')  # another library's may be something else
    assert not same('trained = {}\n', 'trained = {}\ntorch.set_default_dtype(torch.float64)\n')  # what gives no name may do anything
    assert not same('trained = {}\n', 'trained = {}\nfor _ in range(1):\n    torch.rand(1)\n')
    start = tools.source('start')
    for old, new in (('1/28', '1/14'), ('default', 'wide'), (' * scale', ''), ('shuffle=True', 'shuffle=False'), ('/= 255', '*= 255')):
        assert tools.code_hash(start.replace(old, new)) != tools.code_hash(start), old


# The recipes without their training.

def some_digits():
    torch.manual_seed(1)
    return torch.rand(40, 784), torch.arange(40) % 10, torch.rand(20, 784), torch.arange(20) % 10


@pytest.fixture
def few(monkeypatch):
    "Few pictures, of noise, and an experiment whose loops note what they are given: load('NAME') and .given."
    torch.manual_seed(0)
    x, y = torch.rand(600, 784), torch.randint(2, (600, 1))
    x[0, :2] = torch.tensor([0., 1.])
    def load(name):
        experiment, given = tools.load(name), SimpleNamespace()

        def train_model(model, dl, valid_dl, loss_func, opt, epochs):
            vars(given).update(locals())
            return {'batch_accuracy': [.001 * n for n in range(1, epochs + 1)]}

        def digit_learner(dls, model, **options):
            vars(given).update(dls=dls, model=model, options=options, lr=None, lr_max=None)
            return SimpleNamespace(model=model, fit=lambda epochs, lr: vars(given).update(epochs=epochs, lr=lr),
                                   fit_one_cycle=lambda epochs, lr_max: vars(given).update(epochs=epochs, lr_max=lr_max),
                                   no_bar=nullcontext, no_logging=nullcontext,
                                   recorder=SimpleNamespace(values=[[.3, .2, .1], [.2, .1, .9]]))

        stand_ins = {'threes_and_sevens': lambda: (x[:500], y[:500], x[500:], y[500:]), 'all_digits': some_digits,
                     'train_model': train_model, 'digit_learner': digit_learner, 'quiet': nullcontext,
                     'history': lambda learn: {given.metric: [.1, .9]}}
        for key in stand_ins.keys() & vars(experiment).keys():
            monkeypatch.setattr(experiment, key, stand_ins[key])
        return experiment, given
    return load


def numbers(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def cases(experiment):
    "A case of each recipe."
    return [case for case in experiment.CASES if case.get('seed', 0) == 0]


STDS = {'wide': 1., 'narrow': 1/28, 'zero': 0., 'default': 1 / 28 / 3**.5, 'raw': 1 / 28 / 3**.5, 'raw, small': 1 / 28 / 3**.5 / 255}


def test_the_starts_of_lesson_06(few):
    experiment, given = few('start')
    assert {case['start'] for case in cases(experiment)} == STDS.keys() and len(cases(experiment)) == 9
    for case in cases(experiment):
        found = experiment.run(**case)
        weight, std = given.model.weight.detach(), STDS[case['start']]
        assert abs(weight.std().item() - std) <= .1 * std and abs(weight.mean().item()) <= .15 * std, case
        if case['start'] == 'wide' or case['start'] == 'zero':
            assert (given.model.bias != 0).item() == (case['start'] == 'wide')
        if std and case['start'] not in ('wide', 'narrow'):  # uniform, as PyTorch has it
            assert weight.abs().max() <= 3**.5 * std * 1.001
        top = 255 if case['start'].startswith('raw') else 1
        for dl, n in ((given.dl, 500), (given.valid_dl, 100)):
            assert dl.batch_size == 256 and len(dl.dataset) == n and .9 * top < max(x.max() for x, _ in dl.dataset) <= top
        assert isinstance(given.dl.sampler, RandomSampler) and not isinstance(given.valid_dl.sampler, RandomSampler)
        assert type(given.opt) is torch.optim.SGD and given.opt.param_groups[0]['lr'] == case['lr'] and given.loss_func is mnist_loss
        assert given.epochs == 20 and found['epoch_10'] == .01 and found['epoch_20'] == .02
        assert found['kept'] is None if case['start'] == 'zero' else abs(found['kept'] - 1) < 1e-5  # nothing was trained
    assert sorted({case['lr'] for case in experiment.CASES}) == [1/255**2, 1., 10.]


def test_the_recipes_of_lesson_05(few):
    experiment, given = few('linear')
    rates = {'lr 1': 1., 'sorted': 1., 'sigmoid twice': 1., 'lr .22': .22, 'not zeroed': 1., 'lr .01': .01, 'lr 10': 10., 'lr 100': 100.}
    assert [case['recipe'] for case in cases(experiment)] == list(rates)
    preds, targets, starts = torch.tensor([[-2.], [.5]]), torch.tensor([[0], [1]]), []
    for case in cases(experiment):
        recipe, found = case['recipe'], experiment.run(**case)
        weights, bias = (given.model.keywords[key].detach() for key in ('weights', 'bias'))
        starts.append(torch.cat([weights.flatten(), bias]))
        assert weights.shape == (784, 1) and abs(weights.std() - 1) < .1 and bias.shape == (1,)
        assert given.opt.param_groups[0]['lr'] == rates[recipe] and given.epochs == 200
        assert isinstance(given.opt, torch.optim.SGD) and [p.shape for p in given.opt.param_groups[0]['params']] == [(784, 1), (1,)]
        assert (given.loss_func(preds, targets) == mnist_loss(preds.sigmoid() if recipe == 'sigmoid twice' else preds, targets)).item()
        random = isinstance(given.dl.sampler, RandomSampler)
        assert random == (recipe != 'sorted') and given.dl.batch_size == given.valid_dl.batch_size == 256
        for p in given.opt.param_groups[0]['params']:
            p.grad = torch.ones_like(p)
        given.opt.zero_grad()
        assert all((p.grad is None) == (recipe != 'not zeroed') for p in given.opt.param_groups[0]['params'])
        assert found == pytest.approx({'epoch_1': .001, 'epoch_20': .02, 'epoch_200': .2})
    assert all(start.equal(starts[0]) for start in starts)  # each recipe gets the same starts


def test_the_optimizers_of_lesson_06(few, monkeypatch):
    from digits_uth.optimizers import Adam, BasicOptim, Momentum
    experiment, _ = few('optimizers')
    kinds, starts, epochs, valid_y = {'SGD': BasicOptim, 'Momentum': Momentum, 'Adam': Adam}, [], [], experiment.threes_and_sevens()[-1]

    def train_epoch(model, dl, loss_func, opt):
        epochs.append((type(opt), opt.lr, getattr(opt, 'momentum', .9), loss_func, dl.batch_size, isinstance(dl.sampler, RandomSampler)))
        if len(epochs) % 10 == 1:
            starts.append(numbers(model))
        with torch.no_grad():  # plain SGD at lr 10 says 3 to all, the others 7
            model.weight.zero_()
            model.bias.fill_(1. if type(opt) is BasicOptim and opt.lr == 10 else -1.)
    monkeypatch.setattr(experiment, 'train_epoch', train_epoch)
    threes = (valid_y == 1).sum().item()
    for case in cases(experiment):
        epochs.clear()
        experiment.right.cache_clear()
        experiment.right(*case.values())
        assert epochs == [(kinds[case['opt']], case['lr'], .9, mnist_loss, 256, True)] * 10, case
        found = experiment.run(**case)
        alike = case['opt'] == 'SGD' and case['lr'] == 10
        right = threes if alike else 100 - threes
        assert found == pytest.approx({'epoch_10': right / 100, 'gained': 0 if alike else 100 - threes, 'lost': 0 if alike else threes})
    assert all(len(start) == 785 and abs(start.std() - STDS['default']) < .1 * STDS['default'] for start in starts)
    assert len(cases(experiment)) == 12 and all(start.equal(starts[0]) for start in starts)


def test_the_rates_of_lesson_07(few):
    experiment, given = few('one_cycle')
    for case in cases(experiment):
        experiment.right.cache_clear()
        accuracy = experiment.right(*case.values()).float().mean().item()
        constant = case['fit'] == 'constant'
        assert (given.epochs, given.lr, given.lr_max) == (5, case['lr'] if constant else None, None if constant else case['lr'])
        assert given.options == {} and len(numbers(given.model)) == 785 and given.dls.train.bs == 256
        assert experiment.run(**case) == pytest.approx({'accuracy': accuracy, 'gained': 0, 'lost': 0})  # the same start, and nothing was trained
    assert len(cases(experiment)) == 11


def test_the_losses_of_lesson_08(few):
    experiment, given = few('losses')
    preds, targets, x = torch.tensor([[-2.], [.5]]), torch.tensor([[0], [1]]), torch.linspace(-1, 1, 3 * 784).view(3, 784)
    losses = {'mnist_loss': mnist_loss(preds, targets), 'cross_entropy': F.softplus(torch.tensor([-2., -.5])).mean()}
    assert len(cases(experiment)) == 2 * 3 * 8
    for case in cases(experiment):
        found = experiment.run(**case)
        torch.testing.assert_close(given.loss_func(preds, targets), losses[case['loss']])
        assert len(numbers(given.model)) == (785 if case['model'] == 'linear' else 784 * 30 + 30 + 30 + 1)
        with torch.no_grad():
            low, middle, high = given.model(x)
        assert torch.allclose(low + high, 2 * middle, atol=1e-4) == (case['model'] != 'net'), case  # a straight line, or one with a bend
        assert given.opt.lr == case['lr'] and given.epochs == 40 and found == pytest.approx({'epoch_20': .02, 'epoch_40': .04})
        assert given.dl.bs == 256 and given.dl.shuffle and not given.valid_dl.shuffle


def test_the_cures_for_dead_units_of_lesson_08(few):
    experiment, given = few('dead_units')
    preds, targets = torch.tensor([[-2.], [.5]]), torch.tensor([[0], [1]])
    x = experiment.threes_and_sevens()[0]
    assert [(case['bend'], case['lr']) for case in cases(experiment)] == [(bend, lr) for bend in ('ReLU', 'leaky ReLU') for lr in (.1, .3, 1.)]
    for case in cases(experiment):
        found = experiment.run(**case)
        torch.testing.assert_close(given.loss_func(preds, targets), F.softplus(torch.tensor([-2., -.5])).mean())
        assert len(numbers(given.model)) == 784 * 30 + 30 + 30 + 1
        assert given.model[1](torch.tensor([-1., 2.])).tolist() == pytest.approx([-.01 if case['bend'] == 'leaky ReLU' else 0., 2.])
        assert given.opt.lr == case['lr'] and given.epochs == 20 and given.dl.bs == 256 and given.dl.shuffle
        off = (given.model[0](x) <= 0).all(0).sum().item()
        assert found == pytest.approx({'epoch_20': .02, 'off': off, 'stuck': off if case['bend'] == 'ReLU' else 0})


def test_the_depths_of_lesson_08(few):
    experiment, given = few('depth')
    stored = table('depth').groupby('layers').parameters.first()
    for case in cases(experiment):
        found = experiment.run(**case)
        shapes = [layer.weight.shape for layer in given.model if isinstance(layer, nn.Linear)]
        assert len(shapes) == case['layers'] + 1 and shapes[0][1] == 784 and shapes[-1][0] == 1
        assert sum(isinstance(layer, nn.ReLU) for layer in given.model) == case['layers'] and isinstance(given.model[-1], nn.Linear)
        assert found['parameters'] == stored[case['layers']] == sum(a * b + a for a, b in shapes) and given.epochs == 20
        assert abs(found['parameters'] - stored[1]) < .03 * stored[1]  # about as many
        assert given.opt.lr == .001 and type(given.opt).__name__ == 'Adam' and found['epoch_20'] == pytest.approx(.02)


def test_the_starts_of_lesson_08(few):
    experiment, given = few('simple_net')
    given.metric = 'batch_accuracy'
    for case in cases(experiment):
        found, all_ = experiment.run(**case), numbers(given.model)
        assert len(all_) == {'linear': 785, 'net': 784 * 30 + 30 + 30 + 1}[case['model']]
        std = {'default': STDS['default'], 'normal': 1., 'zero': 0., 'constant': 0.}[case['start']]
        assert abs(all_.std() - std) <= .1 * std + 1e-8 and (case['start'] != 'constant' or all_.allclose(torch.tensor(.01)))
        assert case['start'] != 'zero' or not all_.any()
        same = case['start'] in ('zero', 'constant')
        assert found == {'accuracy': .9, 'different': (1 if same else 30) if case['model'] == 'net' else None}
        assert (given.epochs, given.lr) == (40, .1) and given.dls.train.bs == 256
        assert given.options == {}  # fastai's Learner as lesson 07 has it: plain SGD, mnist_loss, batch_accuracy
    assert [(case['model'], case['start']) for case in cases(experiment)] == [
        ('net', 'default'), ('linear', 'default'), ('net', 'normal'), ('net', 'zero'), ('net', 'constant')]


def test_the_rungs_of_lesson_10(few):
    experiment, given = few('ten_digits')
    given.metric = 'accuracy'
    x, y, valid_x, valid_y = some_digits()
    for case in cases(experiment)[1:]:
        assert experiment.run(**case) == {'accuracy': .9} and (given.epochs, given.lr) == (10, .3)
        assert len(numbers(given.model)) == {'linear': 7850, 'simple_net': 784 * 50 + 50 + 50 * 10 + 10}[case['rung']]
        assert {key: value.__name__ for key, value in given.options.items()} == {'loss_func': 'cross_entropy', 'metrics': 'accuracy'}
    means = torch.stack([x[y == digit].mean(0) for digit in range(10)])  # by torch's own distance, whose order rmse has
    share = (torch.cdist(valid_x, means).argmin(1) == valid_y).float().mean().item()
    assert experiment.run('nearest ideal', 0)['accuracy'] == pytest.approx(share)


def test_the_changes_of_lesson_11(few):
    experiment, given = few('convolutions')
    whole, two_layers = (sum(p.numel() for p in model.parameters()) for model in (digit_cnn(), simple_net(784, 50, 10)))
    sizes = {'no batch norm': whole + 24 + 48 + 96 - 2 * (24 + 48 + 96), 'average pooling': whole - 15 * 96 * 10}
    for case in cases(experiment):
        change, found = case['change'], experiment.run(**case)
        assert found['accuracy'] == .9 and 0 <= found['moved'] <= 1 and given.epochs == case['epochs']
        assert (given.lr, given.lr_max) == ((case['lr'], None) if change == 'constant rate' else (None, case['lr']))
        moved, loss_func = given.options.pop('cbs'), given.options.pop('loss_func')
        assert (type(moved).__name__ == 'Moved') if 'moved' in change else moved is None
        assert {key: value.__name__ for key, value in given.options.items()} == {'opt_func': 'Adam', 'metrics': 'accuracy'}
        scores, labels = torch.randn(5, 10), torch.arange(5)
        wished = F.one_hot(labels, 10) * (.9 if change == 'smoothed' else 1) + (.01 if change == 'smoothed' else 0)
        torch.testing.assert_close(loss_func(scores, labels), -(wished * scores.log_softmax(1)).sum(1).mean())
        if change.startswith('two layers'):
            assert sum(p.numel() for p in given.model.parameters()) == two_layers and case['epochs'] == 10
            continue
        norms = sum(isinstance(layer, nn.BatchNorm2d) for layer in given.model)
        biases = [layer.bias is not None for layer in given.model if isinstance(layer, nn.Conv2d)]
        assert (norms, biases) == ((0, [True] * 3) if change == 'no batch norm' else (3, [False] * 3))
        assert sum(p.numel() for p in given.model.parameters()) == sizes.get(change, whole)
        pixels = given.model[0](torch.tensor([0., 1.]).repeat_interleave(784).view(2, 784)).flatten(1)[:, 0]
        expected = torch.tensor([0., 1.]) if change == 'not standardised' else torch.tensor([-.1307, 1 - .1307]) / .3081
        torch.testing.assert_close(pixels, expected)
        last = next(layer.weight for layer in given.model if isinstance(layer, nn.Conv2d) and layer.in_channels > 1)
        assert last.is_contiguous(memory_format=torch.channels_last) == (change == 'smoothed')
    assert {case['change'] for case in cases(experiment)} >= {'smoothed', 'average pooling', 'two layers', 'two layers, moved'}


def test_the_batches_of_lesson_05(few, monkeypatch):
    experiment, _ = few('batch_size')
    monkeypatch.setattr(experiment, 'epoch', lambda bs, x, *given: bs if x.shape == (500, 784) else None)
    found = {bs: experiment.run(bs, 0) for bs in (1, 4, 500)}
    assert found[500]['spread'] < 1e-5 and found[4]['time'] == 4 / 256  # a batch of all has no spread
    assert abs(found[1]['spread'] / found[4]['spread'] - 2) < .3  # four times the pictures, half the spread
    assert experiment.run(4, 1)['spread'] != found[4]['spread']  # from another start


def test_the_film_of_lesson_05(few, monkeypatch):
    experiment, _ = few('film')
    batches, (x, y, valid_x, valid_y) = [], experiment.threes_and_sevens()
    ideals = [x[y[:, 0] == label].mean(0) for label in (1, 0)]
    threes, difference = valid_y[:, 0] == 1, ideals[0] - ideals[1]

    def train_epoch(model, dl, loss_func, opt):
        batches.append([len(xb) for xb, yb in dl])
        assert loss_func is mnist_loss and type(opt) is torch.optim.SGD and opt.param_groups[0]['lr'] == 1
        with torch.no_grad():
            opt.param_groups[0]['params'][0].add_(difference[:, None])
    monkeypatch.setattr(experiment, 'train_epoch', train_epoch)
    found = experiment.run(0)
    assert batches == [[500]] * 980 + [[256, 244]] * 20
    assert abs(found['alike_1'] - 1) < 1e-4 and abs(found['alike_20'] - 1) < 1e-4  # it was told the ideals' difference
    torch.manual_seed(0)
    start, bias = torch.randn(784), torch.randn(1)
    for name, w in (('noise', start), ('picture', 20 * difference)):
        assert abs(found[name] - (valid_x[threes].mean(0) - valid_x[~threes].mean(0)) @ w) < 1e-3, name
    assert abs(found['noise_size'] - (valid_x @ start).square().mean().sqrt()) < 1e-3
    for name, times in (('whole', 49), ('whole_980', 980), ('batches', 1), ('batches_2', 2), ('batches_20', 20)):
        right = (valid_x @ (start + times * difference) + bias > 0) == threes
        assert abs(found[name] - right.float().mean()) < 1e-6, name
    before = (((valid_x - ideals[0])**2).sum(1) < ((valid_x - ideals[1])**2).sum(1)) == threes
    after = (valid_x @ (start + 20 * difference) + bias > 0) == threes
    for name, where in (('cured', after & ~before), ('new', before & ~after)):
        assert (found[f'{name}_3'], found[f'{name}_7']) == ((where & threes).sum(), (where & ~threes).sum()), name
    weights, bias = torch.zeros(784, 1).requires_grad_(), torch.zeros(1).requires_grad_()
    strays = [experiment.stray(x, y, weights, bias, bs) for bs in (500, 16, 4)]
    assert strays[0] < 1e-4 and abs(strays[2] / strays[1] - 2) < .3  # all of them have none; a quarter of the pictures, twice as far


def test_the_networks_of_lesson_08_draw_a_sine():
    experiment, rows = tools.load('approximation'), table('approximation')
    found = experiment.run(2, 1)['mse']  # a case of two seconds
    assert abs(found - rows.mse[(rows.hidden == 2) & (rows.seed == 1)].item()) <= experiment.WITHIN['mse']


def test_a_table_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    (tmp_path / 'tried.py').write_text('CASES = [{"n": 1}, {"n": 2}]\ndef run(n):\n    print("a bar")\n    return {"half": n / 2}\n')
    monkeypatch.setattr(tools, 'EXPERIMENTS', tmp_path)
    monkeypatch.setattr(tools, 'TABLES', tmp_path)
    tools.make('tried')
    stored = (tmp_path / 'tried.csv').read_bytes()
    assert pd.read_csv(tmp_path / 'tried.csv', comment='#').to_dict('list') == {'n': [1, 2], 'half': [.5, 1.]}
    first = first_line('tried')
    assert first.startswith(f'# made by tried.py (code sha256 {tools.code_hash(tools.source("tried"))}) with Python 3.')
    script = tools.source('tried').replace('n / 2', '1 / (2 - n)')
    (tmp_path / 'tried.py').write_text(script)
    with pytest.raises(ZeroDivisionError):  # in its last case
        tools.make('tried')
    assert (tmp_path / 'tried.csv').read_bytes() == stored and sorted(path.suffix for path in tmp_path.glob('*.*')) == ['.csv', '.py']
    monkeypatch.setattr(tools, 'load', lambda name: SimpleNamespace(CASES=[{'n': 1}], run=lambda n: {'half': .5}))
    def stopped(*args): raise OSError('no space left')
    monkeypatch.setattr('notebooks.os.replace', stopped)
    with pytest.raises(OSError):
        tools.make('tried')
    assert (tmp_path / 'tried.csv').read_bytes() == stored


TEN_MINUTES = {'digit_cnn'}  # on two cores


@pytest.mark.slow
@pytest.mark.parametrize('name, case', [
    pytest.param(name, case, id='-'.join(map(str, (name, *case.values()))),
                 marks=[in_long_runs] if name in TEN_MINUTES else [])
    for name in NAMES for case in tools.load(name).TRY])
def test_a_row_that_is_run_again_is_within_its_band(name, case):
    experiment, rows = tools.load(name), table(name)
    row = rows.iloc[experiment.CASES.index(case)]
    found = experiment.run(**case)
    for key, within in experiment.WITHIN.items():
        assert found[key] is None and pd.isna(row[key]) or abs(found[key] - row[key]) <= within, (key, found[key], row[key])


@pytest.mark.slow
def test_the_network_that_is_shipped_is_a_row_of_its_table_and_its_recipe_learns(monkeypatch):
    experiment, rows = tools.load('digit_cnn'), table('digit_cnn')
    shipped, valid = digit_cnn(pretrained=True), all_digits()[2:]
    best = rows[rows.shown == experiment.SHIPPED].sort_values('accuracy').iloc[-1]
    measured = {'accuracy': valid, **experiment.other_worlds()}
    for key, pictures in measured.items():
        assert abs(experiment.share(shipped, *pictures) - best[key]) < .003, key  # another processor may read a few otherwise
    monkeypatch.setattr(experiment, 'EPOCHS', 1)
    found = experiment.run('moved, pens', 0)
    assert .97 < found['accuracy'] < best.accuracy and found['photographs'] > .9
