"The commands: an environment that is made, kept, renewed and repaired; a learner's copies that are never overwritten."
import ast
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import course
import nbformat
import notebooks as tools
import pytest
from conftest import ROOT

from digits_uth.lessons import course_files, lay_out


# ---- the environment

class Installer:
    "A project in a temporary folder, in which pip only keeps a record."
    def __init__(self, folder, patch):
        self.calls, self.result, self.said, self.targets = [], 0, '', []
        for name in ('settings.ini', 'setup.py', 'pyproject.toml', 'constraints.txt'):
            (folder / name).write_bytes((ROOT / name).read_bytes())
        patch.setattr(course, 'ROOT', folder)
        patch.setattr(course, 'VENV', folder / '.venv')
        patch.setattr(course, 'STATE', folder / '.venv' / 'course.json')
        patch.setattr(course, 'run', self.run)
        patch.setattr(course, 'works', self.works)
        patch.setattr(course, 'pip_install', self.pip_install)
        patch.setattr(course, 'cpu_wheels', lambda: False)

    def run(self, *command):
        if 'venv' in command:
            self.calls.append('venv')
            course.venv_python().parent.mkdir(parents=True)
            course.venv_python().touch()

    def works(self, *command):
        return 'ensurepip' in str(command) or Path(command[0]).exists()

    def pip_install(self, *arguments):
        self.calls.append('pip')
        self.targets.append(arguments[-1])
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result, self.said

    def called(self):
        calls, self.calls = self.calls, []
        return calls


@pytest.fixture
def installer(tmp_path, monkeypatch):
    return Installer(tmp_path, monkeypatch)


def test_a_second_install_installs_nothing(installer):
    course.install()
    assert installer.called() == ['venv', 'pip']
    course.install()
    assert installer.called() == []


def test_learners_get_what_they_need_and_developers_the_rest(installer):
    course.install('lab')
    course.install('lab')
    assert installer.targets == ['.[lab]']
    course.install('dev')
    course.install('lab')
    assert installer.targets == ['.[lab]', '.[dev]'] and installer.called() == ['venv', 'pip', 'pip']
    with open(course.ROOT / 'settings.ini', 'a', encoding='utf-8') as file:
        file.write('\n')
    course.install('lab')
    assert installer.targets[-1] == '.[dev]'  # what was there stays


@pytest.mark.parametrize('fits', [True, False])
def test_pytorch_comes_small_where_its_index_answers_and_from_pypi_else(fits, installer, monkeypatch, capsys):
    monkeypatch.setattr(course, 'cpu_wheels', lambda: True)
    asked = []

    def pip_install(*arguments):
        asked.append(arguments)
        return (0, '') if fits or course.CPU_WHEELS not in arguments else (1, 'ERROR: No matching distribution found for torch')
    monkeypatch.setattr(course, 'pip_install', pip_install)
    course.install('lab')
    assert asked == [('-c', 'constraints.txt', '--index-url', course.CPU_WHEELS, 'torch', 'torchvision'), ('-c', 'constraints.txt', '-e', '.[lab]')]
    assert ('larger build' in capsys.readouterr().out) != fits


def test_pytorch_comes_small_on_linux_without_a_driver_only(monkeypatch):
    class Answer:
        def close(self): pass
    answer = {'urlopen': lambda *a, **k: Answer(), 'platform': 'linux', 'machine': 'x86_64', 'which': None}

    def small(**changed):
        now = {**answer, **changed}
        monkeypatch.setattr(course, 'urlopen', now['urlopen'])
        monkeypatch.setattr(sys, 'platform', now['platform'])
        monkeypatch.setattr(course.platform, 'machine', lambda: now['machine'])
        monkeypatch.setattr(course.shutil, 'which', lambda name: now['which'])
        monkeypatch.setattr(course.os.path, 'exists', lambda path: now.get('driver', False))
        return course.cpu_wheels()

    def offline(*a, **k): raise OSError('no network')
    assert small()
    assert not any([small(urlopen=offline), small(platform='darwin'), small(platform='win32'), small(machine='aarch64'),
                    small(which='/usr/bin/nvidia-smi'), small(driver=True)])


@pytest.mark.parametrize('said, advice', [
    ("WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError(...)': /simple/torch/\nERROR: No matching distribution found for torch", 'connect this machine'),
    ('ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device', 'The disk is full: make room, 7 GB'),
    ("ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: 'x'", 'mend that')], ids=['offline', 'full', 'forbidden'])
def test_what_is_not_a_matter_of_versions_gets_one_true_line_and_is_not_tried_again(said, advice, installer, capsys):
    installer.result, installer.said = 1, said
    with pytest.raises(course.Stop, match=advice) as stop:
        course.install()
    assert installer.called() == ['venv', 'pip'] and 'constraints' not in capsys.readouterr().out and '\n' not in str(stop.value)


def test_pips_errors_are_printed_as_they_come_and_kept(monkeypatch, tmp_path, capfd):
    pip = tmp_path / 'pip.py'
    pip.write_text('import sys\nprint("out")\nprint("ERROR: why", file=sys.stderr)\nsys.exit(3)\n', encoding='utf-8')
    real = subprocess.Popen
    monkeypatch.setattr(course.subprocess, 'Popen', lambda command, **kwargs: real([sys.executable, str(pip)], **kwargs))
    assert course.pip_install('x') == (3, 'ERROR: why\n')
    assert capfd.readouterr() == ('out\n', 'ERROR: why\n')


@pytest.mark.skipif(os.name == 'nt', reason='its locks are taken and told the same way, by msvcrt')
def test_a_second_set_up_waits_for_the_first_and_finds_all_there(installer, tmp_path):
    "Two processes at once; each installs by a slow pip that notes when it begins and ends."
    script = tmp_path / 'two.py'
    script.write_text(f"""
import sys, time
sys.path.insert(0, {str(ROOT / 'tools')!r})
import course
from pathlib import Path
course.ROOT = Path({str(tmp_path)!r}); course.VENV = course.ROOT/'.venv'; course.STATE = course.VENV/'course.json'
course.cpu_wheels = lambda: False
course.works = lambda *command: 'ensurepip' in str(command) or Path(command[0]).exists()
def run(*command):
    if 'venv' in command: course.venv_python().parent.mkdir(parents=True); course.venv_python().touch()
def pip_install(*arguments):
    with open(course.ROOT/'log', 'a') as log: log.write('begin\\n')
    time.sleep(1.5)
    with open(course.ROOT/'log', 'a') as log: log.write('end\\n')
    return 0, ''
course.run, course.pip_install = run, pip_install
course.install('lab')
""", encoding='utf-8')
    both = [subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert (tmp_path / 'log').read_text() == 'begin\nend\n' and sum('waiting for it' in text for text in said) == 1


@pytest.mark.skipif(hasattr(os, 'geteuid') and os.geteuid() == 0 and not os.path.isdir('/proc/self'), reason='root may write anywhere')
def test_a_folder_that_cannot_be_written_gets_one_line(installer, monkeypatch):
    monkeypatch.setattr(course, 'ROOT', Path('/proc/self') if os.geteuid() == 0 else course.ROOT)
    if os.geteuid() != 0:
        course.ROOT.chmod(0o500)
    with pytest.raises(course.Stop, match="can't be written.*copy it to a place of your own"):
        with course.alone():
            raise AssertionError('it could')


@pytest.mark.parametrize('name', ['settings.ini', 'setup.py', 'pyproject.toml', 'constraints.txt'])
def test_changed_settings_are_installed_once(name, installer):
    course.install()
    installer.called()
    with open(course.ROOT / name, 'a', encoding='utf-8') as file:
        file.write('\n# changed\n')
    course.install()
    assert installer.called() == ['pip']
    course.install()
    assert installer.called() == []


@pytest.mark.parametrize('renewed', [False, True])
def test_an_interrupted_install_is_repaired_by_the_next(renewed, installer):
    if renewed:
        course.install()
        with open(course.ROOT / 'settings.ini', 'a', encoding='utf-8') as file:
            file.write('\n')
    installer.result = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        course.install()
    installer.called()
    (course.VENV / 'half a package').touch()
    installer.result = 0
    course.install()
    assert installer.called() == ['venv', 'pip'] and not (course.VENV / 'half a package').exists()
    course.install()
    assert installer.called() == []


def test_an_environment_whose_python_is_gone_is_made_again(installer):
    course.install()
    installer.called()
    course.venv_python().unlink()
    course.install()
    assert installer.called() == ['venv', 'pip']


def test_the_newest_versions_are_tried_where_the_recorded_ones_do_not_fit(installer, capsys):
    installer.result = 1
    with pytest.raises(course.Stop, match='could not be installed'):
        course.install()
    assert installer.called() == ['venv', 'pip', 'pip'] and 'trying the newest' in capsys.readouterr().out
    installer.result = 0
    course.install()
    assert installer.called() == ['venv', 'pip']


def test_a_renewal_that_fails_keeps_the_packages_and_is_tried_again(installer):
    course.install()
    with open(course.ROOT / 'settings.ini', 'a', encoding='utf-8') as file:
        file.write('\n')
    installer.result = 1  # no network, say
    with pytest.raises(course.Stop):
        course.install()
    installer.called()
    installer.result = 0
    course.install()
    assert installer.called() == ['pip']


def test_somebody_elses_environment_is_left_alone(installer):
    course.VENV.mkdir()
    (course.VENV / 'precious').touch()
    with pytest.raises(course.Stop, match=r"wasn't made by this course.*--here"):
        course.install()
    assert (course.VENV / 'precious').exists() and not installer.called()


def test_a_python_without_venv_is_told_in_one_line(installer, monkeypatch):
    monkeypatch.setattr(course, 'works', lambda *command: False)
    with pytest.raises(course.Stop, match='sudo apt install python3-venv'):
        course.install()


@pytest.mark.parametrize('version', [(3, 6, 15), (3, 10, 13)])
def test_an_unsuitable_python_gets_one_line(version, installer, monkeypatch):
    monkeypatch.setattr(sys, 'version_info', version)
    monkeypatch.setattr(sys, 'version', '.'.join(map(str, version)) + ' (main)')
    with pytest.raises(course.Stop) as stop:
        course.install()
    said = str(stop.value)
    assert said.startswith(f'Python 3.11 or newer is needed and this is {sys.version.split()[0]}') and '\n' not in said
    assert not installer.called()


def test_an_old_python_can_read_the_file_as_far_as_that_line():
    ast.parse((ROOT / 'tools' / 'course.py').read_text(encoding='utf-8'), feature_version=(3, 6))
    imports = {(node.names[0].name if isinstance(node, ast.Import) else node.module).split('.')[0]
               for node in ast.walk(ast.parse((ROOT / 'tools' / 'course.py').read_text(encoding='utf-8')))
               if isinstance(node, (ast.Import, ast.ImportFrom))}
    assert imports <= set(sys.stdlib_module_names)


def test_help_lists_every_command():
    done = subprocess.run([sys.executable, 'tools/course.py', 'help'], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0 and all(re.search(rf'^{name} ', done.stdout, re.MULTILINE) for name in course.COMMANDS)


# ---- a learner's copies

@pytest.fixture
def copies(tmp_path):
    "A project of one lesson in a temporary folder; call it to make the copies."
    source = tmp_path / 'nbs'
    source.mkdir()

    def write(text, path=source / '01_lesson.ipynb'):
        cells = [nbformat.v4.new_markdown_cell('# A lesson', id='title'), nbformat.v4.new_code_cell('#| hide\nassert True', id='guard'),
                 nbformat.v4.new_code_cell(f'#| export\n{text}', id='code', outputs=[nbformat.v4.new_output('stream', text='a result')])]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), path)

    def make():
        for line in lay_out(tmp_path / 'my_lessons', course_files(tmp_path)): print(line)
        return tmp_path / 'my_lessons' / '01_lesson.ipynb'
    (source / 'index.ipynb').write_text('{"cells": [], "metadata": {}}', encoding='utf-8')
    write('version = 1')
    make.write, make.folder = write, tmp_path / 'my_lessons'
    return make


def code(path):
    return tools.read(path).cells[-1].source


def learner(path, source=None):
    "A learner opens a lesson, runs it, and changes a cell if `source` is given."
    nb = tools.read(path)
    nb.cells[-1].outputs = [nbformat.v4.new_output('stream', text='mine')]
    nb.cells[-1].execution_count = 1
    if source:
        nb.cells[-1].source = source
    nbformat.write(nb, path)


def test_a_copy_has_no_outputs_and_no_plumbing(copies):
    nb = tools.read(copies())
    assert [c.source for c in nb.cells] == ['# A lesson', 'version = 1'] and not nb.cells[-1].outputs


def test_a_lesson_that_was_only_run_keeps_its_outputs_and_gets_the_newer_version(copies):
    path = copies()
    learner(path)
    copies()
    assert tools.read(path).cells[-1].outputs  # nothing newer: left as it is
    copies.write('version = 2')
    assert code(copies()) == 'version = 2'
    assert sorted(p.name for p in copies.folder.iterdir()) == ['.given.json', '.given.lock', '01_lesson.ipynb', 'index.ipynb']


def test_a_lesson_that_was_changed_stays_and_the_newer_one_lies_beside_it_once(copies, capsys):
    path = copies()
    learner(path, 'my = "work"')
    copies.write('version = 2')
    copies()
    beside = path.with_name('01_lesson.new.ipynb')
    assert code(path) == 'my = "work"' and code(beside) == 'version = 2'
    assert capsys.readouterr().out.count('\n') == 1
    beside.unlink()
    copies()
    assert not beside.exists() and capsys.readouterr().out == ''
    copies.write('version = 3')
    copies()
    assert code(path) == 'my = "work"' and code(beside) == 'version = 3'
    os.replace(beside, path)  # the learner takes the newer one
    copies.write('version = 4')
    assert code(copies()) == 'version = 4'


def test_a_lesson_that_was_deleted_comes_back(copies):
    copies().unlink()
    assert code(copies()) == 'version = 1'


def test_a_file_that_is_no_notebook_any_more_is_left_alone(copies):
    path = copies()
    path.write_text('notes', encoding='utf-8')
    copies.write('version = 2')
    copies()
    assert path.read_text(encoding='utf-8') == 'notes' and code(path.with_name('01_lesson.new.ipynb')) == 'version = 2'


@pytest.mark.parametrize('record', [None, '', '[]', '{"01_lesson": 3}'])
def test_a_lost_record_loses_no_work(record, copies):
    path = copies()
    learner(path, 'my = "work"')
    given = path.with_name('.given.json')
    given.unlink() if record is None else given.write_text(record, encoding='utf-8')
    copies.write('version = 2')
    copies()
    assert code(path) == 'my = "work"' and json.loads(given.read_text(encoding='utf-8')).keys() == {'01_lesson', 'index'}


# ---- JupyterLab

def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def answers(command, folder, cwd=None, **environment):
    "Start JupyterLab by a command, wait until the lessons are there and the first page is the course's; what it said meanwhile."
    port = free_port()
    environment = {**os.environ, 'JUPYTER_CONFIG_DIR': str(folder / 'config'), 'JUPYTER_RUNTIME_DIR': str(folder / 'runtime'), **environment}
    command = [*command, *(['PORT=' + str(port), f'ARGS={ARGUMENTS}'] if command[0] == 'make' else [f'--port={port}', *ARGUMENTS.split()])]
    with open(folder / 'log', 'w+', encoding='utf-8') as log:
        server = subprocess.Popen(command, cwd=cwd or folder, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            address, page = f'http://127.0.0.1:{port}', None
            for _ in range(120):
                try:
                    page = urllib.request.urlopen(f'{address}/api/contents/my_lessons/index.ipynb?token=secret&content=0', timeout=5).read()
                    break
                except OSError:
                    assert server.poll() is None, log.seek(0) or log.read()
                    time.sleep(.5)
            assert page and json.loads(page)['name'] == 'index.ipynb'
            start = urllib.request.urlopen(f'{address}/?token=secret', timeout=10)
            assert start.url.split('?')[0].endswith('/lab/tree/my_lessons/index.ipynb')
        finally:
            os.killpg(server.pid, 15)
            server.wait(30)
    return (folder / 'log').read_text(encoding='utf-8')


ARGUMENTS = '--no-browser --IdentityProvider.token=secret'


@pytest.mark.slow
@pytest.mark.skipif(os.name == 'nt', reason='make')
def test_make_lab_answers(tmp_path):
    made = course.read_state().get('fingerprint') == course.fingerprint()  # or an environment of the developer's own
    answers(['make', 'lab'] if made else [sys.executable, 'tools/course.py', '--here', 'lab'], tmp_path, ROOT)
