"The embedded data: right, checked when read; what is made of it; and the folder of pictures: whole or not there, whatever happens."
import csv
import errno
import os
import shutil
import socket
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import LONG, ROOT
from PIL import Image

import digits_uth.data as data
from digits_uth.data import all_digits, load_mnist, mnist_sample, progress, table, threes_and_sevens

COUNTS = {'train/3': 6131, 'train/7': 6265, 'valid/3': 1010, 'valid/7': 1028}
CALL = '''import sys, digits_uth.data as data
write = data._write_pngs
def said(folder): print("writing", flush=True); write(folder)
data._write_pngs = said
print("ready", flush=True)
print(data.mnist_sample(*sys.argv[1:]))'''


def found_in(folder):
    return {name: len(list((folder / name).glob('*.png'))) for name in COUNTS}


def run_python(*arguments, before=(), **kwargs):
    return subprocess.run([*before, sys.executable, '-c', *map(str, arguments)], capture_output=True, text=True, cwd=ROOT, **kwargs)


@pytest.fixture(scope='module')
def stored():
    "The arrays of the data file, not by our own code."
    with np.load(ROOT / 'digits_uth' / 'assets' / 'mnist.npz', allow_pickle=False) as arrays:
        return {name: torch.tensor(arrays[name]) for name in arrays.files}


@pytest.fixture(scope='module')
def loaded():
    "What load_mnist gives."
    return {split: load_mnist(split) for split in ('train', 'test')}


@pytest.fixture(scope='module')
def ten():
    "What all_digits gives; the pictures as bytes again, too."
    torch.manual_seed(5)
    train_x, train_y, valid_x, valid_y = all_digits()
    return (train_x, (train_x * 255).round().byte(), train_y), (valid_x, (valid_x * 255).round().byte(), valid_y)


@pytest.fixture(scope='module')
def sample(fastai_home):
    return mnist_sample()


# What MNIST's own files hold, as everybody who uses them finds it
FIRST_LABELS = {'train': [5, 0, 4, 1, 9, 2, 1, 3, 1, 4], 'test': [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]}
LABEL_COUNTS = {'train': [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
                'test': [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]}
INK = {'train': (27525, 20920, 1567298545), 'test': (18454, 41833, 264923200)}  # of the first picture, the last, and all


@pytest.mark.parametrize('split', ['train', 'test'])
def test_load_mnist_is_mnist(split, loaded, stored):
    images, labels = loaded[split]
    n = {'train': 60_000, 'test': 10_000}[split]
    assert images.shape == (n, 28, 28) and images.dtype == torch.uint8 and labels.shape == (n,) and labels.dtype == torch.int64
    assert labels[:10].tolist() == FIRST_LABELS[split] and labels.bincount().tolist() == LABEL_COUNTS[split]
    assert tuple(part.numpy().sum(dtype=np.int64) for part in (images[0], images[-1], images)) == INK[split]
    assert images.equal(stored[f'x_{split}']) and labels.equal(stored[f'y_{split}'].long())


def test_a_picture_stands_upright_and_its_background_is_0(loaded):
    images, _ = loaded['train']
    assert images[0][5].tolist() == [0]*12 + [3, 18, 18, 18, 126, 136, 175, 26, 166, 255, 247, 127] + [0]*4
    assert images[0][:5].sum() == images[0][25:].sum() == 0
    assert load_mnist(digits=[5])[0][0].equal(images[0])  # 'train' is the default


def test_pictures_are_your_own_at_each_call():
    images, labels = load_mnist('test', [3])
    images.zero_()
    labels.zero_()
    images, labels = load_mnist('test')
    images[:5000].zero_()
    labels.zero_()
    again, digits = load_mnist('test')
    assert again.sum() == INK['test'][2] and digits[:10].tolist() == FIRST_LABELS['test']


def test_chosen_digits_keep_their_order_and_their_labels(stored):
    for digits in ([7, 3], [0], [9, 8, 9], range(10)):
        images, labels = load_mnist('test', digits)
        keep = [i for i, label in enumerate(stored['y_test'].tolist()) if label in digits]
        assert images.equal(stored['x_test'][keep]) and labels.equal(stored['y_test'][keep].long())


def test_threes_come_first_then_sevens_from_0_to_1(stored):
    train_x, train_y, valid_x, valid_y = threes_and_sevens()
    for x, y, split in ((train_x, train_y, 'train'), (valid_x, valid_y, 'test')):
        images, labels = stored[f'x_{split}'], stored[f'y_{split}']
        threes, sevens = images[labels == 3], images[labels == 7]
        assert x.shape == (len(threes) + len(sevens), 784) and x.dtype == torch.float32
        assert y.dtype == torch.int64 and y.tolist() == [[1]] * len(threes) + [[0]] * len(sevens)
        torch.testing.assert_close(x, torch.cat([threes, sevens]).view(-1, 784).float() / 255)
        assert x.min() == 0 and x.max() == 1


def test_all_digits_are_the_training_pictures_in_the_order_of_seed_0(ten, stored):
    order = torch.randperm(60_000, generator=torch.Generator().manual_seed(0))
    for (x, pixels, y), which in zip(ten, (order[:50_000], order[50_000:]), strict=True):
        assert x.shape == (len(which), 784) and x.dtype == torch.float32 and y.dtype == torch.int64
        assert pixels.equal(stored['x_train'][which].view(-1, 784)) and y.equal(stored['y_train'][which].long())
        torch.testing.assert_close(x[:100], pixels[:100].float() / 255)
        assert [value.item() for value in x.aminmax()] == [0, 1]


def test_no_picture_to_train_with_is_among_those_set_aside(ten):
    "No two of MNIST's training pictures are the same, so each can be told by what is in it."
    (_, train, train_y), (_, valid, valid_y) = ten
    train, valid = ({row.tobytes() for row in pixels.numpy()} for pixels in (train, valid))
    assert (len(train), len(valid), len(train | valid)) == (50_000, 10_000, 60_000)
    assert torch.cat([train_y, valid_y]).bincount().tolist() == LABEL_COUNTS['train']


def test_all_digits_come_in_the_same_order_whatever_the_seed_is(ten):
    torch.manual_seed(6)
    assert all_digits()[3].equal(ten[1][2])


@pytest.mark.parametrize('name', sorted(path.stem for path in (ROOT / 'digits_uth' / 'assets' / 'tables').glob('*.csv')))
def test_a_table_is_its_file_without_the_line_that_says_what_made_it(name):
    with (ROOT / 'digits_uth' / 'assets' / 'tables' / f'{name}.csv').open(encoding='utf-8', newline='') as file:
        header, *rows = csv.reader(line for line in file if not line.startswith('#'))
    found = table(name)
    assert list(found.columns) == header and len(found) == len(rows) >= 2
    for row, values in zip(rows, found.astype(object).to_numpy().tolist(), strict=True):
        for text, value in zip(row, values, strict=True):
            assert pd.isna(value) if text == '' else str(value) == text or value == float(text), (text, value)


def test_progress_is_shown_to_people_alone(capfd):
    "What is gone through comes back as it is; without a terminal nothing is written to the output that a script reads."
    for items in ([1, 2, 3], range(3), 'abc'):
        assert list(progress(items)) == list(items)
    assert capfd.readouterr() == ('', '')


def test_load_mnist_keeps_order_and_labels():
    images, labels = load_mnist('train')
    chosen, digits = load_mnist('train', digits=(d for d in (7, 3)))
    keep = (labels == 3) | (labels == 7)
    torch.testing.assert_close(chosen, images[keep])
    torch.testing.assert_close(digits, labels[keep])
    assert torch.bincount(load_mnist('test')[1]).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.mark.parametrize('digits', [[3], (3,), {3}, np.array([3]), torch.tensor([3]), iter([3])],
                         ids=lambda digits: type(digits).__name__)  # an iterator's own text differs from process to process
def test_digits_may_be_any_iterable(digits):
    assert load_mnist('test', digits)[1].unique().tolist() == [3]


def test_threes_and_sevens_are_the_pictures_of_the_folder(sample):
    train_x, train_y, valid_x, valid_y = threes_and_sevens()
    first = min((sample / 'valid' / '7').iterdir(), key=lambda p: int(p.stem))
    ours = valid_x[valid_y[:, 0] == 0][0].view(28, 28)
    torch.testing.assert_close(ours, torch.tensor(np.array(Image.open(first))).float() / 255)
    assert (len(train_x), len(valid_x)) == (6131 + 6265, 1010 + 1028)


@pytest.mark.filterwarnings('ignore:unclosed file:ResourceWarning')  # fastai's settings, when it writes them first
def test_the_sample_is_complete_and_fastai_finds_it_without_a_network(sample, monkeypatch):
    from fastai.data.external import URLs, fastai_cfg, fastai_path, untar_data

    def cut_off(*args, **kwargs): raise OSError('the network is cut off')
    for place, name in ((socket.socket, 'connect'), (socket.socket, 'connect_ex'), (socket, 'getaddrinfo')):
        monkeypatch.setattr(place, name, cut_off)
    assert found_in(sample) == COUNTS
    fastai_cfg.cache_clear()  # it keeps the settings that it has once read
    assert fastai_path('data') / 'mnist_sample' == untar_data(URLs.MNIST_SAMPLE) == sample
    images, _ = load_mnist('train')
    for name in ('10.png', '10000.png', '10011.png'):
        torch.testing.assert_close(torch.tensor(np.array(Image.open(sample / 'train' / '3' / name))), images[int(name[:-4])])


def test_the_place_follows_fastais_settings(tmp_path, monkeypatch):
    monkeypatch.setenv('FASTAI_HOME', str(tmp_path))
    (tmp_path / 'config.ini').write_text(f'[DEFAULT]\ndata = {tmp_path / "elsewhere"}\n')
    assert data._fastai_data() == tmp_path / 'elsewhere'


def test_the_samples_labels_are_those_of_its_folders(sample):
    "fastai's own folder has such a file: 0 for a 3 and 1 for a 7."
    with (sample / 'labels.csv').open(encoding='utf-8', newline='') as file:
        header, *rows = csv.reader(file)
    assert header == ['name', 'label'] and len({name for name, _ in rows}) == len(rows) == sum(COUNTS.values())
    for name, label in rows:
        assert label == {'3': '0', '7': '1'}[name.split('/')[1]]
    assert {name for name, _ in rows} == {path.relative_to(sample).as_posix() for path in sample.glob('*/*/*.png')}


def test_a_second_call_writes_nothing(sample):
    before = (sample / 'train' / '3').stat().st_mtime_ns
    assert mnist_sample() == sample and (sample / 'train' / '3').stat().st_mtime_ns == before


@pytest.mark.parametrize('damage', ['flipped', 'truncated', 'empty', 'missing'])
def test_a_damaged_data_file_is_refused(damage, tmp_path, monkeypatch):
    broken, content = tmp_path / 'mnist.npz', bytearray(data._file.read_bytes())
    content[len(content) // 2] ^= 1
    if damage != 'missing':
        broken.write_bytes({'flipped': content, 'truncated': content[:-100], 'empty': b''}[damage])
    monkeypatch.setattr(data, '_file', broken)
    with pytest.raises(ValueError, match=r'mnist.npz: expected .* got .* install the package again \(lesson 00\)'):
        load_mnist()


def test_a_folder_that_is_not_the_sample_is_refused_and_left_alone(tmp_path):
    (tmp_path / 'train' / '3').mkdir(parents=True)
    (tmp_path / 'train' / '3' / 'mine.png').touch()
    with pytest.raises(ValueError, match=r"expected a folder with .*6131.* got .*'train/3': 1.* move it away .*dest="):
        mnist_sample(tmp_path)
    assert (tmp_path / 'train' / '3' / 'mine.png').exists()


@pytest.mark.parametrize('error', [OSError(errno.ENOSPC, 'No space left on device'), KeyboardInterrupt(), MemoryError()], ids=type)
def test_an_error_while_writing_leaves_nothing(error, tmp_path, monkeypatch):
    calls, save = [], Image.Image.save

    def failing_save(self, *args):
        calls.append(args)
        if len(calls) == 50:
            raise error
        save(self, *args)
    monkeypatch.setattr(Image.Image, 'save', failing_save)
    with pytest.raises(type(error)) as caught:
        mnist_sample(tmp_path / 'mnist_sample')
    assert {p.name for p in tmp_path.iterdir()} <= {'.mnist_sample.lock'}  # on Windows the lock is gone, too
    if isinstance(error, OSError):
        assert all(word in str(caught.value) for word in ('FASTAI_HOME', 'dest=', 'No space left', '14,434', 'lesson 00'))


def test_a_home_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / 'file').touch()  # no folder can be made below a file, not even by root
    monkeypatch.setenv('FASTAI_HOME', str(tmp_path / 'file' / 'home'))
    with pytest.raises(OSError, match=r'file.home.*FASTAI_HOME.*dest='):
        mnist_sample()


def own_mounts():
    "A command that runs another where it may mount file systems of its own; None where that isn't allowed."
    command = ['unshare', '--user', '--map-root-user', '--mount']
    return command if shutil.which('unshare') and subprocess.run([*command, 'true'], capture_output=True).returncode == 0 else None


@pytest.mark.slow
@pytest.mark.skipif(own_mounts() is None, reason='no file systems may be mounted here')
@pytest.mark.parametrize('options, message', [('size=2m', 'No space left'), ('size=200m,nr_inodes=900', 'No space left'),
                                              ('size=2m,ro', 'Read-only file system')])
def test_a_full_disk_and_a_read_only_home(options, message, tmp_path):
    script = f'mount -t tmpfs -o {options} none {tmp_path} && {{ FASTAI_HOME={tmp_path} "$@" 2>&1; echo exit $?; ls -A {tmp_path}/data; }}'
    done = run_python(CALL, before=[*own_mounts(), 'sh', '-c', script, 'sh'])
    assert 'exit 1' in done.stdout and message in done.stdout, done.stdout + done.stderr
    assert 'FASTAI_HOME' in done.stdout and 'dest=' in done.stdout
    assert done.stdout.split('exit 1')[1].split() in ([], ['.mnist_sample.lock'])


@pytest.mark.slow
def test_a_process_killed_at_any_moment_leaves_the_whole_folder_or_none(tmp_path):
    dest, part, midway = tmp_path / 'mnist_sample', tmp_path / '.mnist_sample.part', 0
    for delay in np.linspace(0, 1.6, 9 if LONG else 5):
        process = subprocess.Popen([sys.executable, '-c', CALL, dest], stdout=subprocess.PIPE, cwd=ROOT)
        process.stdout.readline()  # imports are over
        time.sleep(delay)
        process.kill()
        process.wait()
        process.stdout.close()
        midway += part.exists()
        assert not dest.exists() or found_in(dest) == COUNTS
        if dest.exists():
            shutil.rmtree(dest)
    assert midway, 'no process was killed while it wrote'
    done = run_python(CALL, dest)
    assert found_in(dest) == COUNTS and not part.exists(), done.stderr
    assert done.stdout.splitlines() == ['ready', 'writing', str(dest)]  # and no progress bar, which would be in what a script reads


@pytest.mark.slow
def test_many_processes_at_the_same_time_make_one_whole_folder(tmp_path):
    dest = tmp_path / 'mnist_sample'
    environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
    processes = [subprocess.Popen([sys.executable, '-c', CALL, dest], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  cwd=ROOT, env=environment) for _ in range(20 if LONG else 6)]
    said = [process.communicate(timeout=300) for process in processes]
    assert all(process.returncode == 0 for process in processes), said
    assert all(out.strip().endswith(str(dest)) for out, _ in said)
    assert sum('writing' in out for out, _ in said) == 1  # one wrote, the others waited
    assert found_in(dest) == COUNTS and set(os.listdir(tmp_path)) - {'.mnist_sample.lock'} == {'mnist_sample'}
