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


# ---- the environment

class Installer:
    "A project in a temporary folder, in which pip only keeps a record."
    def __init__(self, folder, patch):
        self.calls, self.result = [], 0
        for name in ('settings.ini', 'setup.py', 'pyproject.toml', 'constraints.txt'):
            (folder / name).write_bytes((ROOT / name).read_bytes())
        patch.setattr(course, 'ROOT', folder)
        patch.setattr(course, 'VENV', folder / '.venv')
        patch.setattr(course, 'STATE', folder / '.venv' / 'course.json')
        patch.setattr(course, 'run', self.run)
        patch.setattr(course, 'works', self.works)
        patch.setattr(course, 'pip_install', self.pip_install)

    def run(self, *command):
        if 'venv' in command:
            self.calls.append('venv')
            course.venv_python().parent.mkdir(parents=True)
            course.venv_python().touch()

    def works(self, *command):
        return 'ensurepip' in str(command) or Path(command[0]).exists()

    def pip_install(self, *arguments):
        self.calls.append('pip')
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result

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
def copies(tmp_path, monkeypatch):
    "Notebooks of one lesson in a temporary folder; call it to make the copies."
    source = tmp_path / 'nbs'
    source.mkdir()
    monkeypatch.setattr(tools, 'NBS', source)

    def write(text, path=source / '01_lesson.ipynb'):
        cells = [nbformat.v4.new_markdown_cell('# A lesson', id='title'), nbformat.v4.new_code_cell('#| hide\nassert True', id='guard'),
                 nbformat.v4.new_code_cell(f'#| export\n{text}', id='code', outputs=[nbformat.v4.new_output('stream', text='a result')])]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), path)

    def make():
        return tools.make_copies(tmp_path / 'my_lessons') / '01_lesson.ipynb'
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
    assert sorted(p.name for p in copies.folder.iterdir()) == ['.given.json', '01_lesson.ipynb']


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
    assert code(path) == 'my = "work"' and json.loads(given.read_text(encoding='utf-8')).keys() == {'01_lesson'}


# ---- JupyterLab

def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


@pytest.mark.slow
@pytest.mark.skipif(os.name == 'nt', reason='make')
def test_make_lab_answers(tmp_path):
    port, environment = free_port(), {**os.environ, 'JUPYTER_CONFIG_DIR': str(tmp_path), 'JUPYTER_RUNTIME_DIR': str(tmp_path)}
    arguments = '--no-browser --IdentityProvider.token=secret --ServerApp.port_retries=0 --log-level=WARN'
    if course.read_state().get('fingerprint') == course.fingerprint():
        command = ['make', 'lab', f'PORT={port}', f'ARGS={arguments}']
    else:  # an environment of the developer's own
        command = [sys.executable, 'tools/course.py', '--here', 'lab', f'--port={port}', *arguments.split()]
    with open(tmp_path / 'log', 'w+', encoding='utf-8') as log:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
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
