"The course's drawings: their form, the tool that makes them, what a pen draws, and that each is read rightly."
import json
import math
from itertools import pairwise

import draw_strokes
import numpy as np
import pytest
import torch
from torch.testing import assert_close

from digits_uth.cnn import digit_cnn, predict
from digits_uth.data import load_mnist
from digits_uth.distances import ideal_digit, is_3, rmse
from digits_uth.preparation import prepare
from digits_uth.strokes import course_drawings, draw

DRAWINGS = course_drawings()
every_drawing = pytest.mark.parametrize('d', DRAWINGS, ids=lambda d: f"{d['digit']}{d['hand']}")


@every_drawing
def test_the_form_of_a_drawing(d):
    assert list(d) == ['digit', 'hand', 'note', 'width', 'strokes']
    assert type(d['digit']) is int and d['hand'] in 'abcde' and d['note'] and .02 <= d['width'] <= .15
    points = [point for stroke in d['strokes'] for point in stroke]
    assert 15 <= len(points) <= 60 and all(len(stroke) >= 2 for stroke in d['strokes'])
    assert all(len(point) == 3 and all(type(v) is float and round(v, 3) == v for v in point) for point in points)
    margin = d['width'] / 2  # the ink is on the sheet too
    assert all(margin <= v <= 1 - margin for x, y, _ in points for v in (x, y))
    times = [t for _, _, t in points]
    assert times[0] == 0 and all(a < b for a, b in pairwise(times)) and .25 < times[-1] < 4
    assert all(after[0][2] - before[-1][2] > .1 for before, after in pairwise(d['strokes']))  # the pen takes its time to the next stroke


def test_every_digit_in_three_hands_or_more_and_in_order():
    found = [(d['digit'], d['hand']) for d in DRAWINGS]
    assert found == sorted(set(found)) and all(sum(digit == k for digit, _ in found) >= 3 for k in range(10))
    notes = {f"{d['digit']}{d['hand']}": d['note'] for d in DRAWINGS}
    for digit, words in {1: ('plain', 'foot'), 2: ('with a loop', 'without a loop'), 3: ('round top', 'flat top'), 4: ('open', 'closed'),
                         7: ('plain', 'bar'), 9: ('crosses', 'curled')}.items():
        assert all(any(key[0] == str(digit) and word in note for key, note in notes.items()) for word in words), digit
    assert len({d['width'] for d in DRAWINGS}) >= 3


def test_the_file_is_what_its_tool_makes_a_drawing_a_line_and_small():
    text = draw_strokes.FILE.read_text(encoding='utf-8')
    assert text == draw_strokes.text(json.loads(text)['drawings'])
    assert len(text.splitlines()) == len(DRAWINGS) + 2 and len(text.encode()) <= 40_000
    made = draw_strokes.drawings()
    assert len(made) == len(DRAWINGS)
    for here, there in zip(DRAWINGS, made, strict=True):
        assert {**here, 'strokes': 0} == {**there, 'strokes': 0}
        for stroke, other in zip(here['strokes'], there['strokes'], strict=True):  # a last digit is the machine's to round
            np.testing.assert_allclose(stroke, other, rtol=0, atol=.0101, err_msg='run tools/draw_strokes.py')


def test_drawings_are_chosen_by_digit_and_yours_to_change():
    threes = course_drawings([3])
    assert {d['digit'] for d in threes} == {3} and course_drawings(torch.tensor([7, 3])) == course_drawings((3, 7))
    threes[0]['strokes'].clear()
    assert course_drawings([3])[0]['strokes']


def test_a_horizontal_line():
    "Three pixels wide: two rows whole and half of one on either side; round ends reach half a width further."
    im = draw([[[.3, .5], [.7, .5]]], width=.15, size=20)
    assert im.shape == (20, 20) and im.dtype == torch.uint8 and im.device.type == 'cpu'
    assert im[:, 10].tolist() == [0] * 8 + [128, 255, 255, 128] + [0] * 8
    end = 255 * (2 - math.hypot(1.5, .5))  # the pixel whose centre is 1.5 to the left of the end at x = 6
    assert im[9].tolist() == [0] * 4 + [round(end)] + [255] * 10 + [round(end)] + [0] * 4
    assert_close(im, im.flip(0))
    assert_close(im, im.flip(1))
    assert_close(draw([[[.5, .3], [.5, .7]]], width=.15, size=20), im.T)  # x to the right, y down
    assert draw([[[.3, .25], [.7, .25]]], width=.15, size=20)[4:6, 10].tolist() == [255, 255]  # y from the top


@pytest.mark.parametrize('strokes', [[[[.5, .5]]], [[[.5, .5, 0.]]], [[[.5, .5], [.5, .5]]]])
def test_a_dot(strokes):
    im = draw(strokes, width=.2, size=10)  # a radius of one pixel about the corner of four
    part = round(255 * (1.5 - math.hypot(.5, .5)))
    assert im[4:6, 4:6].tolist() == [[part, part], [part, part]] and im.count_nonzero() == 4
    large = draw(strokes, width=.5, size=200).double() / 255
    assert abs(large.sum() - math.pi * 50**2) < 10


def test_a_corner_is_round():
    im = draw([[[.2, .2], [.6, .2], [.6, .6]]], width=.2, size=100)
    assert im[12, 66] == 147 and im[13, 66] == 255 and im[12, 67] == 0  # round, where a mitre would be ink
    assert im[10, 40] == 255 and im[9, 40] == 0 and im[40, 69] == 255 and im[40, 70] == 0
    turned = draw([[[.6, .6], [.6, .2], [.2, .2]]], width=.2, size=100)
    assert_close(im, turned)  # there and back


def test_points_beyond_the_sheet_are_moved_to_its_edge_and_thin_pens_are_grey():
    assert_close(draw([[[-3, .5], [9, .5]]], .1, 50), draw([[[0, .5], [1, .5]]], .1, 50))
    assert draw([[[0, 0], [1, 1]]], 1, 3).min() > 0
    assert draw([[[0, 0]]], 1., 1).shape == (1, 1)
    thin = draw([[[0, .25], [1, .25]]], .05, 10)  # half a pixel wide along the middle of a row
    assert thin[2].tolist() == [128] * 10 and thin.sum() == 1280


def test_strokes_overlap_without_getting_darker_and_empty_ones_are_left_out():
    line = [[.2, .5], [.8, .5]]
    assert_close(draw([line, line, []]), draw([line]))
    with torch.device('meta'): assert draw([line]).device.type == 'cpu'  # wherever tensors are made by default


@pytest.mark.parametrize('strokes, said', [
    ([], 'nothing is drawn'), ([[]], 'nothing is drawn'), ((), 'nothing is drawn'),
    ([[[.5, math.nan]]], 'NaN'), ([[[.5, math.inf], [0, 0]]], 'NaN or infinity'), ([[[.1, .2]], [[.5, .5, math.nan]]], 'stroke 1'),
    ([[.5, .5]], 'a stroke is a list of points'), ([[[.5]]], 'expected points'), ([[[.1, .2, .3, .4]]], 'expected points'),
    ([[[.1, .2], [.1, .2, .3]]], 'expected points'), ([['ab']], 'expected points'), ([None], 'expected points'), ([[None]], 'expected points'),
    (None, 'NoneType'), ('strokes', 'of type str'), (3, 'of type int'), (DRAWINGS[0], "draw(d['strokes'], d['width'])")])
def test_bad_strokes_are_refused_in_words(strokes, said):
    with pytest.raises(ValueError) as e: draw(strokes)
    assert str(e.value).startswith('strokes: ') and said in str(e.value)


@pytest.mark.parametrize('wrong', [dict(width=0), dict(width=-1), dict(width=1.5), dict(width=math.nan), dict(size=0), dict(size=2.5)])
def test_bad_pens_and_sizes_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))): draw([[[.5, .5]]], **wrong)


@pytest.mark.parametrize('digits', [3, [], [10], '37', [3.5], [-1]])
def test_bad_digits_are_refused(digits):
    with pytest.raises(ValueError, match='digits: expected'): course_drawings(digits)


@pytest.fixture(scope='module')
def prepared():
    return torch.stack([prepare(draw(d['strokes'], d['width'])) for d in DRAWINGS])


def test_the_network_reads_every_drawing_rightly(prepared):
    digits, p = predict(digit_cnn(pretrained=True), prepared)
    assert digits.tolist() == [d['digit'] for d in DRAWINGS]
    assert (p.max(1).values > .9).float().mean() > .9


def test_the_nearest_ideal_reads_most_threes_and_sevens_rightly_and_one_of_each_wrongly(prepared):
    "What lessons show: nobody writes all of them near the ideal."
    images, labels = load_mnist(digits=[3, 7])
    mean3, mean7 = (ideal_digit(images[labels == k] / 255) for k in (3, 7))
    wrong = [f"{d['digit']}{d['hand']}" for d, im in zip(DRAWINGS, prepared / 255, strict=True)
             if d['digit'] in (3, 7) and is_3(im, mean3, mean7, rmse) != (d['digit'] == 3)]
    assert wrong == ['3b', '7b']
