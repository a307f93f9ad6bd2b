"Every check of an exercise, tried with model answers, typical mistakes, and whatever else a learner may hand in."
import ast
import importlib
import inspect
import re

import notebooks as tools
import numpy as np
import pytest
import torch
from answered import ANSWERS, answered
from conftest import ROOT

import digits_uth.exercises as exercises

CHECKS = exercises.__all__
SOLUTIONS = {}
for path in sorted((ROOT / 'solutions').glob('lesson_*.py')):
    SOLUTIONS.update(importlib.import_module(path.stem).SOLUTIONS)


def said(capsys):
    "What a check says in its first line. It may draw two shapes below it, and names its hints where something is wrong."
    first, *others = capsys.readouterr().out.splitlines()
    drawn = [line for line in others if re.fullmatch(r' {4}(expected|found   )  (one number|(\[ *\d+\])+)', line)]
    assert len(drawn) in (0, 2) and len(others) == len(drawn) + (not first.startswith('right: ')), others
    assert first.startswith('right: ') or re.fullmatch(r'\(Stuck\? check_\d\d_\d\.hint\(\)\)', others[-1])
    return first


@pytest.mark.parametrize('name', CHECKS)
def test_the_checks_know_right_from_wrong(name, capsys):
    check, (right, wrong) = getattr(exercises, name), SOLUTIONS[name]
    assert len(right) >= 1 and len(wrong) >= 2
    for answer in right:
        assert check(answer) is True and said(capsys).startswith('right: ')
    hints = []
    for answer in wrong:
        assert check(answer) is False, answer
        hints.append(said(capsys))
    assert all(hint.startswith('not yet: ') for hint in hints) and len(set(hints)) == len(hints), hints  # each recognised for itself


SEEDS = 1, 2, 3, 12345
every_check = pytest.mark.parametrize('name', CHECKS)


@every_check
def test_with_another_seed_right_is_right_and_wrong_is_wrong(name):
    check, (right, wrong) = getattr(exercises, name), SOLUTIONS[name]
    for seed in SEEDS:
        assert all(check(answer, seed) for answer in right), seed
        assert not any(check(answer, seed=seed) for answer in wrong), seed


def frozen(x):
    "What can be compared and looked up: of tensors the values, of modules shapes and devices alone, of functions nothing."
    if isinstance(x, (tuple, list)):
        return tuple(map(frozen, x))
    if isinstance(x, torch.Tensor):
        return str(x.dtype), str(x.device), tuple(x.shape), () if x.is_meta else tuple(x.detach().flatten().tolist())
    if isinstance(x, torch.nn.Module):
        return tuple((tuple(p.shape), str(p.device)) for p in x.parameters())
    return 'a function' if callable(x) else x


def by_heart(right, wrong):
    """An answer that keeps what it was asked and what it said, one that knows that by heart and goes wrong elsewhere, and what they know.

    An object is asked by all that has been called on it so far. What a callback sees are batches, and what it says is its best epoch at the end of a fit.
    """
    known = {}
    if not isinstance(right, type):
        def keeps(*args):
            asked = frozen(args)
            known[asked] = right(*args)
            return known[asked]

        def knows(*args):
            asked = frozen(args)
            return known[asked] if asked in known else wrong(*args)
        return keeps, knows, known
    names = [name for name in vars(right) if callable(getattr(right, name)) and not name.startswith('_')]
    sees = 'after_batch' in names

    def method(base, name, keep):
        def call(self, *args):
            seen = sees and name == 'after_batch' and (self.training or (frozen(self.pred > 0), frozen(self.yb)))
            self.__dict__.setdefault('asked', []).append((name, frozen(args), seen))
            said = getattr(base, name, lambda self: None)(self, *args)
            if name == 'after_fit':
                said = self.best, self.at
            asked = tuple(self.asked)
            if keep and said is not None:
                known[asked] = said
            said = known.get(asked, said)
            if name == 'after_fit':
                self.best, self.at = said
            return said
        return call
    answers = [type(base.__name__, (base,), {name: method(base, name, keep) for name in names + ['after_fit'] * sees})
               for base, keep in ((right, True), (wrong, False))]
    return *answers, known


@every_check
def test_another_seed_asks_what_no_other_one_does(name):
    check, (right, wrong) = getattr(exercises, name), SOLUTIONS[name]
    asked = {}
    for seed in (0, 7, 8):
        keeps, _, known = by_heart(right[0], wrong[0])
        assert check(keeps, seed)
        asked[seed] = {*known}
    assert asked[0] < asked[7] and asked[7] - asked[0] - asked[8], 'no input of its own'


@every_check
def test_what_was_learned_by_heart_is_right_for_seed_0_alone(name):
    check, (right, wrongs) = getattr(exercises, name), SOLUTIONS[name]
    for wrong in wrongs:
        keeps, knows, _ = by_heart(right[0], wrong)
        assert check(keeps) and check(knows), wrong
        assert not any(check(knows, seed) for seed in SEEDS), wrong


def test_the_best_border_of_a_seed_is_hardly_that_of_another():
    "Of twenty borders that were always the same, five or so were ever the best: a class's secret could draw what was known by heart."
    right, best = SOLUTIONS['check_02_3'][0][0], set()
    for seed in range(40):
        assert exercises.check_02_3(lambda *case: best.add(round(right(*case).item(), 4)) or right(*case), seed)
    assert len(best) > 100  # two that are shown, and of 117 others most


@every_check
def test_a_seed_is_a_whole_number_from_0(name):
    check, answer = getattr(exercises, name), SOLUTIONS[name][0][0]
    for seed in (-1, 1., .5, float('nan'), '7', None, [7], torch.tensor(.5), answer):
        for tried in (answer, ...):
            with pytest.raises(ValueError) as caught:
                check(tried, seed)
            expected = f'seed: expected a whole number from 0, got {seed!r}; leave it out, or write one, as in seed=7 (lesson {name[6:8]}).'
            assert str(caught.value) == expected
    for seed in (np.int64(7), torch.tensor(7), 2**64, 10**40):
        assert check(answer, seed)


def test_every_check_says_what_a_seed_is():
    source = (ROOT / 'digits_uth' / 'exercises.py').read_text(encoding='utf-8')
    line = '    seed=0,  # a whole number from 0: any other than 0 adds inputs of its own\n) -> bool:   # is it right?\n'
    assert source.count(line) == len(CHECKS)
    for name in CHECKS:
        assert str(inspect.signature(getattr(exercises, name))) == '(answer, seed=0) -> bool'


def raises(*args):
    raise RuntimeError('boom')


@pytest.mark.parametrize('name', CHECKS)
@pytest.mark.parametrize('answer', [..., None, 3, 'text', [], torch.ones(3), raises, lambda: 1, lambda *a: None, lambda *a: 'text',
                                    lambda *a: np.ones((28, 28)), lambda *a: torch.ones(0), lambda *a: torch.tensor(float('nan')),
                                    lambda *a: ..., lambda *a: a[0].zero_()], ids=lambda a: getattr(a, '__name__', str(a)))
def test_a_check_never_raises(name, answer, capsys):
    assert getattr(exercises, name)(answer) is False
    assert said(capsys).startswith('not yet: ')


def test_an_open_answer_is_told_what_to_do(capsys):
    def cut(im, top, left, size):
        ...
    for answer in (..., cut):
        exercises.check_01_1(answer)
        assert said(capsys) == 'not yet: replace the ... by your answer.'


@pytest.mark.parametrize('name', CHECKS)
def test_hints_go_from_a_nudge_to_the_next_step_to_the_solution(name, capsys):
    check = getattr(importlib.reload(exercises), name)  # anew: hints that were asked for are counted
    for _ in range(4):
        assert check.hint() is None
    nudge, step, where, again = capsys.readouterr().out.splitlines()
    assert [line[:11] for line in (nudge, step, where)] == [f'hint {k} of 3' for k in '123'] and again == where
    assert len({nudge[13:], step[13:], where[13:]}) == 3 and '?' in nudge and (ROOT / re.search(r'solutions/lesson_\d\d\.py', where)[0]).exists()
    assert where[13:].startswith(f'solutions/lesson_{name[6:8]}.py')


def test_errors_that_most_people_meet_once_come_with_their_cure(capsys):
    def border(threes, sevens, borders):
        return borders[torch.stack([torch.cat([threes > b, sevens <= b]).mean() for b in borders]).argmax()]
    exercises.check_02_3(border)
    assert said(capsys).endswith('(a mean needs floats: call .float() first.)')

    def constant(y, lr, steps):
        ((torch.tensor(0.) - y)**2).mean().backward()

    def in_place(y, lr, steps):
        c = torch.tensor(0.).requires_grad_()
        ((c - y)**2).mean().backward()
        c -= lr * c.grad

    def another_tensor(y, lr, steps):
        c = torch.tensor(0.).requires_grad_()
        ((c - y)**2).mean().backward()
        c = c - lr * c.grad
        c.grad.zero_()
    for answer, cure in ((constant, 'write w -= ...)'), (in_place, 'with torch.no_grad().)'), (another_tensor, 'write w -= ..., lesson 03.)')):
        exercises.check_03_2(answer)
        assert said(capsys).endswith(cure)
    exercises.check_02_3(lambda threes, sevens, borders: borders[(threes > borders).sum().argmax()])
    assert said(capsys).endswith('in a loop.)')
    exercises.check_04_1(lambda preds, targets: 1 - preds.sigmoid() if targets == 1 else preds.sigmoid())
    assert said(capsys).endswith('takes all.)')

    def of_a_copy(xb, yb, weights, bias, lr):
        copy = weights.clone().detach().requires_grad_()
        ((xb @ copy + bias).sigmoid() - yb).square().mean().backward()
        with torch.no_grad(): weights -= lr * weights.grad
    exercises.check_04_2(of_a_copy)
    assert said(capsys).endswith('no copy of it?)')
    exercises.check_04_3(lambda xb, weights, bias: (weights @ xb + bias).argmax(1))
    assert said(capsys).endswith('as b has rows, lesson 04.)')


def test_two_shapes_are_drawn_where_they_differ(capsys):
    exercises.check_02_2(lambda a, b: (a - b).abs())
    assert capsys.readouterr().out.splitlines()[1:3] == ['    expected  [ 7]', '    found     [ 7][28][28]']
    exercises.check_02_2(lambda a, b: (a - b).abs().max())
    assert capsys.readouterr().out.splitlines()[1:3] == ['    expected  [7]', '    found     one number']
    exercises.check_02_2(lambda a, b: (a - b).amax((-1, -2)))
    assert '[' not in capsys.readouterr().out.splitlines()[0]


def test_the_checks_import_no_lesson_before_they_are_called():
    tree = ast.parse((ROOT / 'digits_uth' / 'exercises.py').read_text(encoding='utf-8'))
    imported = {getattr(node, 'module', None) or node.names[0].name for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))}
    assert imported == {'functools', 'itertools', 'operator', 'random', 'torch', 'warnings'}


def test_every_exercise_has_a_solution():
    assert set(SOLUTIONS) == set(CHECKS)


@pytest.mark.parametrize('name', ANSWERS)
def test_all_that_a_lesson_asks_has_an_answer_to_be_run_with(name):
    "test_lessons.py runs each lesson so."
    def is_blank(node): return isinstance(node, ast.Constant) and node.value is Ellipsis
    for cell in answered(name).cells:
        if cell.cell_type == 'code' and 'hide' not in tools.directives(cell):
            for node in ast.walk(ast.parse(cell.source)):
                assert not (isinstance(node, (ast.Expr, ast.Assign)) and is_blank(node.value)), cell.source
                assert not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple) and any(map(is_blank, node.value.elts))), cell.source
