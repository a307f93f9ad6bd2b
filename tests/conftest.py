"What all tests share: the tools on the path, a data place of their own, the quick tests first."
import os
import shutil
import subprocess
import sys
from pathlib import Path

if 'PYTEST_XDIST_WORKER' in os.environ:  # a thread a worker, or they wait for one another
    os.environ.update({f'{name}_NUM_THREADS': '1' for name in ('OMP', 'MKL', 'OPENBLAS')})

import matplotlib
import pytest
from filelock import FileLock

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / 'tools'), str(ROOT / 'solutions')]
matplotlib.use('agg')


def pytest_collection_modifyitems(items):
    "The quick tests first; with several workers the browser's, which one of them does alone while the others do the rest."
    alone = 'PYTEST_XDIST_WORKER' in os.environ
    items.sort(key=lambda item: -1 if alone and item.get_closest_marker('xdist_group') else item.get_closest_marker('slow') is not None)


@pytest.fixture(scope='session', autouse=True)
def fastai_home(tmp_path_factory):
    "An empty home for fastai's data: what is on this machine already must not help, and must not be touched."
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp('fastai_home')
        patch.setenv('FASTAI_HOME', str(home))
        yield home


def tracked():
    "The files of the project, as they are now."
    listed = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard'], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip('not a git checkout')
    return [path for path in listed.stdout.splitlines() if (ROOT / path).exists()]


@pytest.fixture(scope='session')
def shared(tmp_path_factory, worker_id):
    "A folder that all workers of a run share, and a lock for what is made in it once."
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == 'master' else base.parent) / 'shared'
    folder.mkdir(exist_ok=True)
    return folder, FileLock(folder / '.lock')


@pytest.fixture(scope='session')
def wheel(shared):
    "The wheel, built through the sdist."
    folder, lock = shared
    source, dist = folder / 'source', folder / 'dist'
    with lock:
        if not list(dist.glob('*.whl')):
            for path in tracked():
                (source / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / path, source / path)
            build = subprocess.run([sys.executable, '-m', 'build', '--no-isolation', '--outdir', dist, source], capture_output=True, text=True)
            assert build.returncode == 0, build.stdout + build.stderr
    return next(dist.glob('*.whl'))


@pytest.fixture(scope='session')
def site(shared, wheel):
    "A folder in which the wheel is installed; with PYTHONPATH it comes before the checkout."
    folder, lock = shared
    with lock:
        if not (folder / 'site').exists():
            pip = [sys.executable, '-m', 'pip', 'install', '--quiet', '--no-deps', '--no-index', '--target', folder / 'part', wheel]
            installed = subprocess.run(pip, capture_output=True, text=True)
            assert installed.returncode == 0, installed.stderr
            (folder / 'part').rename(folder / 'site')
    return folder / 'site'


@pytest.fixture(autouse=True)
def close_figures():
    yield
    import matplotlib.pyplot as plt
    plt.close('all')
