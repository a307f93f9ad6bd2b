"Any picture as rows of pixels, and what about it is not as in MNIST."
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from digits_uth.data import load_mnist
from digits_uth.pictures import as_rows, oddities

IMAGES, _ = load_mnist('test')
IM = IMAGES[0]
ROW = IM.flatten()[None] / 255


def rgba(alpha):
    "Black ink as an image with transparency: where alpha is 0, the white paper shines through."
    black = Image.new('L', (28, 28), 0)
    return Image.merge('RGBA', (black, black, black, alpha))


@pytest.mark.parametrize('make, expected', [
    (lambda: Image.fromarray(IM.numpy()), ROW),
    (lambda: Image.merge('RGB', [Image.fromarray(IM.numpy())] * 3), ROW),
    (lambda: Image.fromarray(IM.numpy()).quantize(256).convert('RGB'), None),
    (lambda: Image.fromarray(IM.numpy()).quantize(256), None),
    (lambda: Image.fromarray(IM.numpy()).convert('LA'), ROW),
    (lambda: rgba(Image.fromarray(IM.numpy())), 1 - ROW),
    (lambda: Image.fromarray(((IM > 127) * 255).byte().numpy()).convert('1'), (ROW > .5).float())],
    ids=['L', 'RGB', 'few colours', 'palette', 'LA', 'transparent', 'bits'])
def test_images_of_every_mode(make, expected):
    rows, single, odd = as_rows(make())
    assert rows.shape == (1, 784) and single and not odd
    assert_close(rows, ROW if expected is None else expected, atol=.06 if expected is None else .005, rtol=0)


def test_larger_images_are_averaged_and_that_is_said():
    large = Image.fromarray(IM.numpy()).resize((280, 280), Image.Resampling.NEAREST)
    rows, single, odd = as_rows([large, Image.fromarray(IM.numpy())])
    assert_close(rows, ROW.expand(2, -1), atol=.005, rtol=0)
    assert not single and odd == ['280 by 280 pixels became 28 by 28']


def test_files(tmp_path):
    Image.fromarray(IM.numpy()).save(tmp_path / 'a.png')
    for form in (tmp_path / 'a.png', str(tmp_path / 'a.png')):
        assert_close(as_rows(form)[0], ROW)
    (tmp_path / 'b.png').write_text('no picture')
    with pytest.raises(ValueError, match=r'images: expected the path of a picture, got .*b.png.*; look at the path \(lesson 11\)'):
        as_rows([tmp_path / 'a.png', tmp_path / 'b.png'])


@pytest.mark.parametrize('split', ['train', 'test'])
def test_nothing_is_odd_about_mnist(split):
    assert oddities(as_rows(load_mnist(split)[0])[0]) == []


@pytest.mark.parametrize('change, words', [
    (lambda x: 1 - x, 'paper and ink are swapped (use 1 - images): 3 of 3'), (lambda x: .95 * x + .05, 'the paper is not at 0 (take its grey away): 3 of 3'),
    (lambda x: 0 * x, 'nothing is there: 3 of 3'), (lambda x: 0 * x + 1, 'nothing is there: 3 of 3'), (lambda x: x * .05, 'nothing is there: 3 of 3')])
def test_what_is_odd_is_named(change, words):
    assert oddities(change(IMAGES[:3].flatten(1) / 255)) == [words]


def test_ink_that_fills_the_picture_and_kinds_that_are_mixed():
    full = torch.zeros(1, 784)
    full[0, :400] = 1
    assert oddities(full) == ['ink fills the picture: 1 of 1']
    assert oddities(torch.cat([full, ROW, 1 - ROW])) == ['paper and ink are swapped (use 1 - images): 1 of 3', 'ink fills the picture: 1 of 3']
