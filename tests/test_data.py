"The embedded data: right, checked when read; and the folder of pictures: whole or not there, whatever happens."
import errno
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from conftest import ROOT
from PIL import Image

import digits_uth.data as data
from digits_uth.data import load_mnist, mnist_sample, threes_and_sevens

COUNTS = {'train/3': 6131, 'train/7': 6265, 'valid/3': 1010, 'valid/7': 1028}
CALL = 'import sys; from digits_uth.data import mnist_sample; print("ready", flush=True); print(mnist_sample(*sys.argv[1:]))'


def found_in(folder):
    return {name: len(list((folder / name).glob('*.png'))) for name in COUNTS}


def run_python(*arguments, before=(), **kwargs):
    return subprocess.run([*before, sys.executable, '-c', *map(str, arguments)], capture_output=True, text=True, cwd=ROOT, **kwargs)


@pytest.fixture(scope='module')
def sample(fastai_home):
    return mnist_sample()


def test_load_mnist_keeps_order_and_labels():
    images, labels = load_mnist('train')
    chosen, digits = load_mnist('train', digits=(d for d in (7, 3)))
    keep = (labels == 3) | (labels == 7)
    torch.testing.assert_close(chosen, images[keep])
    torch.testing.assert_close(digits, labels[keep])
    assert torch.bincount(load_mnist('test')[1]).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.mark.parametrize('digits', [[3], (3,), {3}, np.array([3]), torch.tensor([3]), iter([3])], ids=str)
def test_digits_may_be_any_iterable(digits):
    assert load_mnist('test', digits)[1].unique().tolist() == [3]


def test_threes_and_sevens_are_the_pictures_of_the_folder(sample):
    train_x, train_y, valid_x, valid_y = threes_and_sevens()
    first = min((sample / 'valid' / '7').iterdir(), key=lambda p: int(p.stem))
    ours = valid_x[valid_y[:, 0] == 0][0].view(28, 28)
    torch.testing.assert_close(ours, torch.tensor(np.array(Image.open(first))).float() / 255)
    assert (len(train_x), len(valid_x)) == (6131 + 6265, 1010 + 1028)


def test_the_sample_is_complete_and_fastai_finds_it_without_a_network(sample):
    assert found_in(sample) == COUNTS
    done = run_python('from fastai.data.external import URLs, fastai_path, untar_data\n'
                      'print(fastai_path("data")/"mnist_sample", untar_data(URLs.MNIST_SAMPLE))',
                      env={**os.environ, 'PYTHONPATH': str(ROOT / 'tests' / 'offline')})
    assert done.stdout.split() == [str(sample)] * 2, done.stderr
    images, _ = load_mnist('train')
    for name in ('10.png', '10000.png', '10011.png'):
        torch.testing.assert_close(torch.tensor(np.array(Image.open(sample / 'train' / '3' / name))), images[int(name[:-4])])


def test_the_place_follows_fastais_settings(tmp_path, monkeypatch):
    monkeypatch.setenv('FASTAI_HOME', str(tmp_path))
    (tmp_path / 'config.ini').write_text(f'[DEFAULT]\ndata = {tmp_path / "elsewhere"}\n')
    assert data._fastai_data() == tmp_path / 'elsewhere'


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
        if len(calls) == 500:
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
    for delay in np.linspace(0, 1.6, 9):
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
    assert '100.00%' in done.stdout  # the progress bar, which wipes itself out


@pytest.mark.slow
def test_twenty_processes_at_the_same_time_make_one_whole_folder(tmp_path):
    dest = tmp_path / 'mnist_sample'
    environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
    processes = [subprocess.Popen([sys.executable, '-c', CALL, dest], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  cwd=ROOT, env=environment) for _ in range(20)]
    said = [process.communicate(timeout=300) for process in processes]
    assert all(process.returncode == 0 for process in processes), said
    assert all(out.strip().endswith(str(dest)) for out, _ in said)
    assert sum('100.00%' in out for out, _ in said) == 1  # one wrote, the others waited
    assert found_in(dest) == COUNTS and set(os.listdir(tmp_path)) - {'.mnist_sample.lock'} == {'mnist_sample'}
