"What all tests share: the tools on the path, a data place of their own, the quick tests first."
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from itertools import takewhile
from pathlib import Path

if 'PYTEST_XDIST_WORKER' in os.environ:  # a thread a worker, or they wait for one another
    os.environ.update({f'{name}_NUM_THREADS': '1' for name in ('OMP', 'MKL', 'OPENBLAS')})

import matplotlib
import pytest
from filelock import FileLock

ROOT = Path(__file__).resolve().parent.parent
PLACES = ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
          r'C:\Program Files\Google\Chrome\Application\chrome.exe']
CHROMIUM = next((found for found in (*map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome')), *PLACES)
                 if found and Path(found).exists()), None)
sys.path[:0] = [str(ROOT / 'tools'), str(ROOT / 'solutions')]
matplotlib.use('agg')
LONG = 'LONG' in os.environ  # all that is tried: what takes many minutes and mostly repeats a proof, too
in_long_runs = pytest.mark.skipif(not LONG, reason='`LONG=1 make test` has it, too')


def tell(text):
    "Print what was measured, and add it to the file that TIMES names."
    print(text)
    if file := os.environ.get('TIMES'):
        with open(file, 'a', encoding='utf-8') as out: out.write(f'{text}\n')


def pytest_collection_modifyitems(items):
    "The quick tests first; with several workers the browser's, which one of them does alone while the others do the rest."
    def place(item):
        slow = item.get_closest_marker('slow') is not None
        if 'PYTEST_XDIST_WORKER' not in os.environ: return slow
        return (-2 if item.get_closest_marker('xdist_group') else -1) if slow else 0  # the long ones first, or a worker waits at the end
    items.sort(key=place)


@pytest.fixture(scope='session', autouse=True)
def fastai_home(tmp_path_factory):
    "An empty home for fastai's data: what is on this machine already must not help, and must not be touched."
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp('fastai_home')
        patch.setenv('FASTAI_HOME', str(home))
        yield home


def write_alone(name, folder, site, core=False):
    "A learner's copy in a folder of its own, which says so if it doesn't run on the package that is installed in `site`; or a lesson's core."
    import notebooks as tools
    import nbformat
    folder.mkdir(parents=True, exist_ok=True)
    copy = tools.learners_copy(tools.read(tools.NBS / f'{name}.ipynb'))
    if core: copy.cells = core_of(copy.cells)
    first = nbformat.v4.new_code_cell(f'import digits_uth\nassert digits_uth.__file__.startswith({str(site)!r}), digits_uth.__file__')
    copy.cells.insert(0, first)
    nbformat.write(copy, folder / f'{name}.ipynb')
    return folder / f'{name}.ipynb'


def core_of(cells):
    "Those above what one may leave out; all where nothing may."
    return list(takewhile(lambda cell: not cell.source.startswith('## Going further'), cells))


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


@pytest.fixture(scope='module')
def browser():
    from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        quiet = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
                 '--disable-component-update', '--disable-sync']
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=quiet)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={'width': 1400, 'height': 1000})
    page.set_default_timeout(60_000)
    yield page
    with suppress(Exception):  # a kernel a lesson, half a gigabyte each, would fill the machine's memory
        page.evaluate('() => window.jupyterapp?.serviceManager.sessions.shutdownAll()')
    page.close()


@pytest.fixture(autouse=True)
def close_figures():
    yield
    import matplotlib.pyplot as plt
    plt.close('all')
