"Every check of an exercise, tried with model answers, typical mistakes, and whatever else a learner may hand in."
import ast
import importlib

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
    "The one line that a check prints."
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1, lines
    return lines[0]


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


def test_the_checks_import_no_lesson_before_they_are_called():
    tree = ast.parse((ROOT / 'digits_uth' / 'exercises.py').read_text(encoding='utf-8'))
    imported = {getattr(node, 'module', None) or node.names[0].name for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))}
    assert imported == {'functools', 'torch'}


def test_every_exercise_has_a_solution():
    assert set(SOLUTIONS) == set(CHECKS)
