"What all tests share: the tools on the path, a data place of their own, the quick tests first."
import shutil
import sys
from pathlib import Path

import matplotlib
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / 'tools'), str(ROOT / 'solutions')]
matplotlib.use('agg')


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.get_closest_marker('slow') is not None)


@pytest.fixture(scope='session', autouse=True)
def fastai_home(tmp_path_factory):
    "An empty home for fastai's data: what is on this machine already must not help, and must not be touched."
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp('fastai_home')
        patch.setenv('FASTAI_HOME', str(home))
        yield home


def learners_project(folder):
    "The project as a learner sees it, in a folder of its own: the lessons' copies, and what they read beside them. Returns the copies."
    import notebooks as tools
    for name in ('experiments', 'solutions'):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns('__pycache__'))
    return tools.make_copies(folder / 'my_lessons')


@pytest.fixture(autouse=True)
def close_figures():
    yield
    import matplotlib.pyplot as plt
    plt.close('all')
