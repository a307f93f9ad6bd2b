"Lesson 10: the network, the file that comes with it, and predict with every form of picture."
import hashlib
import re

import experiments
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from digits_uth import cnn as module
from digits_uth.cnn import Moved, digit_cnn, predict
from digits_uth.data import load_mnist
from digits_uth.learner import digit_dls, digit_learner
from digits_uth.loss import batch_accuracy
from digits_uth.models import activations, simple_net
from digits_uth.ten_digits import accuracy, cross_entropy, softmax

FILE = module.files('digits_uth') / 'assets' / 'digit_cnn.safetensors'
CARD = (module.files('digits_uth') / 'assets' / 'digit_cnn.md').read_text(encoding='utf-8')
IMAGES, LABELS = load_mnist('test')


@pytest.fixture(scope='module')
def best():
    return digit_cnn(pretrained=True)


def test_the_network_that_ships_is_what_its_card_says(best):
    data = FILE.read_bytes()
    assert len(data) < 1e6 and f'{len(data):,} bytes, SHA-256 `{hashlib.sha256(data).hexdigest()}`' in CARD
    assert f'| parameters | {sum(p.numel() for p in best.parameters()):,} |' in CARD
    said, error = map(float, re.search(r'\| test pictures \| (\S+), with a standard error of (\S+) from', CARD).groups())
    found = (predict(best, IMAGES)[0] == LABELS).float().mean().item()
    assert abs(found - said) <= 3e-4 and said > .99  # another processor may read a picture or two differently
    assert abs((said * (1 - said) / 10_000)**.5 - error) < 6e-5


def test_the_card_tells_of_the_table():
    table, script = experiments.table('digit_cnn'), experiments.load('digit_cnn')
    best = table.loc[table.accuracy.idxmax()]
    assert f'| seed | {best.seed:.0f}, the best of {len(table)} ' in CARD
    assert f'{script.EPOCHS} epochs of one-cycle to {script.LR:g}' in CARD
    assert f'| {best.accuracy:.4f}, for this seed; {table.accuracy.mean():.4f} with a standard error of {table.accuracy.sem():.4f}' in CARD


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
    nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2 * 26 * 26, 10)),
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
    with pytest.raises(RuntimeError):
        digit_cnn()(torch.rand(2, 785))


def test_on_the_meta_device_nothing_is_left_behind():
    model = digit_cnn().to('meta')
    assert model(torch.empty(3, 784, device='meta')).is_meta and all(t.is_meta for t in model.state_dict().values())


def test_moved_moves_in_training_only_by_torchs_random_numbers():
    seen = []

    class Keep(Moved):
        order = 1

        def before_batch(self):
            super().before_batch()
            seen.append((self.training, self.xb[0].clone()))
    x, y = IMAGES[:32].flatten(1) / 255, LABELS[:32]

    def train():
        seen.clear()
        torch.manual_seed(0)
        dls = digit_dls(x, y, x, y, bs=16, device='cpu')
        learn = digit_learner(dls, digit_cnn(), loss_func=cross_entropy, metrics=accuracy, cbs=Keep())
        with learn.no_bar(), learn.no_logging():
            learn.fit(1, lr=.01)
        return list(seen)
    first, again = train(), train()
    assert [training for training, _ in first] == [True, True, False, False]
    assert all(a.equal(b) for (_, a), (_, b) in zip(first, again, strict=True))
    assert torch.cat([batch for training, batch in first if not training]).flatten(1).equal(x)
    for _, batch in first[:2]:
        assert batch.flatten(1).shape == (16, 784) and 0 <= batch.min() and batch.max() <= 1
        assert not any(torch.allclose(im, row) for im in batch.flatten(1) for row in x)
        assert abs(batch.sum() / 16 - x.sum() / 32) < .3 * x.sum() / 32  # a picture keeps its ink, more or less


def test_predict_passes_on_that_memory_ran_out():
    "That is no matter of the picture's size."
    class Full(nn.Linear):
        def forward(self, xb): raise torch.OutOfMemoryError('out of memory')
    with pytest.raises(torch.OutOfMemoryError):
        predict(Full(784, 10), IMAGES[:2])
