"The pad's Python side, and the file that keeps a learner's digits: whole or not at all, whatever happens."
import errno
import io
import os
import re
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch
from conftest import ROOT

from digits_uth import drawing
from digits_uth.drawing import Pad, keep, my_digits, prepare
from digits_uth.strokes import course_drawings
from digits_uth.strokes import draw as drawn

SEVEN = [[[.25, .2, 0], [.75, .2, .3], [.4, .85, .8]]]
LINE = [[[.5, .2, 0], [.5, .8, .5]]]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    "A folder of its own for what is kept, and a new session."
    monkeypatch.delenv('DIGITS_UTH_HOME', raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(drawing, '_said', set())
    return tmp_path


def picture(seed=0):
    return torch.randint(256, (28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def stored(folder):
    with np.load(folder / 'my_digits.npz', allow_pickle=False) as arrays:
        return arrays['images'], arrays['labels']


def draw(strokes, width):
    "A pad's drawing, with paper around it."
    return torch.nn.functional.pad(drawn(strokes, width), (40,) * 4)


def files(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != '.my_digits.npz.lock')


# ---- keep and my_digits

def test_what_was_kept_comes_back_by_digit_and_then_as_kept(home):
    assert [keep(picture(i), label) for i, label in enumerate([7, 3, 7])] == [1, 1, 2]
    images, labels = my_digits([7, 3])
    assert images.dtype == torch.uint8 and labels.dtype == torch.int64 and labels.tolist() == [3, 7, 7]
    assert images.equal(torch.stack([picture(1), picture(0), picture(2)]))
    images, labels = stored(home)
    assert images.dtype == np.uint8 and labels.dtype == np.int64 and labels.tolist() == [7, 3, 7]
    assert files(home) == ['my_digits.npz']
    my_digits([7])[0].zero_()  # one's own
    assert my_digits([7])[0].any()


def test_an_array_and_a_whole_number_of_any_kind_are_kept():
    assert keep(picture().numpy(), np.int64(3)) == 1 and keep(picture(), torch.tensor(3)) == 2
    assert my_digits([3])[0].equal(torch.stack([picture(), picture()]))


def test_the_folder_is_the_one_that_is_said(home, monkeypatch):
    monkeypatch.setenv('DIGITS_UTH_HOME', str(home / 'new' / 'place'))
    keep(picture(), 3)
    assert files(home) == ['new'] and files(home / 'new' / 'place') == ['my_digits.npz']
    assert len(my_digits([3])[0]) == 1


def test_the_courses_drawings_stand_in_for_a_digit_that_nobody_drew_and_one_line_says_so(capsys):
    keep(picture(), 3)
    assert my_digits([3])[1].tolist() == [3] and capsys.readouterr().out == ''
    images, labels = my_digits([3, 7])
    expected = [prepare(drawn(d['strokes'], d['width'])) for d in course_drawings([7])]
    assert labels.tolist() == [3] + [7] * len(expected) and images.equal(torch.stack([picture(), *expected]))
    assert capsys.readouterr().out == 'You have kept no 7 yet: these are drawings made for the course.\n'
    images, labels = my_digits()
    assert images.dtype == torch.uint8 and sorted(set(labels.tolist())) == list(range(10)) and (labels.diff() >= 0).all()
    assert capsys.readouterr().out.startswith('You have kept no 0 and no 1 and no 2 and no 4')
    my_digits(), my_digits([7])
    assert capsys.readouterr().out == ''  # once a session of the same digits


def test_where_tensors_are_made_by_default_elsewhere_these_are_on_the_cpu():
    three = picture()
    keep(three, 3)
    with torch.device('meta'):
        assert all(t.device.type == 'cpu' for t in my_digits([3, 7])) and keep(my_digits([3])[0][0], 3) == 2


WRONG = {'not a file': b'PK or not', 'empty': b'', 'no arrays': None, 'other names': {'x': np.zeros((1, 28, 28), np.uint8)},
         'other shape': {'images': np.zeros((1, 784), np.uint8), 'labels': np.zeros(1, np.int64)},
         'other lengths': {'images': np.zeros((2, 28, 28), np.uint8), 'labels': np.zeros(1, np.int64)},
         'floats': {'images': np.zeros((1, 28, 28)), 'labels': np.zeros(1, np.int64)},
         'labels of more digits': {'images': np.zeros((1, 28, 28), np.uint8), 'labels': np.array([10])},
         'a pickle': {'images': np.array([[[print]]], object), 'labels': np.zeros(1, np.int64)}}


def damage(home, what):
    if isinstance(what, dict):
        np.savez(home / 'my_digits.npz', **what)
    elif what is None:
        zipfile.ZipFile(home / 'my_digits.npz', 'w').close()
    else:
        (home / 'my_digits.npz').write_bytes(what)
    return (home / 'my_digits.npz').read_bytes()


@pytest.mark.parametrize('what', WRONG.values(), ids=WRONG)
def test_a_damaged_file_is_set_aside_and_said_and_never_overwritten(home, capsys, what):
    before = damage(home, what)
    assert my_digits([3])[1].tolist() == [3] * len(course_drawings([3]))
    assert 'is damaged' in capsys.readouterr().out and files(home) == ['my_digits.npz']  # reading moves nothing
    assert (home / 'my_digits.npz').read_bytes() == before
    assert keep(picture(), 3) == 1
    said = capsys.readouterr().out
    assert 'was damaged' in said and 'set aside as my_digits.damaged-1.npz' in said
    assert files(home) == ['my_digits.damaged-1.npz', 'my_digits.npz']
    assert (home / 'my_digits.damaged-1.npz').read_bytes() == before and my_digits([3])[0].equal(picture()[None])
    again = damage(home, b'once more')
    keep(picture(), 3)
    assert (home / 'my_digits.damaged-1.npz').read_bytes() == before and (home / 'my_digits.damaged-2.npz').read_bytes() == again


def test_any_truncated_file_and_any_flipped_byte_is_noticed(home):
    keep(picture(), 3)
    whole = (home / 'my_digits.npz').read_bytes()
    for length in range(0, len(whole), 37):
        damage(home, whole[:length])
        with pytest.raises(ValueError):
            drawing._read(home / 'my_digits.npz')
    for place in range(0, len(whole), 29):
        damage(home, whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1:])
        try:
            images, labels = drawing._read(home / 'my_digits.npz')
        except ValueError:
            continue
        assert labels.tolist() == [3] and (images[0] == picture().numpy()).all()  # a date, say


@pytest.mark.parametrize('step', ['savez_compressed', 'fsync', 'replace'])
def test_a_full_disk_is_said_and_changes_nothing(home, monkeypatch, step):
    keep(picture(), 3)
    before = (home / 'my_digits.npz').read_bytes()
    def full(*args, **kwargs):
        if step == 'savez_compressed':
            args[0].write(b'half')
        raise OSError(errno.ENOSPC, 'No space left on device')
    monkeypatch.setattr(np if step == 'savez_compressed' else os, step, full)
    with pytest.raises(OSError, match=r'my_digits.npz: it could not be written: No space left on device. Nothing has changed.*lesson 01'):
        keep(picture(1), 3)
    assert (home / 'my_digits.npz').read_bytes() == before and files(home) == ['my_digits.npz']


@pytest.mark.skipif(os.name == 'nt' or os.geteuid() == 0, reason='root may write anywhere')
def test_a_folder_that_may_not_be_written_to_is_said(home):
    home.chmod(0o500)
    try:
        with pytest.raises(OSError, match='Permission denied. Nothing has changed'):
            keep(picture(), 3)
    finally:
        home.chmod(0o700)
    assert files(home) == []


def test_a_file_where_the_folder_should_be_is_said(home, monkeypatch):
    (home / 'file').write_text('')
    monkeypatch.setenv('DIGITS_UTH_HOME', str(home / 'file'))
    with pytest.raises(OSError, match='my_digits.npz: it could not be written.*DIGITS_UTH_HOME'):
        keep(picture(), 3)


KEEPERS = """
import os, sys, torch
from digits_uth.drawing import keep
first, many = int(sys.argv[1]), int(sys.argv[2])
children = []
for number in range(first, first + many):
    child = os.fork() if many > 1 else 0  # where processes can be forked: each import of PyTorch takes seconds
    if child:
        children.append(child)
        continue
    for i in range(3): keep(torch.full((28, 28), number * 10 + i, dtype=torch.uint8), i)
    if many > 1: os._exit(0)
assert all(os.waitpid(child, 0)[1] == 0 for child in children)
"""


def test_twenty_processes_at_once_lose_nothing(home):
    starts, many = (range(0, 20, 10), 10) if hasattr(os, 'fork') else (range(4), 1)
    environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
    started = [subprocess.Popen([sys.executable, '-c', KEEPERS, str(start), str(many)], cwd=home, env=environment) for start in starts]
    assert [process.wait(120) for process in started] == [0] * len(started)
    images, labels = stored(home)
    assert sorted(images[:, 0, 0].tolist()) == sorted(10 * i + k for start in starts for i in range(start, start + many) for k in range(3))
    assert (images == images[:, :1, :1]).all() and (labels == images[:, 0, 0] % 10).all()
    assert files(home) == ['my_digits.npz']


# ---- the pad

def test_a_pad_says_how_to_go_on_where_no_widget_is_shown():
    for pad, name in ((Pad(3), 'Pad(3)'), (Pad(), 'Pad()')):
        found = pad._repr_mimebundle_()
        data = found[0] if isinstance(found, tuple) else found
        assert 'application/vnd.jupyter.widget-view+json' in data
        assert data['text/plain'] == repr(pad) and repr(pad).startswith(name) and 'prepare(' in repr(pad) and repr(pad).endswith('.')
        assert all(digit in range(10) for digit in eval(re.search(r'my_digits\((.*?)\)', repr(pad))[1] or '[]'))


def test_a_pads_picture_is_what_prepare_makes_of_the_drawing(capsys):
    pad = Pad(7)
    pad.strokes = SEVEN
    expected = prepare(draw(SEVEN, pad.width))
    assert pad.picture.equal(expected) and pad.prepared == expected.flatten().tolist() and pad.turn == 1 and not pad.problem
    assert pad.picture.dtype == torch.uint8 and pad.picture.shape == (28, 28)
    pad.picture.zero_()
    assert pad.picture.equal(expected)
    pad.width = .12
    assert pad.picture.equal(prepare(draw(SEVEN, .12))) and capsys.readouterr().out == ''


def test_an_empty_pad_gives_the_courses_drawing_and_says_so_once_or_says_what_to_do(capsys):
    first = course_drawings([3])[0]
    for _ in range(2):
        assert Pad(3).picture.equal(prepare(drawn(first['strokes'], first['width'])))
    assert capsys.readouterr().out == 'Nothing is drawn on the pad yet: this 3 was drawn for the course.\n'
    with pytest.raises(ValueError, match='expected a drawing, got an empty pad; draw a digit on it'):
        Pad().picture  # noqa: B018


def test_a_drawing_that_touches_the_edge_is_whole():
    pad = Pad(1)
    pad.strokes = [[[.5, .3, 0], [.5, 1, .5]], [[0, 1, .8], [1, 1, 1]]]
    rows, columns = pad.picture.nonzero(as_tuple=True)
    assert columns.max() - columns.min() >= 19 and rows.max() - rows.min() >= 12


def test_what_prepare_refuses_is_the_pads_problem():
    pad = Pad(1)
    pad.strokes = [[[.3, .2], [.3, .8]], [[.7, .2], [.7, .8]]]
    assert pad.problem.startswith('The program expects one digit, got 2 pieces') and pad.problem.endswith('.') and 'lesson' not in pad.problem
    assert pad.prepared == [] and pad.turn == 1
    with pytest.raises(ValueError, match=r'picture: expected one digit, got 2 pieces.*\(lesson \d\d\)'):
        pad.picture  # noqa: B018
    pad.strokes = [[['a', 'b']]]
    assert 'strokes: expected points' in pad.problem and pad.prepared == []
    pad.strokes = LINE
    assert not pad.problem and len(pad.prepared) == 784 and pad.picture.any()


class Page:
    "What the browser's side sends, and what is said to it."
    def __init__(self, pad):
        self.pad, self.said, self.turn = pad, [], 0
        pad.send = lambda content, buffers=None: self.said.append(content['said'])

    def send(self, do, **more):
        self.turn += 1
        self.pad._do({'do': do, 'turn': self.turn, 'strokes': SEVEN, 'width': .07, 'past': [], **more})
        return self.said[-1] if self.said else None


def test_the_pad_takes_over_what_the_page_sends_as_the_turn_that_it_is():
    page = Page(Pad(7))
    assert page.send('draw', past=[0]) is None
    assert (page.pad.strokes, page.pad.past, page.pad.turn) == (SEVEN, [0], 1)
    assert page.send('draw', strokes=[], past=[0, SEVEN]) is None and page.pad.prepared == [] and page.pad.turn == 2


def test_the_pad_shows_the_courses_drawings_one_after_another():
    page, examples = Page(Pad(3)), course_drawings([3])
    for example in [*examples, examples[0]]:
        assert f'A 3 drawn for the course: {example["note"]}.' in page.send('show', digit=3)
        assert page.pad.strokes == example['strokes'] and page.pad.turn == page.turn and page.pad.past == [SEVEN]
    assert page.said[-1].endswith('Undo brings yours back.') and page.send('show', digit=3, strokes=[]).endswith('Undo takes it away.')
    page = Page(Pad())
    assert [re.search(r'\d', page.send('show', digit=None))[0] for _ in range(11)] == list('01234567890')
    assert 'An 8 drawn' in page.said[8]


def test_the_pad_keeps_and_takes_back(home):
    page, seven = Page(Pad(7)), prepare(draw(SEVEN, .07))
    keep(seven, 7)  # by hand, and not the pad's to take back
    assert page.send('back') == 'There is nothing to take back: this pad has kept nothing.'
    assert page.send('keep', label=7) == 'Kept as a 7: you have 2 sevens.'
    assert page.send('keep', label=7) == 'It is kept already, as a 7.'
    assert page.send('keep', label=8) == 'Kept as an 8: you have 1 eight.'
    assert page.send('keep', label=6, strokes=LINE) == 'Kept as a 6: you have 1 six.'
    keep(picture(), 1)
    assert page.send('back') == 'Taken back: you have 0 sixes.' and page.send('back') == 'Taken back: you have 0 eights.'
    assert stored(home)[1].tolist() == [7, 7, 1]
    assert page.send('back') == 'Taken back: you have 1 seven.' and 'nothing to take back' in page.send('back')
    assert stored(home)[1].tolist() == [7, 1] and (stored(home)[0][0] == seven.numpy()).all()


def test_the_pad_says_why_it_can_not_keep(home, monkeypatch):
    page = Page(Pad(7))
    damage(home, b'not a file')
    assert re.fullmatch(r'my_digits.npz was damaged: .*. It is set aside as my_digits.damaged-1.npz, .*Kept as a 7: you have 1 seven.', page.send('keep', label=7))
    (home / 'file').write_text('')
    monkeypatch.setenv('DIGITS_UTH_HOME', str(home / 'file'))
    assert 'could not be written' in page.send('keep', label=3) and 'could not be written' in page.send('back')
    monkeypatch.delenv('DIGITS_UTH_HOME')
    assert page.send('back') == 'Taken back: you have 0 sevens.'
    assert 'strokes' in page.send('keep', label=7, strokes=[]) and 'label' in page.send('keep', label=None) and page.send('no such thing')


def test_the_scripts_need_no_network():
    for text in (str(Pad._esm), str(Pad._css)):
        assert len(text) > 1000 and not re.search(r'https?:|import\b|@import|url\(', text)


def test_a_pad_needs_no_kernel_and_is_fast_to_make():
    buffer = io.StringIO()
    print(Pad(3), Pad(), file=buffer)
    assert buffer.getvalue().count('Pad(') == 2
