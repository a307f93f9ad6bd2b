"""Every notebook runs from top to bottom with the network cut off, a lesson with all that it asks answered.

Every learner's copy, with nothing answered, does so alone, beside an installed wheel.
"""
import os
import shutil
import subprocess
import sys

import nbformat
import notebooks as tools
import pytest
from answered import ANSWERS
from conftest import CHROMIUM, ROOT, write_alone
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook

pytestmark = pytest.mark.slow
NAMESPACE = ['unshare', '--user', '--map-root-user', '--net', sys.executable, str(ROOT / 'tests' / 'own_network.py')]
BLOCKED = {**os.environ, 'PYTHONPATH': str(ROOT / 'tests' / 'offline')}
REACH_OUT = 'import socket; socket.create_connection(("192.0.2.1", 80), timeout=5)'  # an address kept for documentation


def own_network():
    "A command that runs another in an empty network of its own; None where that isn't allowed."
    return NAMESPACE if shutil.which('unshare') and subprocess.run([*NAMESPACE, 'true'], capture_output=True).returncode == 0 else None


def run(path, site=None, command=('tools/notebooks.py', 'lessons')):
    "Run a notebook; with `site`, on the package that is installed there."
    cut = own_network()
    environment = {**(os.environ if cut else BLOCKED), 'FASTAI_HOME': os.environ['FASTAI_HOME']}
    if site:
        environment['PYTHONPATH'] = os.pathsep.join(map(str, [site, *([] if cut else [ROOT / 'tests' / 'offline'])]))
    done = subprocess.run([*(cut or []), sys.executable, *command, path],
                          capture_output=True, text=True, cwd=ROOT, env=environment, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith('[1/1] ') and done.stdout.rstrip().endswith(' s')


@pytest.mark.parametrize('cut, environment', [(own_network, os.environ), (list, BLOCKED)], ids=['namespace', 'sockets'])
def test_the_network_is_cut_off(cut, environment):
    command = cut()
    if command is None:
        pytest.skip('no network namespace may be made here')
    done = subprocess.run([*command, sys.executable, '-c', REACH_OUT], capture_output=True, text=True, env=environment)
    assert done.returncode != 0 and ('unreachable' in done.stderr or 'cut off' in done.stderr), done.stderr


@pytest.mark.parametrize('path', tools.notebooks(), ids=lambda path: path.stem)
def test_the_notebook_runs(path):
    "A lesson's prose must be as true for those who answer as for those who don't, whose outputs are stored."
    if path.stem in ANSWERS: run(path.stem, command=['tests/answered.py'])
    else: run(path)


COPIES = [path.stem for path in tools.notebooks() if path.stem not in tools.NOT_FOR_LEARNERS]


@pytest.mark.parametrize('name', COPIES if CHROMIUM is None else COPIES[:1])  # where there is a browser, test_jupyterlab.py runs the others
def test_the_learners_copy_runs_alone_beside_a_wheel(name, site, tmp_path):
    "In a folder with nothing else in it: no checkout, no experiments, no solutions."
    run(write_alone(name, tmp_path, site), site)


def test_a_progress_bar_leaves_no_trace(tmp_path, monkeypatch):
    monkeypatch.setenv('FASTAI_HOME', str(tmp_path))  # so that the folder of pictures is written anew
    nb = tools.execute(new_notebook(cells=[new_code_cell('from digits_uth.data import mnist_sample\nmnist_sample().name')]), tmp_path)
    kept = [output for output in nb.cells[0].outputs if not tools.is_trace_of_progress(output)]
    assert len(nb.cells[0].outputs) > 1 and [output.data['text/plain'] for output in kept] == ["'mnist_sample'"]


def test_a_failing_cell_is_shown(tmp_path):
    nbformat.write(new_notebook(cells=[new_code_cell('x = 1'), new_code_cell('x / 0')]), tmp_path / 'broken.ipynb')
    command = [sys.executable, ROOT / 'tools' / 'notebooks.py', 'lessons', tmp_path / 'broken.ipynb']
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and 'failed' in done.stdout
    assert 'broken.ipynb stops here' in done.stderr and 'x / 0' in done.stderr and 'ZeroDivisionError' in done.stderr


def test_a_slider_that_fails_is_heard(tmp_path):
    cell = "from ipywidgets import interact\n@interact(x=(0, 2))\ndef share(x=0): print(1 / x)"
    with pytest.raises(CellExecutionError, match='ZeroDivisionError'):
        tools.execute(new_notebook(cells=[new_code_cell(cell)]), tmp_path)
    tools.execute(new_notebook(cells=[new_code_cell(cell.replace('x=0', 'x=1'))]), tmp_path)
