"The sheet, its photographs, and photographs of single digits: found whatever their light and turn, or refused in words."
import re
import warnings

import numpy as np
import pytest
import torch
from matplotlib import rc_context
from PIL import Image

from digits_uth.cnn import digit_cnn, predict
from digits_uth.data import all_digits
from digits_uth.photographs import _kinds, made_photograph
from digits_uth.preparation import prepare
from digits_uth.sheet import digit_sheet, made_sheet, read_sheet

*_, aside_x, aside_y = all_digits()
DIGITS, LABELS = (aside_x.view(-1, 28, 28) * 255).round().byte(), aside_y
EVERY = torch.arange(10).repeat_interleave(8)


def shares(images, labels): return (predict(digit_cnn(pretrained=True), images)[0] == labels).float().mean()


@pytest.mark.parametrize('settings', [{}, {'savefig.bbox': 'tight', 'figure.constrained_layout.use': True, 'font.size': 30}])
@pytest.mark.parametrize('paper, size', [('A4', (210, 297)), ('letter', (215.9, 279.4))])
def test_the_sheet_is_a_page_of_its_paper_whatever_the_settings(paper, size, settings, tmp_path):
    with rc_context(settings), warnings.catch_warnings():
        warnings.simplefilter('error')
        path = digit_sheet(tmp_path / 'digits.png', paper)
        assert digit_sheet(str(tmp_path / 'digits.pdf'), paper) == tmp_path / 'digits.pdf'
    assert sorted(p.name for p in tmp_path.iterdir()) == ['digits.pdf', 'digits.png']
    page = Image.open(path)
    page.load()
    assert [n / 200 * 25.4 for n in page.size] == pytest.approx(size, abs=.2)
    box = re.search(rb'/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]', (tmp_path / 'digits.pdf').read_bytes())
    assert [float(n) / 72 * 25.4 for n in box.groups()] == pytest.approx(size, abs=.2)
    with pytest.raises(ValueError, match='empty boxes'):  # its marks are found, and its lines aren't digits
        read_sheet(page)


@pytest.mark.parametrize('turn', [0, 90, -90, 180])
def test_a_photographed_sheet_gives_its_digits_back(turn):
    taken = torch.cat([DIGITS[LABELS == digit][8 * (turn % 7):][:8] for digit in range(10)])
    photo = made_sheet(taken, EVERY, seed=turn % 100, turn=turn)
    assert photo.dtype == np.uint8 and max(photo.shape) == 2000
    assert (photo == made_sheet(taken, EVERY, seed=turn % 100, turn=turn)).all()
    images, labels = read_sheet(photo)
    assert images.shape == (80, 28, 28) and images.dtype == torch.uint8 and labels.equal(EVERY)
    assert shares(images, labels) > .95
    alike = [torch.corrcoef(torch.stack([a.flatten(), b.flatten()]).float())[0, 1] for a, b in zip(images, taken, strict=True)]
    assert torch.stack(alike).median() > .8  # each box its own digit


def test_empty_boxes_are_left_out_and_two_digits_in_one_are_named():
    some = torch.cat([DIGITS[LABELS == 3][:5], DIGITS[LABELS == 8][:2]])
    images, labels = read_sheet(made_sheet(some, torch.tensor([3] * 5 + [8] * 2), seed=2))
    assert labels.tolist() == [3] * 5 + [8] * 2
    two = torch.zeros(1, 28, 28, dtype=torch.uint8)
    two[0, 4:24, 5:8], two[0, 4:24, 20:23] = 255, 255
    with pytest.warns(UserWarning, match=r'read_sheet: left out the 1 in box 1: expected one digit, got 2 pieces'):
        images, labels = read_sheet(made_sheet(torch.cat([two, some]), torch.tensor([1] + [3] * 5 + [8] * 2)))
    assert labels.tolist() == [3] * 5 + [8] * 2


def test_the_photograph_may_come_in_any_form(tmp_path):
    photo = made_sheet(DIGITS[:200], LABELS[:200], seed=1)
    Image.fromarray(photo).convert('RGB').save(tmp_path / 'sheet.jpg', quality=80)
    first, labels = read_sheet(photo)
    for form in (torch.from_numpy(photo), photo / 255, Image.fromarray(photo), tmp_path / 'sheet.jpg', str(tmp_path / 'sheet.jpg')):
        images, found = read_sheet(form)
        assert found.equal(labels) and (images.float() - first.float()).abs().mean() < 3


@pytest.mark.parametrize('kind', _kinds)
def test_made_photographs_of_a_kind(kind):
    photos = [made_photograph(DIGITS[i], i, kind) for i in range(12)]
    assert all(p.dtype == np.uint8 and p.shape == (320, 240) and np.median(p) > 80 for p in photos)
    assert (photos[3] == made_photograph(DIGITS[3].numpy(), 3, kind)).all() and (photos[3] != made_photograph(DIGITS[3], 4, kind)).any()
    kept = []
    for photo, label in zip(photos, LABELS, strict=False):
        try: kept.append((prepare(photo), label))
        except ValueError: pass
    images, labels = map(torch.stack, zip(*kept, strict=True))
    assert len(images) >= 11 and shares(images, labels) > .8


def test_each_seed_makes_a_photograph_of_its_own():
    assert len({made_photograph(DIGITS[0], seed).tobytes() for seed in range(40)}) == 40
