"Lesson 11: the network, the file that comes with it, and predict with every form of picture."
import hashlib
import re

import numpy as np
import pytest
import tables
import torch
import torch.nn.functional as F
from conftest import ROOT
from PIL import Image
from torch import nn
from torch.testing import assert_close

from digits_uth.cnn import digit_cnn, predict
from digits_uth.data import load_mnist, table
from digits_uth.loss import batch_accuracy
from digits_uth.models import activations, simple_net
from digits_uth.ten_digits import softmax

FILE = ROOT / 'digits_uth' / 'assets' / 'digit_cnn.safetensors'
CARD = (ROOT / 'digits_uth' / 'assets' / 'digit_cnn.md').read_text(encoding='utf-8')
IMAGES, LABELS = load_mnist('test')


@pytest.fixture(scope='module')
def best():
    return digit_cnn(pretrained=True)


def scores_by_hand(model, x):
    "What digit_cnn makes of pixels from 0 to 1, written down with PyTorch's functions."
    state, x = model.state_dict(), (x.reshape(-1, 1, 28, 28) - .1307) / .3081
    for conv, norm, kernel_size in ((1, 2, 5), (4, 5, 3), (7, 8, 3)):
        x = F.conv2d(x, state[f'{conv}.weight'], stride=2, padding=kernel_size // 2)
        norms = [None, None] if model.training else [state[f'{norm}.running_{name}'] for name in ('mean', 'var')]
        x = F.batch_norm(x, *norms, state[f'{norm}.weight'], state[f'{norm}.bias'], training=model.training).clamp(min=0)
    return F.linear(x.flatten(1), state['11.weight'], state['11.bias'])


def test_the_network_that_ships_is_what_its_card_says(best):
    data = FILE.read_bytes()
    assert len(data) < 1e6 and f'{len(data):,} bytes, SHA-256 `{hashlib.sha256(data).hexdigest()}`' in CARD
    assert f'| parameters | {sum(p.numel() for p in best.parameters()):,} |' in CARD
    said, error = map(float, re.search(r'\| test pictures \| (\S+), with a standard error of (\S+) from', CARD).groups())
    found = (predict(best, IMAGES)[0] == LABELS).float().mean().item()
    assert abs(found - said) <= 3e-4 and said > .99  # another processor may read a picture or two differently
    assert abs((said * (1 - said) / 10_000)**.5 - error) < 6e-5


def test_the_card_tells_of_the_table():
    script = tables.load('digit_cnn')
    rows = table('digit_cnn').query('shown == @script.SHIPPED')
    best = rows.loc[rows.accuracy.idxmax()]
    assert f'| seed | {best.seed:.0f}, the best of {len(rows)} ' in CARD
    assert f'{script.EPOCHS} epochs of one-cycle to {script.LR:g}' in CARD
    assert f'| {best.accuracy:.4f}, for this seed; {rows.accuracy.mean():.4f} with a standard error of {rows.accuracy.sem():.4f}' in CARD


@pytest.fixture(scope='module')
def ink():
    "How often each of the 256 values stands among all pixels of the training pictures, by NumPy."
    with np.load(ROOT / 'digits_uth' / 'assets' / 'mnist.npz') as arrays:
        return np.bincount(arrays['x_train'].ravel(), minlength=256)


@pytest.mark.parametrize('pretrained', [False, True])
def test_pixels_are_standardised_by_the_training_pictures_mean_and_spread(pretrained, ink):
    values = np.arange(256) / 255
    mean = np.average(values, weights=ink)
    std = np.average((values - mean)**2, weights=ink)**.5
    model = digit_cnn(pretrained)
    buffers = {name.split('.')[-1]: value for name, value in model[0].named_buffers()}
    assert buffers.keys() == {'mean', 'std'} and not list(model[0].parameters())
    assert [round(float(buffers[name]), 4) for name in ('mean', 'std')] == [round(mean, 4), round(std, 4)] == [.1307, .3081]
    x = torch.rand(2, 784, generator=torch.Generator().manual_seed(0))
    assert_close(activations(model.eval(), x)[0].flatten(1), torch.tensor((x.numpy() - mean) / std).float(), atol=1e-3, rtol=0)


@pytest.mark.parametrize('pretrained, training', [(False, True), (False, False), (True, False)])
def test_the_network_is_its_parts(pretrained, training):
    torch.manual_seed(0)
    model, x = digit_cnn(pretrained).train(training), IMAGES[:6].float() / 255
    expected = scores_by_hand(model, x)
    for form in (x.flatten(1), x[:, None]):
        assert_close(model(form), expected, atol=1e-4, rtol=1e-4)
    sizes = {name: tuple(p.shape) for name, p in model.named_parameters()}
    assert sizes == {'1.weight': (24, 1, 5, 5), '2.weight': (24,), '2.bias': (24,), '4.weight': (48, 24, 3, 3), '5.weight': (48,),
                     '5.bias': (48,), '7.weight': (96, 48, 3, 3), '8.weight': (96,), '8.bias': (96,),
                     '11.weight': (10, 1536), '11.bias': (10,)}


def test_predict_reads_what_the_network_says(best):
    "Rows of their own probabilities, each with its digit: by hand, and with a network that answers what it is told."
    x = IMAGES[:20].float() / 255
    digits, probabilities = predict(best, x)
    expected = F.softmax(scores_by_hand(best, x), 1)
    assert_close(probabilities, expected, atol=1e-5, rtol=1e-4)
    assert digits.equal(expected.argmax(1))

    class Ink(nn.Module):
        "The score of digit i is i times the ink of the picture's i-th row."
        def forward(self, xb): return xb.view(-1, 28, 28)[:, :10].sum(2) * torch.arange(10)
    picture = torch.zeros(2, 28, 28)
    picture[0, 4, :3], picture[1, 2, :1] = .5, 1
    digits, probabilities = predict(Ink(), picture)
    assert digits.tolist() == [4, 2]
    assert_close(probabilities, F.softmax(torch.tensor([[0, 0, 0, 0, 6., 0, 0, 0, 0, 0], [0, 0, 2., 0, 0, 0, 0, 0, 0, 0]]), 1))
    assert_close(predict(Ink(), (picture * 255).round().byte())[1][1], probabilities[1])


def test_pretrained_is_ready_and_new_each_time(best):
    other = digit_cnn(pretrained=True)
    assert not best.training and digit_cnn().training and other[1].weight is not best[1].weight
    assert_close(other(IMAGES[:5].flatten(1) / 255), best(IMAGES[:5].flatten(1) / 255))
    torch.manual_seed(0)
    first = digit_cnn()[1].weight
    torch.manual_seed(0)
    assert_close(digit_cnn()[1].weight, first)
    assert not torch.equal(digit_cnn()[1].weight, first)


def test_every_form_of_picture_gives_the_same_answer(best):
    digits, probabilities = predict(best, IMAGES[:7])
    assert digits.shape == (7,) and digits.dtype == torch.int64 and probabilities.shape == (7, 10) and probabilities.dtype == torch.float32
    assert_close(probabilities, softmax(best(IMAGES[:7].flatten(1) / 255)).detach())
    assert digits.equal(LABELS[:7]) and digits.equal(probabilities.argmax(1))
    raw, scaled = IMAGES[:7], IMAGES[:7].double() / 255
    for images in (raw, scaled, scaled.float()):
        for form in (images, images[:, None], images.flatten(1)):
            for given in (form, form.numpy()):
                again, same = predict(best, given)
                assert_close(same, probabilities)
                assert again.equal(digits)
    assert_close(predict(best, scaled.bfloat16())[1], probabilities, atol=.02, rtol=0)  # eight bits a pixel, rounded
    for single in (raw[3], scaled[3], raw[3].numpy()):
        digit, ten = predict(best, single)
        assert digit.shape == () and digit == digits[3] and ten.shape == (10,)
        assert_close(ten, probabilities[3], atol=1e-5, rtol=1e-4)
    assert predict(best, raw[:1])[0].shape == (1,)


def test_many_pictures_are_read_in_parts(best):
    digits = predict(best, IMAGES[:2345])[0]
    assert len(digits) == 2345 and digits.equal(torch.cat([predict(best, IMAGES[i:i + 67])[0] for i in range(0, 2345, 67)]))


def test_one_output_means_3_or_7():
    model = simple_net()
    for score, digit in ((2., 3), (-2., 7), (0., 7), (1e-30, 3), (-1e-30, 7), (300., 3), (-300., 7)):
        with torch.no_grad():
            for p in model.parameters():
                p.zero_()
            model[2].bias.fill_(score)
        digits, probabilities = predict(model, IMAGES[:3])
        assert digits.tolist() == [digit] * 3
        assert_close(probabilities.sum(1), torch.ones(3))
        assert_close(probabilities[:, [3, 7]], torch.tensor([[score, -score]]).sigmoid().expand(3, 2))
        assert bool(batch_accuracy(torch.tensor([[score]]), torch.tensor([[int(digit == 3)]])) == 1)


def test_predict_leaves_modes_statistics_and_pictures_as_they_are():
    model = digit_cnn()
    model[2].eval()
    modes, before, images = [m.training for m in model.modules()], model[5].running_mean.clone(), IMAGES[:4].clone()
    one = predict(model, images[:1])[1]
    assert_close(predict(model, images)[1][:1], one)  # no company counts
    assert [m.training for m in model.modules()] == modes and model[5].running_mean.equal(before) and images.equal(IMAGES[:4])
    broken = nn.Sequential(nn.Dropout(), nn.Linear(9, 10))
    with pytest.raises(ValueError):
        predict(broken, images)
    assert broken[0].training


@pytest.mark.parametrize('model', [
    nn.Sequential(nn.Unflatten(1, (1, 28, 28)), nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2 * 26 * 26, 10)),
    nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), nn.Linear(784, 10).double(), nn.Linear(784, 10).bfloat16(),
    nn.Sequential(nn.Unflatten(1, (1, 28, 28)), nn.AdaptiveAvgPool2d((1, 10)), nn.Flatten())],
    ids=['convolution', 'flatten', 'double', 'half', 'no parameters'])
def test_predict_suits_models_of_many_makes(model):
    digits, probabilities = predict(model, IMAGES[:5])
    assert digits.shape == (5,) and probabilities.shape == (5, 10)
    assert_close(probabilities.sum(1), torch.ones(5))


def test_shapes_within():
    found = activations(digit_cnn().eval(), torch.rand(2, 784))
    assert [tuple(a.shape[1:]) for a in found if a.ndim == 4][::3] == [(1, 28, 28), (24, 14, 14), (48, 7, 7), (96, 4, 4)]
    assert found[-1].shape == (2, 10)
    for wrong in ((2, 785), (4, 7, 16, 7), (28, 28), (784,), (2, 3, 28, 28), (2, 1, 8, 98)):  # the numbers alone must not fit
        refused = r'xb: expected a float tensor of shape \(n, 784\) or \(n, 1, 28, 28\), got shape .*\(lesson 11\)'
        with pytest.raises(ValueError, match=refused):
            digit_cnn()(torch.rand(wrong))


def test_on_the_meta_device_nothing_is_left_behind():
    model = digit_cnn().to('meta')
    assert model(torch.empty(3, 784, device='meta')).is_meta and all(t.is_meta for t in model.state_dict().values())


def test_a_network_that_begins_with_a_convolution_is_told_how_to_take_rows():
    cure = r'use nn.Sequential\(nn.Unflatten\(1, \(1, 28, 28\)\), model\)'
    with pytest.raises(ValueError, match=rf'model: expected one that takes .* rows \(n, 784\), got .* {cure}'):
        predict(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2 * 26 * 26, 10)), IMAGES[:5])


def test_images_of_pillow_and_files_are_read(best, tmp_path):
    digits, probabilities = predict(best, IMAGES[:3])
    images = [Image.fromarray(im.numpy()) for im in IMAGES[:3]]
    paths = [tmp_path / f'{i}.png' for i in range(3)]
    for im, path in zip(images, paths, strict=True):
        im.save(path)
    for given in (images, paths, tuple(map(str, paths)), [images[0], paths[1], str(paths[2])], [im.convert('RGB') for im in images]):
        found = predict(best, given)
        assert found[0].equal(digits)
        assert_close(found[1], probabilities)
    for single in (images[1], paths[1], str(paths[1])):
        digit, ten = predict(best, single)
        assert digit.shape == () and digit == digits[1]
        assert_close(ten, probabilities[1], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize('change, words', [
    (lambda ims: 0 * ims, 'nothing is there: 3 of 3'), (lambda ims: 0 * ims + .5, 'nothing is there: 3 of 3'),
    (lambda ims: 1 - ims, r'paper and ink are swapped \(use 1 - images\): 3 of 3'),
    (lambda ims: ims * .9 + .1, r'the paper is not at 0 .*: 3 of 3'),
    (lambda ims: torch.cat([ims[:2], 0 * ims[:1]]), 'nothing is there: 1 of 3')],
    ids=['white', 'grey', 'swapped', 'grey paper', 'one of three'])
def test_pictures_unlike_mnists_are_read_with_a_warning(best, change, words):
    "MNIST's own are read without one: here a warning would be an error."
    ims = IMAGES[:3] / 255
    assert predict(best, ims)[0].equal(LABELS[:3])
    with pytest.warns(UserWarning, match=f"predict: not like MNIST's pictures, .*{words}"):
        digits, probabilities = predict(best, change(ims))
    assert digits.shape == (3,) and digits.equal(probabilities.argmax(1))


def test_predict_passes_on_that_memory_ran_out():
    "That is no matter of the picture's size."
    class Full(nn.Linear):
        def forward(self, xb): raise torch.OutOfMemoryError('out of memory')
    with pytest.raises(torch.OutOfMemoryError):
        predict(Full(784, 10), IMAGES[:2])
