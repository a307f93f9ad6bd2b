"What `said` takes for true, and what not."
import sys

import pytest
import torch
from conftest import ROOT

sys.path.insert(0, str(ROOT / 'nbs'))
from guards import numbers, said, written


@pytest.mark.parametrize('text, values', [
    ('12,396 pictures, .966 of 2,038.', [12396, .966, 2038]), ('a bias of −.0048 or -5', [-.0048, -5]), ('5.2e-05 is .000052', [5.2e-5, 5.2e-5]),
    ('2⁵⁴ ways', [2**54]), ('28² = 784', [784, 784]), ('.2525² less', [.2525]), ('3-7, 1−2, (4)−5, n−6', [3, 7, 1, 2, 4, 5, 6]),
    ('MP3, L2, float32, v1.25', []), ('`x[5]` and [a 6](07_files.ipynb), <b id="8">9</b>', [6, 9]), ('64-bit, 2m', [64, 2]), ('1028 and 1234,567', [1028, 1234, 567])])
def test_numbers(text, values):
    assert [float(written(number)) for number in numbers(text)] == values


@pytest.mark.parametrize('phrase, values', [
    ('84 of 1,010 threes', (84, 1010)), ('.9514', (.95142,)), ('.9514', (torch.tensor(.9514),)), ('91.7 %', (.9168,)), ('91.7%', (torch.tensor(.9168),)),
    ('91.7\u202f% and 98.5\u00a0%', (.9168, .9854)), ('−.0048', (-.00479,)), ('-5', (torch.tensor(-5),)), ('2⁵⁴', (2**54,)), ('5.2e-05', (5.21e-5,)),
    ('65 of 128', (64.6, 128.4)), ('.2525² − .2245² = .0134', (.25251, .22452, .01336)), ('.50', (.5,))])
def test_right(phrase, values):
    said(phrase, *values)


@pytest.mark.parametrize('phrase, values', [
    ('.9515', (.95142,)), ('.9513', (.95142,)), ('84 of 1,011 threes', (84, 1010)), ('97.1 %', (.9168,)), ('91.7 %', (91.68,)), ('91.7', (.9168,)),
    ('.0048', (-.0048,)), ('−.0048', (.0048,)), ('13,296', (12396,)), ('.50', (.506,)), ('2⁵⁵', (2**54,)), ('5.2e-06', (5.2e-5,)), ('.9', (float('nan'),)),
    ('−5', (float('-inf'),)), ('1 or 2', (2, 1))])
def test_wrong(phrase, values):
    with pytest.raises(AssertionError, match=r'is written, and the value is'):
        said(phrase, *values)


def test_the_message_names_phrase_number_and_value():
    with pytest.raises(AssertionError) as error:
        said('97.1 % of the threes', torch.tensor(.9168))
    assert str(error.value).startswith("said('97.1 % of the threes'): 97.1 % is written, and the value is 91.68 %. Mend the sentence")


@pytest.mark.parametrize('phrase, value', [('.12', .125), ('.13', .125), ('2', 2.5), ('3', 2.5), ('91.7 %', torch.tensor(.9165)), ('91.6 %', torch.tensor(.9165))])
def test_half_way_may_be_rounded_either_way(phrase, value):
    said(phrase, value)


def test_a_band_in_the_unit_written():
    said('about 20,000 times', 19_254, within=1000)
    said('91 %', .925, within=2)
    said('.966', .9675, within=.002)
    for phrase, value, within in (('20,000', 18_999, 1000), ('91 %', .935, 2), ('.966', .9685, .002), ('84', 85, 0)):
        with pytest.raises(AssertionError, match=f'not within {within}'):
            said(phrase, value, within=within)


@pytest.mark.parametrize('phrase, values', [('84 of 1,010', (84,)), ('84', (84, 1010)), ('no number', ()), ('no number', (1,)), ('84', ()), ('`x[5]`', (5,))])
def test_a_wrong_count_of_values_is_refused(phrase, values):
    with pytest.raises(ValueError, match=rf'expected a value for each number of the phrase, \d.*; {len(values)} came. Give one for each'):
        said(phrase, *values)
