"Lesson 12's own module: the ladder's models, a class's digits, and the command that writes the page."
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from digits_uth.data import load_mnist
from digits_uth.distances import nearest_ideal
from digits_uth.drawing import keep, my_digits
from digits_uth.own_digits import accuracy_by_writer, course_models, merge_digits


def test_the_models_of_the_course_are_those_of_its_lessons():
    models, (images, labels) = course_models(), load_mnist('test')
    x = images.flatten(1) / 255
    with torch.no_grad():
        answers = {name: nearest_ideal(x.view(-1, 28, 28), m) if isinstance(m, torch.Tensor) else m(x).argmax(1) for name, m in models.items()}
    shares = {name: (answer == labels).float().mean().item() for name, answer in answers.items()}
    assert list(shares) == ['nearest ideal', 'linear', 'two layers', 'convolutions']
    for name, expected in zip(shares, (.82, .92, .965, .995), strict=True):
        assert abs(shares[name] - expected) < .01, shares
    assert not any(m.training for m in models.values() if isinstance(m, torch.nn.Module))


def test_accuracy_by_writer_weighs_writers_not_pictures():
    writers = torch.tensor([4] * 100 + [9] * 2 + [2] * 4)
    right = torch.tensor([1] * 100 + [1, 0] + [1, 1, 0, 0])
    mean, error, each = accuracy_by_writer(right, torch.ones_like(right), writers)
    assert each.tolist() == [.5, 1, .5] and mean == 2 / 3
    assert_close(error.item(), float(np.std([.5, 1, .5], ddof=1) / 3**.5))


def test_the_error_over_writers_is_what_classes_vary_by():
    generator, means, errors = np.random.default_rng(1), [], []
    for _ in range(300):
        answers = torch.from_numpy(generator.binomial(1, np.repeat(generator.beta(9.5, .5, 20), 40)))
        mean, error, _ = accuracy_by_writer(answers, torch.ones_like(answers), torch.arange(20).repeat_interleave(40))
        means.append(mean.item())
        errors.append(error.item()**2)
    assert .8 < np.std(means) / np.mean(errors)**.5 < 1.25


def write(path, images, labels): np.savez_compressed(path, images=images, labels=labels)


def test_the_files_of_a_class_are_merged(tmp_path, monkeypatch):
    ims = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
    write(tmp_path / 'ada.npz', ims[:2], np.array([3, 7]))
    write(tmp_path / 'ben.npz', ims[2:], np.array([0, 0, 9]))
    images, labels, writers = merge_digits(sorted(tmp_path.glob('*.npz')))
    assert images.dtype == torch.uint8 and images.numpy().tolist() == ims.tolist()
    assert labels.tolist() == [3, 7, 0, 0, 9] and writers.tolist() == [0, 0, 1, 1, 1] and labels.dtype == writers.dtype == torch.int64
    assert merge_digits(str(tmp_path / 'ben.npz'))[1].tolist() == merge_digits([str(tmp_path / 'ben.npz')])[1].tolist() == [0, 0, 9]
    monkeypatch.setenv('DIGITS_UTH_HOME', str(tmp_path / 'mine'))
    keep(torch.from_numpy(ims[0]), 4)  # what keep wrote is what is merged
    kept = merge_digits([tmp_path / 'mine' / 'my_digits.npz'])
    assert kept[0].equal(my_digits([4])[0]) and kept[1].tolist() == [4] == my_digits([4])[1].tolist()


@pytest.mark.parametrize('content, said', [
    (b'no zip', 'what is in it is not what keep wrote; ask its writer for it again'), (b'', 'what is in it is not'), (None, 'which is not there'),
    ((np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.int64)), 'which holds none; ask its writer to keep some'),
    ((np.zeros((1, 28, 28), np.uint8), np.array([10])), 'what is in it is not')])
def test_a_file_that_cannot_be_merged_is_named(content, said, tmp_path):
    write(tmp_path / 'good.npz', np.zeros((1, 28, 28), np.uint8), np.array([1]))
    if isinstance(content, bytes): (tmp_path / 'bad.npz').write_bytes(content)
    elif content: write(tmp_path / 'bad.npz', *content)
    with pytest.raises(ValueError) as caught:
        merge_digits([tmp_path / 'good.npz', tmp_path / 'bad.npz'])
    assert 'bad.npz' in str(caught.value) and said in str(caught.value) and 'good.npz' not in str(caught.value)


def test_the_command_writes_the_page_or_says_why_not(tmp_path):
    def command(*arguments): return subprocess.run([sys.executable, '-m', 'digits_uth', *arguments], capture_output=True, text=True, cwd=tmp_path)
    done = command('page', 'digits.html')
    assert done.returncode == 0 and done.stdout == 'digits.html is written: open it with a double click.\n', done.stderr
    text = (tmp_path / 'digits.html').read_text(encoding='utf-8')
    assert len(text.encode()) < 1_500_000 and all(f'"name": "{name}"' in text for name in ('nearest ideal', 'linear', 'two layers', 'convolutions'))
    refused = command('page', 'nowhere/digits.html')
    assert refused.returncode == 1 and refused.stderr.startswith('path: expected a file to write') and refused.stderr.count('\n') == 1
    asked = command('pages')
    assert asked.returncode == 1 and asked.stderr == 'pages is none of the commands: lab, lessons, page, class, check.\n'
    asked = command('page')
    assert asked.returncode == 2 and 'usage: digits-uth page' in asked.stderr
