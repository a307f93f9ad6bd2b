"Every check of an exercise, tried with model answers, typical mistakes, and whatever else a learner may hand in."
import ast
import importlib
import re

import numpy as np
import pytest
import torch
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
    exercises.check_02_3(lambda threes, sevens: torch.cat([threes, sevens]).mean())
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
    for answer, cure in ((constant, 'requires_grad_().)'), (in_place, 'with torch.no_grad().)'), (another_tensor, 'write w -= ..., lesson 03.)')):
        exercises.check_03_2(answer)
        assert said(capsys).endswith(cure)


def test_a_range_is_stretched_by_no_picture_of_its_own(capsys):
    assert not exercises.check_01_2(lambda im: (im - im.min()) / 255)


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
    assert imported == {'functools', 'itertools', 'torch', 'warnings'}


def test_every_exercise_has_a_solution():
    assert set(SOLUTIONS) == set(CHECKS)
