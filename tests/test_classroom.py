"A class of thirty: assignments from the lessons, and what nbgrader makes of whatever may be handed in."
import csv
import inspect
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime
from importlib import import_module
from pathlib import Path

import notebooks as tools
import numpy as np
import pytest
from answered import source_of
from conftest import LONG, ROOT, tell
from PIL import Image

pytest.importorskip('nbgrader', reason='nbgrader needs newer versions than the lowest')
from digits_uth import exercises, grading  # noqa: E402
from digits_uth.classroom import POINTS, make_class  # noqa: E402
from digits_uth.data import load_mnist  # noqa: E402
from digits_uth.sheet import made_sheet  # noqa: E402

LESSON = '02_distances'
LESSONS = [path.stem for path in tools.notebooks() if re.search(r'"check_\d\d_\d\(', text := path.read_text(encoding='utf-8')) and '### Questions' in text]
SOLUTIONS = import_module('lesson_02').SOLUTIONS
RIGHT = [right[0] for right, _ in SOLUTIONS.values()]


def nbgrader(folder, *command, status=0):
    "What one of nbgrader's commands says."
    environment = {**os.environ, 'HOME': str(folder.parent)}
    done = subprocess.run([sys.executable, '-m', 'nbgrader', *command], cwd=folder, env=environment, capture_output=True, text=True, timeout=800)
    assert done.returncode == status, done.stderr[-3000:]
    return done.stderr


def answers(nb, functions):
    "The assignment with these answers filled in, under the names that it asks for."
    nb = json.loads(json.dumps(nb))
    cells = [c for c in nb['cells'] if c['id'].startswith('answer_')]
    for cell, answer in zip(cells, functions, strict=True):
        name = re.search(r'^(?:def|class) (\w+)', cell['source'], re.MULTILINE)[1]
        if not isinstance(answer, str): answer = source_of(answer, name)
        cell['source'] = answer
    return nb


def stripped(nb, *keys):
    return {**nb, 'nbformat_minor': 5 - ('id' in keys), 'cells': [{k: {} if k == 'metadata' else v for k, v in c.items() if k != 'id' or k not in keys} for c in nb['cells']]}


def changed(nb, name, source):
    "With another text in one cell, or without the cell."
    cells = [{**c, 'source': source} if c['id'] == name else c for c in nb['cells'] if c['id'] != name or source is not None]
    return {**nb, 'cells': cells}


MEDIAN, LARGEST, BORDER = RIGHT
LOOPS = 'def median_digit(ims):\n    while True: pass'
EATS = 'import torch\nhoard = []\ndef median_digit(ims):\n    while True: hoard.append(torch.ones(10**7))'
PEEKS = '''import os, socket
from pathlib import Path
def largest_difference(a, b):
    found = [p for p in [Path(CLASS) / 'gradebook.db', Path(CLASS) / 'secret.txt', Path(CLASS) / 'source'] if p.exists()]
    assert not found, f'saw {found}'
    try: Path(CLASS, 'mine').write_text('x')
    except OSError: pass
    for address in (('127.0.0.1', PORT), ('192.0.2.1', 80)):
        try: socket.create_connection(address, timeout=1)
        except OSError: continue
        raise AssertionError(f'reached {address}')
    Path('mine').write_text('x')
    assert Path.home().resolve() == Path.cwd().resolve() and os.environ['OMP_NUM_THREADS'] == '1'
    return (a - b).abs().amax((-1, -2))'''
FLOODS = "def median_digit(ims):\n    while True: print('x' * 1000)"
FORKS = '''import subprocess, sys
all = [subprocess.Popen([sys.executable, '-c', 'while True: pass']) for _ in range(20)]
def median_digit(ims):
    return ims.median(0).values'''
BRIEF = {'right', 'median-mean', 'by-heart', 'answers-a-question', 'loops', 'eats-memory', 'ends-the-kernel', 'not-a-notebook', 'no-metadata-no-ids',
         'edits-a-test', 'drops-a-test', 'drops-an-answer', 'renames-the-check', 'peeks'}


def submissions(nb, folder, port):
    "Who hands in what, and what should become of it: the state, the points of the exercises, and what is said of each that isn't right."
    right = answers(nb, RIGHT)
    def first(answer): return answers(nb, [answer, LARGEST, BORDER])
    def graded(points, **said): return 'graded', points, said
    rows = {'right': (right, graded(6))}
    for place, (_, wrongs) in enumerate(SOLUTIONS.values()):
        for wrong in wrongs:
            given = [*RIGHT]
            given[place] = wrong
            rows[wrong.__name__.replace('_', '-')] = (answers(nb, given), graded(4, **{str(place + 1): ''}))
    shown = {}
    def keeps(margins_3s, margins_7s, borders): return shown.setdefault(len(borders), BORDER(margins_3s, margins_7s, borders))
    assert exercises.check_02_3(keeps)
    known = {size: border.item() for size, border in shown.items()}
    heart = f'def best_border(margins_3s, margins_7s, borders):\n    return {known}.get(len(borders), 9.)'
    rows |= {
        'answers-a-question': (changed(right, 'words_02_2', '1/784 and 1/28'), ('questions to be read', 6, {})),
        'nothing-done': (nb, graded(0, **dict.fromkeys('123', 'replace the ...'))),
        'by-heart': (answers(nb, [MEDIAN, LARGEST, heart]), graded(4, **{'3': ''})),
        'loops': (first(LOOPS), graded(4, **{'1': 'took too long'})),
        'floods': (first(FLOODS), graded(4, **{'1': 'took too long'})),
        'starts-processes': (first(FORKS), graded(6)),
        'eats-memory': (first(EATS), graded(4, **{'1': "can't allocate memory"})),
        'ends-the-kernel': (first('import os\nos._exit(0)'), ('did not run', 0, {})),
        'not-a-notebook': ('%PDF-1.7 not a notebook', ('did not run', 0, {})),
        'half-a-file': (json.dumps(right)[:3000], ('did not run', 0, {})),
        'no-metadata': (stripped(right, 'metadata'), graded(6)),
        'no-metadata-no-ids': (stripped(right, 'metadata', 'id'), graded(6)),
        'edits-a-test': (changed(first(SOLUTIONS['check_02_1'][1][2]), 'check_02_1', 'print("right")'), graded(4, **{'1': 'that is the mean.'})),
        'drops-a-test': (changed(first(SOLUTIONS['check_02_1'][1][2]), 'check_02_1', None), graded(4, **{'1': 'that is the mean.'})),
        'drops-an-answer': (changed(right, 'answer_02_2', None), graded(4, **{'2': 'replace the ...'})),
        'renames-the-check': (first('def median_digit(ims): return ims.mean(0)\ncheck_02_1 = lambda answer, **k: True'), graded(4, **{'1': 'that is the mean.'})),
        'a-typing-error': (first('def median_digit(ims)\n    return ims'), graded(4, **{'1': 'NameError'})),
        'a-package-that-is-not-there': (first('import no_such_package\n' + inspect.getsource(MEDIAN)), graded(4, **{'1': 'NameError'})),
        'asks-for-input': (first('size = input()\n' + inspect.getsource(MEDIAN)), graded(4, **{'1': 'NameError'})),
        'another-kernel': ({**right, 'metadata': {'kernelspec': {'name': 'of-my-own', 'display_name': 'Mine', 'language': 'python'}}}, graded(6)),
        'peeks': (answers(nb, [MEDIAN, PEEKS.replace('CLASS', repr(str(folder))).replace('PORT', str(port)), BORDER]), graded(6)),
    }
    return {name: row for name, row in rows.items() if name in BRIEF or LONG}


# ---- made from the lessons

@pytest.fixture(scope='module')
def made(tmp_path_factory):
    "Lesson -> its assignment, as nbgrader's source has it."
    folder = tmp_path_factory.mktemp('made') / 'class'
    assert make_class(folder) == LESSONS
    return {name: tools.read(folder / 'source' / name / f'{name}.ipynb') for name in LESSONS}


def sources(nb, kind): return {c['id']: c['source'] for c in nb['cells'] if c['id'].startswith(kind)}


@pytest.mark.parametrize('name', LESSONS)
def test_an_assignment_has_all_that_a_lesson_asks(made, name):
    nb, number = made[name], name[:2]
    lesson = '\n'.join(c.source for c in tools.read(ROOT / 'nbs' / f'{name}.ipynb').cells)
    checks = [check for check in exercises.__all__ if check[6:8] == number]
    assert [*sources(nb, 'check_')] == checks and [*sources(nb, 'answer_')] == [f'answer_{check[6:]}' for check in checks]
    assert len(sources(nb, 'question_')) == len(sources(nb, 'words_')) == lesson.split('### Questions')[1].count('<summary>Answer</summary>') == 5
    for text in sources(nb, 'task_').values(): assert text.split('\n', 1)[1] in lesson
    for text in sources(nb, 'answer_').values(): assert '...' in text and text in lesson
    for text in sources(nb, 'question_').values():
        question, answer = re.fullmatch(r'## Question \d\n(.*?)\n\n<!-- BEGIN MARK SCHEME -->\n\*A model answer:\* (.*)\n<!-- END MARK SCHEME -->', text, re.DOTALL).groups()
        assert question in lesson and answer in lesson
    points = [c.metadata.nbgrader.points for c in nb.cells if c.metadata.nbgrader.grade]
    assert sum(points) == POINTS['exercise'] * len(checks) + POINTS['question'] * 5


@pytest.mark.parametrize('name', LESSONS)
def test_model_answers_get_all_points_and_typical_mistakes_none(made, name):
    "Cell by cell, as a kernel would run them: what an answer needs, the first cell imports."
    nb, answers_of = made[name], import_module(f'lesson_{name[:2]}').SOLUTIONS
    def run(functions):
        scope, failed = {}, []
        for c in answers(nb, functions)['cells']:
            if c['cell_type'] != 'code': continue
            try: exec(c['source'], scope)
            except AssertionError: failed.append(c['id'])
        return failed
    assert run([right[0] for right, _ in answers_of.values()]) == []
    assert run([wrong[0] for _, wrong in answers_of.values()]) == [*answers_of]


def test_what_is_there_stays(tmp_path):
    folder = tmp_path / 'class'
    make_class(folder)
    files = {path: path.read_bytes() for path in folder.rglob('*') if path.is_file()}
    mine = folder / 'source' / LESSON / f'{LESSON}.ipynb'
    mine.write_text('{}', encoding='utf-8')
    (folder / 'source' / '03_sgd' / '03_sgd.ipynb').unlink()
    assert make_class(folder) == ['03_sgd'] and mine.read_text(encoding='utf-8') == '{}'
    assert all(path.read_bytes() == content for path, content in files.items() if path != mine)  # the same secret: the same inputs
    make_class(tmp_path / 'another')
    assert (tmp_path / 'another' / 'secret.txt').read_text() != (folder / 'secret.txt').read_text()


def test_a_folder_with_other_things_and_a_file_are_refused(tmp_path):
    (tmp_path / 'thesis.docx').touch()
    for path in (tmp_path, tmp_path / 'thesis.docx'):
        with pytest.raises(ValueError, match='folder: expected .*got .*name another'): make_class(path)
    assert [*tmp_path.iterdir()] == [tmp_path / 'thesis.docx']


def test_the_command(tmp_path):
    for words in ('13 assignments are written', 'has all assignments already'):
        done = subprocess.run([sys.executable, '-m', 'digits_uth', 'class', 'mine'], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0 and words in done.stdout, done.stderr
    assert {path.name for path in (tmp_path / 'mine').iterdir()} == {'README.md', 'class_digits.ipynb', 'nbgrader_config.py', 'secret.txt', 'source'}


# ---- handed in

@pytest.mark.parametrize('name, student, when', [
    ('ada_02_distances.ipynb', 'ada', None), ('Ada_Lovelace_02_distances.ipynb', 'ada-lovelace', None), ('ada/02_distances.ipynb', 'ada', None),
    ('ada_02_distances (1).ipynb', 'ada', None), ('ada_2026-11-30-09-15_02_distances.ipynb', 'ada', '2026-11-30 09:15:00'),
    ('ada_attempt_2026-11-30-17-20-05_04_mnist_loss.ipynb', 'ada', '2026-11-30 17:20:05'), ('ada 2026-11-30_03_sgd.ipynb', 'ada', '2026-11-30 00:00:00'),
    ('Dora Meier_123456_assignsubmission_file_02_distances.ipynb', 'dora-meier', None), ('Dora Meier_123456_assignsubmission_file_/02_distances.ipynb', 'dora-meier', None),
    ('02_distances.ipynb', None, None), ('mine.ipynb', None, None), ('ada_02_distances.pdf', None, None)])
def test_whose_it_is_and_from_when(name, student, when, tmp_path):
    archived, path = tmp_path / 'archive' / name, tmp_path / 'extracted' / name
    for file in (archived, path):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    os.utime(archived, (10**9, 10**9))
    found = grading.Collect().collect(str(path))
    if student is None: assert found is None
    else:
        lesson = re.findall(r'(?<!\d)\d\d_[a-z_]*[a-z]', name)[-1]
        assert found == {'student_id': student, 'file_id': lesson, 'timestamp': when or datetime.fromtimestamp(10**9).isoformat(' ', 'seconds')}


@pytest.fixture(scope='module')
def graded(tmp_path_factory):
    "A class that has handed in lesson 02 and has been graded: folder, what was expected, its table. Of thirty where LONG is set."
    if why := grading.missing(): pytest.skip(f'{why}: nothing was graded')
    folder = tmp_path_factory.mktemp('monday') / 'class'
    make_class(folder)
    settings = folder / 'nbgrader_config.py'
    settings.write_text(settings.read_text(encoding='utf-8').replace('SECONDS = 30', 'SECONDS = 15'), encoding='utf-8')
    nbgrader(folder, 'generate_assignment', LESSON)
    handed_out = tools.read(folder / 'release' / LESSON / f'{LESSON}.ipynb')
    archive = folder / 'downloaded' / LESSON / 'archive'
    archive.mkdir(parents=True)
    with socket.create_server(('127.0.0.1', 0)) as listener:  # somebody to reach, for one who tries
        rows = submissions(handed_out, folder, listener.getsockname()[1])
        for name, (nb, _) in rows.items():
            (archive / f'{name}_{LESSON}.ipynb').write_text(nb if isinstance(nb, str) else json.dumps(nb), encoding='utf-8')
        for minute, nb in (('05', handed_out), ('45', rows['right'][0]), ('30', handed_out)):
            (archive / f'twice_attempt_2026-11-30-09-{minute}-30_{LESSON}.ipynb').write_text(json.dumps(nb), encoding='utf-8')
        nbgrader(folder, 'zip_collect', LESSON, '--force')
        nbgrader(folder, 'db', 'student', 'add', 'absent', '--first-name=Not', '--last-name=There')
        start = time.perf_counter()
        nbgrader(folder, 'autograde', LESSON, status=1)  # it says so where one of them didn't run
        seconds = time.perf_counter() - start
    tell(f'class: {len(rows) + 1} submissions graded in {seconds:.0f} s')
    expected = {name: what for name, (_, what) in rows.items()} | {'twice': rows['right'][1], 'absent': ('not handed in', None, {})}
    nbgrader(folder, 'export')
    with open(folder / 'grades.csv', encoding='utf-8', newline='') as file: table = {row['student']: row for row in csv.DictReader(file)}
    return folder, expected, table


@pytest.mark.slow
@pytest.mark.xdist_group('class')
class TestGraded:
    def test_each_as_it_should_be_and_none_lost(self, graded):
        folder, expected, table = graded
        assert table.keys() == expected.keys()
        for name, (state, points, said) in expected.items():
            row = table[name]
            assert row['state'] == state, row
            assert row['points'] == ('' if points is None else f'{points:.1f}') or float(row['points']) == points, row
            if state not in ('not handed in', 'did not run'):
                for number in '123':
                    found = row[f'exercise {number}']
                    assert (found == 'right') == (number not in said) and said.get(number, '') in found, (name, row)
        assert Counter(row['state'] for row in table.values()) >= Counter({'not handed in': 1, 'did not run': 2, 'questions to be read': 1, 'graded': 11})

    def test_nothing_ran_outside_its_sandbox(self, graded):
        folder, *_ = graded
        busy = subprocess.run(['ps', '-eo', 'args'], capture_output=True, text=True).stdout
        assert 'while True: pass' not in busy
        assert not (folder / 'mine').exists() and not list(Path(tempfile.gettempdir()).glob('learner*/mine'))

    def test_feedback_shows_what_was_said_and_the_model_answers(self, graded):
        folder, *_ = graded
        nbgrader(folder, 'generate_feedback', LESSON, '--student=median-mean')
        page = (folder / 'feedback' / 'median-mean' / LESSON / f'{LESSON}.html').read_text(encoding='utf-8')
        assert 'that is the mean.' in page and 'A model answer' in page

    def test_graded_again_it_stays_as_it_is_and_the_next_attempt_counts(self, graded):
        folder, _, table = graded
        nbgrader(folder, 'autograde', LESSON, '--student=right', '--force')
        nbgrader(folder, 'export', '--to=again.csv')
        with open(folder / 'again.csv', encoding='utf-8', newline='') as file: again = {row['student']: row for row in csv.DictReader(file)}
        assert again == table
        late = folder / 'downloaded' / LESSON / 'archive' / f'Median mean_123_assignsubmission_file_2099-01-01_{LESSON}.ipynb'
        shutil.copy(late.with_name(f'right_{LESSON}.ipynb'), late)
        nbgrader(folder, 'zip_collect', LESSON, '--force')
        nbgrader(folder, 'export', '--to=late.csv', '--student=median-mean')
        with open(folder / 'late.csv', encoding='utf-8', newline='') as file: state = next(csv.DictReader(file))['state']
        assert state == 'a newer one is not graded yet'
        nbgrader(folder, 'autograde', LESSON, '--student=median-mean')
        nbgrader(folder, 'export', '--to=late.csv', '--student=median-mean')
        with open(folder / 'late.csv', encoding='utf-8', newline='') as file: row = next(csv.DictReader(file))
        assert row['state'] == 'graded' and float(row['points']) == 6 and row['handed in'].startswith('2099-01-01')


@pytest.mark.slow
def test_the_classs_digits_by_writer(tmp_path):
    "Three writers: one hands in a sheet, one a file, one both; a photograph without a sheet is named."
    notebook = tools.read(ROOT / 'digits_uth' / 'assets' / 'class' / 'class_digits.ipynb')
    images, labels = load_mnist('test')
    folder = tmp_path / 'digits'
    folder.mkdir()
    for name, part in (('ada', 0), ('cleo', 1)):
        part = slice(200 * part, 200 * part + 200)
        Image.fromarray(made_sheet(images[part], labels[part])).save(folder / f'{name}.jpg')
    for name, part in (('ben', slice(400, 430)), ('cleo', slice(430, 440))):
        np.savez(folder / f'{name}.npz', images=images[part], labels=labels[part])
    Image.fromarray(np.zeros((900, 900), np.uint8)).save(folder / 'dark.png')
    tools.execute(notebook, tmp_path)
    texts = [str(o.get('text') or o['data']) for c in notebook.cells for o in c.get('outputs', ())]
    assert 'dark.png: photo: expected' in texts[0]
    found = notebook.cells[3].outputs[-1]['data']['text/plain'].split()
    assert found[:4] == ['writer', 'ada', 'ben', 'cleo'] and found[4] == 'digits'
    cut, given = int(found[5]), int(found[7])
    assert 70 <= cut <= 80 and int(found[6]) == 30 and 80 <= given <= 90
    table = next(text for text in texts if 'standard error' in text)
    assert all(name in table for name in ('ada', 'ben', 'cleo', 'nearest ideal', 'convolutions'))
