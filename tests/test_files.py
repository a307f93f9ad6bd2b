"Lesson 07's files: what is saved comes back; what is not whole, or foreign, or another model's is refused."
import os
import random
import re
import struct
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.testing import assert_close

from digits_uth.files import load_model, save_model


def model(*sizes):
    torch.manual_seed(1)
    sizes = sizes or (6, 4, 1)
    return nn.Sequential(*(layer for a, b in zip(sizes, sizes[1:], strict=False) for layer in (nn.Linear(a, b), nn.BatchNorm1d(b))))


def same(a, b):
    return all(x.equal(y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_what_is_saved_comes_back(tmp_path):
    saved, fresh = model(), nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Linear(4, 1), nn.BatchNorm1d(1))
    saved(torch.rand(9, 6))  # the buffers of batch norm change
    path = save_model(saved, tmp_path / 'm.safetensors')
    assert not same(saved, fresh) and load_model(fresh, path) is fresh and same(saved, fresh)
    assert [p.name for p in tmp_path.iterdir()] == ['m.safetensors']
    half = nn.Linear(3, 2).bfloat16()
    assert same(load_model(nn.Linear(3, 2).bfloat16(), save_model(half, str(path))), half)


def test_a_file_holds_the_numbers_and_buffers_that_the_model_has(tmp_path):
    "As another library reads it."
    saved = model()
    with torch.no_grad():
        saved[0].weight.copy_(torch.arange(24.).view(4, 6) / 8)
    found = load_file(save_model(saved, tmp_path / 'm.safetensors'))
    assert found.keys() == saved.state_dict().keys() and found['0.weight'].equal(torch.arange(24.).view(4, 6) / 8)
    for name, value in saved.state_dict().items():
        assert_close(found[name], value)


class Tied(nn.Module):
    "Parameters that are the same tensor, and parameters that lie in one memory: what safetensors refuses to save as it is."
    def __init__(self, start=0.):
        super().__init__()
        memory = torch.arange(12.) + start
        self.there, self.back = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)
        self.there.weight = self.back.weight = nn.Parameter(torch.arange(9.).view(3, 3) - start)
        self.register_buffer('front', memory[:8])
        self.register_buffer('end', memory[4:])
        self.register_buffer('turned', memory.view(3, 4).T)  # the same memory in another order


def test_tensors_that_share_memory_are_saved(tmp_path):
    path = save_model(Tied(), tmp_path / 'm.safetensors')
    found = load_file(path)
    assert found['there.weight'].equal(found['back.weight']) and found['back.weight'].equal(torch.arange(9.).view(3, 3))
    assert found['front'].tolist() == [*range(8)] and found['end'].tolist() == [*range(4, 12)]
    assert found['turned'].tolist() == [[0, 4, 8], [1, 5, 9], [2, 6, 10], [3, 7, 11]]
    target = load_model(Tied(5.), path)
    assert same(target, Tied()) and target.there.weight is target.back.weight  # still tied
    flat = nn.Linear(4, 3, bias=False)
    flat.weight = nn.Parameter(torch.arange(12.).view(4, 3).T)  # a parameter whose memory isn't in the order of its rows
    assert load_file(save_model(flat, path))['weight'].tolist() == [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8, 11]]


def test_saving_leaves_the_model_as_it_is_and_loading_keeps_its_mode_and_parameters(tmp_path):
    saved = model().eval()
    before, parameters = {name: value.clone() for name, value in saved.state_dict().items()}, list(saved.parameters())
    path = save_model(saved, tmp_path / 'm.safetensors')
    assert path == tmp_path / 'm.safetensors' and all(value.equal(before[name]) for name, value in saved.state_dict().items())
    with torch.no_grad():
        saved[0].weight.zero_()
    assert load_model(saved, path) is saved and not saved.training and saved[0].weight.equal(before['0.weight'])
    assert all(p is q and p.requires_grad for p, q in zip(saved.parameters(), parameters, strict=True))  # so that an optimizer's still hold


@pytest.fixture
def nearly_full_disk():
    "A limit on the size of files: a write beyond it writes some and then fails, as on a disk that is full."
    resource = pytest.importorskip('resource')
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    @contextmanager
    def limited(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    return limited


@pytest.mark.parametrize('room', [0, 100, 700])
def test_a_write_that_fails_leaves_the_old_file_whole_and_nothing_else(room, tmp_path, nearly_full_disk):
    path, other = save_model(model(), tmp_path / 'm.safetensors'), model(6, 4, 1)
    good = path.read_bytes()
    assert len(good) > 1000 > room
    with torch.no_grad():
        other[0].weight.zero_()
    for place in (path, tmp_path / 'new.safetensors'):
        refused = r'path: expected a place to write to, got .*safetensors: .*\(lesson 07\)'
        with nearly_full_disk(room), pytest.raises(ValueError, match=refused):
            save_model(other, place)
        assert [p.name for p in tmp_path.iterdir()] == ['m.safetensors'] and path.read_bytes() == good
    assert same(load_model(other, path), model())


@pytest.mark.parametrize('error', [KeyboardInterrupt, MemoryError, OSError])
@pytest.mark.parametrize('step', ['before', 'after'])
def test_an_interruption_leaves_the_old_file_whole_and_nothing_else(error, step, tmp_path, monkeypatch):
    path, replace = save_model(model(), tmp_path / 'm.safetensors'), os.replace
    good = path.read_bytes()

    def interrupted(*args):
        if step == 'after':
            replace(*args)
        raise error('interrupted')
    monkeypatch.setattr(os, 'replace', interrupted)
    other = model(6, 5, 1)
    with pytest.raises(ValueError if error is OSError else error):
        save_model(other, path)
    assert [p.name for p in tmp_path.iterdir()] == ['m.safetensors']
    if step == 'before':
        assert path.read_bytes() == good
    else:
        assert same(load_model(model(6, 5, 1), path), other)


def test_a_folder_is_not_overwritten(tmp_path):
    (tmp_path / 'models' / 'mine').mkdir(parents=True)
    with pytest.raises(ValueError, match='path: expected a place to write to, got .*models'):
        save_model(model(), tmp_path / 'models')
    assert [p.name for p in tmp_path.iterdir()] == ['models'] and (tmp_path / 'models' / 'mine').is_dir()


def test_a_file_without_a_checksum_is_loaded_where_that_is_said(tmp_path):
    path, saved = tmp_path / 'm.safetensors', model()
    with torch.no_grad():
        saved[0].weight.fill_(.25)
    save_file(saved.state_dict(), path)
    with pytest.raises(ValueError, match='without its checksum'):
        load_model(model(), path)
    with pytest.raises(ValueError, match='without its checksum'):
        load_model(model(), path, checksum=True)
    target = model()
    assert load_model(target, path, checksum=False) is target and same(target, saved)
    with pytest.raises(ValueError, match=r'\(lesson 07\)'):  # another model's file is refused all the same
        load_model(model(6, 5, 1), path, checksum=False)


def test_two_hundred_damaged_or_foreign_files_are_refused(tmp_path):
    path, target = tmp_path / 'm.safetensors', model()
    good = save_model(model(), path).read_bytes()
    header = struct.unpack('<Q', good[:8])[0] + 8
    rng = random.Random(0)
    damaged = [good[:n] for n in (0, 1, 7, 8, 9, header - 1, header, len(good) - 1)] + [good + b'\0', b'\0' * 100, b'PK\x03\x04' + good]
    damaged += [rng.randbytes(n) for n in range(1, 40)]
    for _ in range(150):  # a flipped bit anywhere: in the length, the header, the checksum or the data
        flipped = bytearray(good)
        flipped[rng.randrange(len(good))] ^= 1 << rng.randrange(8)
        damaged.append(bytes(flipped))
    assert len(damaged) >= 200
    before = {name: value.clone() for name, value in target.state_dict().items()}
    loaded = 0
    for data in damaged:
        path.write_bytes(data)
        try:
            load_model(target, path)
            loaded += 1  # only where the file still says exactly the same, as with a flipped space of the header's padding
        except ValueError as e:
            assert re.search(r'expected a file written by save_model, got .*\(lesson 07\)', str(e), re.DOTALL)
        assert all(value.equal(before[name]) for name, value in target.state_dict().items())
    assert loaded <= 2


class Evil:
    def __reduce__(self):
        return exec, ('raise SystemExit("code was run")',)


def test_foreign_files_are_refused_and_none_of_their_code_runs(tmp_path):
    path = tmp_path / 'm.safetensors'
    torch.save(Evil(), path)
    with pytest.raises(ValueError, match='expected a file written by save_model'):
        load_model(model(), path)
    save_file(model().state_dict(), path)
    with pytest.raises(ValueError, match='without its checksum; save it with save_model'):
        load_model(model(), path)
    for missing in (tmp_path / 'none', tmp_path):
        with pytest.raises(ValueError, match='look at the path'):
            load_model(model(), missing)


@pytest.mark.parametrize('other, differ', [
    (partial(model, 6, 5, 1), r'shape of 0.bias \(4,\) for \(5,\), .*; make the model that was saved'),
    (partial(model, 6, 4), 'unexpected 2.bias, 2.weight, .*; make the model that was saved'),
    (partial(model, 6, 4, 1, 1), 'missing 4.bias, 4.weight, .*; make the model that was saved'),
    (lambda: model().double(), r'dtype of 0.bias torch.float32 for torch.float64, .*; use model.to\(torch.float32\)'),
    (lambda: nn.Linear(6, 1), 'missing bias, weight; unexpected 0.bias, .*; make the model that was saved')],
    ids=['other sizes', 'fewer layers', 'more layers', 'another dtype', 'other names'])
def test_another_models_file_is_refused_and_changes_nothing(other, differ, tmp_path):
    path = save_model(model(), tmp_path / 'm.safetensors')
    target = other()
    before = {name: value.clone() for name, value in target.state_dict().items()}
    with pytest.raises(ValueError, match=rf'another model: {differ} \(lesson 07\)'):
        load_model(target, path)
    assert all(value.equal(before[name]) for name, value in target.state_dict().items())


def test_saving_in_several_threads_at_once(tmp_path):
    saved = model()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: save_model(saved, tmp_path / 'm.safetensors'), range(60)))
    assert same(load_model(model(), tmp_path / 'm.safetensors'), saved) and len(list(tmp_path.iterdir())) == 1


def test_a_place_that_cannot_be_written_to_is_named(tmp_path):
    with pytest.raises(ValueError, match='path: expected a place to write to, got .*none'):
        save_model(model(), tmp_path / 'none' / 'm.safetensors')
    kept = save_model(model(), tmp_path / 'm.safetensors').read_bytes()
    assert np.frombuffer(kept, np.uint8).size > 500 and len(list(tmp_path.iterdir())) == 1
