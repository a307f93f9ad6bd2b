"`digits-uth`: the course from an installed package, in any folder; each thing that can be wrong in one line, and nothing lost."
import json
import os
import socket
import subprocess
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import notebooks as tools
import pytest
from conftest import ROOT
from test_course import answers

import digits_uth.__main__ as command
from digits_uth.lessons import course_files, source_hash
from digits_uth.machine import look


def digits(*arguments, cwd, **environment):
    return subprocess.run([sys.executable, '-m', 'digits_uth', *arguments], cwd=cwd, capture_output=True, text=True, env={**os.environ, **environment})


def one_line(done):
    "What a command says when it refuses."
    assert done.returncode not in (0, None) and done.stderr.count('\n') == 1 and not done.stdout, done
    return done.stderr


def test_help_names_every_command_and_lab_opens_without_a_name(tmp_path, monkeypatch):
    said = digits('--help', cwd=tmp_path).stdout
    assert all(f'\n  {name} ' in said for name in command.COMMANDS)
    became = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, 'become', became.extend)
    monkeypatch.setattr(sys, 'argv', ['digits-uth', '--no-browser'])
    monkeypatch.delenv('JUPYTER_CONFIG_PATH', raising=False)
    command.main()
    assert became[1:3] == ['-m', 'jupyterlab'] and became[-1] == '--no-browser' and f'--ServerApp.root_dir={tmp_path.resolve()}' in became
    assert (tmp_path / 'my_lessons' / '01_pixels.ipynb').exists() and (tmp_path / 'my_lessons' / 'solutions' / 'lesson_02.py').exists()
    settings = Path(os.environ.pop('JUPYTER_CONFIG_PATH'), 'labconfig', 'default_setting_overrides.json')
    assert json.loads(settings.read_text(encoding='utf-8'))['@jupyterlab/apputils-extension:notification']['fetchNews'] == 'false'


def test_an_unknown_command_or_option_is_refused(tmp_path):
    assert 'none of the commands: lab, lessons, page' in one_line(digits('losses', cwd=tmp_path))
    assert 'not known here' in digits('lessons', '--browser', cwd=tmp_path).stderr
    assert not list(tmp_path.iterdir())


def test_a_port_that_is_taken(tmp_path):
    with socket.create_server(('127.0.0.1', 0)) as server:
        port = server.getsockname()[1]
        said = one_line(digits('lab', '--port', str(port), cwd=tmp_path))
    assert said.startswith(f'Port {port} is taken') and f'--port {port + 1}' in said and not list(tmp_path.iterdir())


def test_jupyterlab_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(command, 'find_spec', lambda name: None)
    with pytest.raises(command.Stop, match=r'pip install "digits_uth\[lab\]"'):
        command.lab(str(tmp_path))
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / 'file').touch()
    said = one_line(digits('lessons', '--folder', 'file', cwd=tmp_path))
    assert "can't be written" in said and '--folder' in said


def test_a_page_that_cannot_be_written(tmp_path):
    said = one_line(digits('page', 'no/such/digits.html', cwd=tmp_path))
    assert 'expected' in said and 'Traceback' not in said


class Jupyter(BaseHTTPRequestHandler):
    "The answer of a Jupyter server to what is open."
    def do_GET(self):
        assert self.path == '/api/sessions?token=secret'
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps([{'path': 'my_lessons/03_sgd.ipynb'}, {'path': 'elsewhere.ipynb'}]).encode())

    def log_message(self, *args): pass


def test_a_lesson_that_is_open_in_another_jupyterlab_is_left_alone(tmp_path, monkeypatch, capsys):
    "It is renewed at the first start after it was closed; others are at once."
    monkeypatch.setenv('JUPYTER_RUNTIME_DIR', str(tmp_path / 'runtime'))
    command.lessons(str(tmp_path))
    copies = tmp_path / 'my_lessons'
    record = json.loads((copies / '.given.json').read_text(encoding='utf-8'))
    for name in ('03_sgd', '04_landscape'):  # as an older version of the course gave them
        old = copies / f'{name}.ipynb'
        old.write_text(json.dumps({'cells': [], 'metadata': {}}), encoding='utf-8')
        record[name] = source_hash(json.loads(old.read_text(encoding='utf-8')))
    (copies / '.given.json').write_text(json.dumps(record), encoding='utf-8')
    server = HTTPServer(('127.0.0.1', 0), Jupyter)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / 'runtime').mkdir()
    note = {'url': f'http://127.0.0.1:{server.server_port}/', 'token': 'secret', 'root_dir': str(tmp_path)}
    (tmp_path / 'runtime' / 'jpserver-1.json').write_text(json.dumps(note), encoding='utf-8')
    (tmp_path / 'runtime' / 'jpserver-2.json').write_text('half a fi', encoding='utf-8')
    capsys.readouterr()
    command.lessons(str(tmp_path))
    assert capsys.readouterr().out.startswith('03_sgd.ipynb has a newer version and is open elsewhere')
    assert not tools.read(copies / '03_sgd.ipynb').cells and tools.read(copies / '04_landscape.ipynb').cells
    server.shutdown()
    server.server_close()
    command.lessons(str(tmp_path))
    assert tools.read(copies / '03_sgd.ipynb').cells and capsys.readouterr().out.count('\n') == 1


def test_two_at_once_lay_out_whole_lessons(tmp_path):
    both = [subprocess.Popen([sys.executable, '-m', 'digits_uth', 'lessons'], cwd=tmp_path, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    given = json.loads((tmp_path / 'my_lessons' / '.given.json').read_text(encoding='utf-8'))
    assert len(given) == len(course_files()) and not list(tmp_path.rglob('*.new.*')) and not list(tmp_path.rglob('*.part'))
    for path in (tmp_path / 'my_lessons').glob('*.ipynb'): tools.read(path)


def test_links_of_the_copies_lead_somewhere():
    from test_notebooks import links
    files = course_files()
    for name, text in files.items():
        if name.endswith('.ipynb'):
            prose = '\n'.join(cell['source'] for cell in json.loads(text)['cells'] if cell['cell_type'] == 'markdown')
            for link in links(prose):
                assert link.split('#')[0] in ('', 'solutions', *files), f'{name}: {link}'


def test_check_says_what_is_missing_and_what_to_do(tmp_path, monkeypatch, capsys):
    import digits_uth.machine as machine
    assert not any(todo for *_, todo in look(tmp_path))

    def version(name):
        if name == 'anywidget': raise machine.PackageNotFoundError(name)
        return '1.0'

    def import_module(name):
        if name == 'torchvision': raise RuntimeError('operator torchvision::nms does not exist\nmore')
    monkeypatch.setattr(machine, 'version', version)
    monkeypatch.setattr(machine, 'import_module', import_module)
    monkeypatch.setattr(machine, '_memory', lambda: 2.)
    monkeypatch.setattr(machine.shutil, 'disk_usage', lambda path: type('Usage', (), {'free': 2**28}))
    monkeypatch.setattr(machine.sys, 'version_info', (3, 9, 1))
    todo = {what: todo for what, _, todo in look(tmp_path)}
    assert 'anywidget is missing' in todo['packages'] and "torchvision can't be imported (operator torchvision::nms does not exist)" in todo['packages']
    assert 'pip install --upgrade' in todo['packages'] and 'Python 3.11' in todo['Python'] and 'make room' in todo['disk'] and 'close other' in todo['memory']
    with pytest.raises(SystemExit) as stop:
        command.check(str(tmp_path))
    assert stop.value.code == 1 and 'To do: 4, as the arrows say.' in capsys.readouterr().out


@pytest.mark.parametrize('cuda, why', [(None, 'built without CUDA'), ('13.0', 'a newer driver')])
def test_check_names_a_gpu_that_is_not_used(cuda, why, monkeypatch):
    import torch

    import digits_uth.machine as machine
    monkeypatch.setattr(torch.version, 'cuda', cuda)
    monkeypatch.setattr(machine.shutil, 'which', lambda name: '/usr/bin/nvidia-smi')
    _, found, todo = machine._gpu()
    assert found == 'NVIDIA, not used' and why in todo


@pytest.mark.slow
def test_the_wheel_has_the_lessons_and_the_command(wheel, site, tmp_path):
    packed = zipfile.ZipFile(wheel)
    names = {name.removeprefix('digits_uth/assets/lessons/') for name in packed.namelist() if name.startswith('digits_uth/assets/lessons/')}
    assert names == course_files(ROOT).keys()
    entry = next(name for name in packed.namelist() if name.endswith('entry_points.txt'))
    assert 'digits-uth = digits_uth.__main__:main' in packed.read(entry).decode()
    assert digits('lessons', cwd=tmp_path, PYTHONPATH=str(site)).returncode == 0
    laid = {path.relative_to(tmp_path / 'my_lessons').as_posix() for path in (tmp_path / 'my_lessons').rglob('*') if not path.name.startswith('.') and path.is_file()}
    assert laid == names
    for name, text in course_files(ROOT).items():
        assert (tmp_path / 'my_lessons' / name).read_text(encoding='utf-8') == text
    assert digits('class', 'mine', cwd=tmp_path, PYTHONPATH=str(site)).returncode == 0
    made = {path.relative_to(tmp_path / 'mine').parts[0] for path in (tmp_path / 'mine').rglob('*')}
    assert made == {'README.md', 'class_digits.ipynb', 'nbgrader_config.py', 'secret.txt', 'source'}
    assert len([*(tmp_path / 'mine' / 'source').rglob('*.ipynb')]) == 13


@pytest.mark.slow
def test_the_installed_course_opens_and_says_nothing_alarming(site, tmp_path):
    log = answers([sys.executable, '-m', 'digits_uth', 'lab'], tmp_path, PYTHONPATH=str(site))
    assert 'JupyterLab opens in your browser' in log
    assert not [word for word in ('Error', 'WARN', '[I', '[W', '[E', 'Traceback', 'language server') if word in log], log


def test_jupyterlab_reads_our_settings():
    done = subprocess.run([sys.executable, '-c', 'from jupyterlab_server.settings_utils import _get_overrides; print(_get_overrides("nowhere"))'],
                          env={**os.environ, 'JUPYTER_CONFIG_PATH': str(ROOT / 'digits_uth' / 'assets' / 'jupyter')}, capture_output=True, text=True)
    assert "'fetchNews': 'false'" in done.stdout, done
