"The versions: low bounds that were tried, and an installation that leaves alone what is there already."
import ast
import shutil
import subprocess
import sys
from configparser import ConfigParser

import pytest
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

config = ConfigParser(delimiters=['='])
config.read(ROOT / 'settings.ini', encoding='utf-8')
NEEDED, LAB, CLASSROOM, DEV = ([Requirement(text) for text in config['DEFAULT'][kind].split()]
                               for kind in ('requirements', 'lab_requirements', 'classroom_requirements', 'dev_requirements'))
PACKAGES = {'PIL': 'pillow', 'IPython': 'ipython'}  # where a module's name isn't its package's
# jupyter_core says where Jupyter servers note themselves: where there is none, none runs; nbgrader brings the others
OPTIONAL = {'jupyter_client', 'jupyter_core', 'nbformat', 'nbgrader'}
UNSEEN = {'jinja2'}  # imported by pandas, for the colours of pixel_table


def pins(name):
    "Package -> version, in a file of constraints."
    lines = [line.split('#')[0].strip() for line in (ROOT / name).read_text(encoding='utf-8').splitlines()]
    return {canonicalize_name(package): version for package, version in (line.split('==') for line in lines if line)}


SERVICE = pins('constraints-service.txt')


@pytest.mark.parametrize('requirement', NEEDED + LAB, ids=str)
def test_the_lowest_versions_are_the_lower_bounds(requirement):
    bound, = (part for part in requirement.specifier if part.operator == '>=')
    assert Version(pins('constraints-lowest.txt')[canonicalize_name(requirement.name)]) == Version(bound.version)


@pytest.mark.parametrize('requirement', NEEDED + LAB + DEV, ids=str)
def test_the_recorded_versions_satisfy_every_bound(requirement):
    pinned = pins('constraints.txt').get(canonicalize_name(requirement.name))
    if requirement.name == 'setuptools' and pinned is None:
        pytest.skip('it comes with the environment')
    assert any(part.operator == '>=' for part in requirement.specifier)
    assert pinned in requirement.specifier


def test_developers_have_what_learners_and_teachers_have():
    assert {r.name for r in LAB + CLASSROOM} <= {r.name for r in DEV}


def test_what_the_package_imports_is_required_and_nothing_else():
    imported = set()
    for path in (ROOT / 'digits_uth').glob('*.py'):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split('.')[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(node.module.split('.')[0])
    imported -= {*sys.stdlib_module_names, *OPTIONAL, 'digits_uth'}
    assert {PACKAGES.get(name, name) for name in imported} | UNSEEN == {r.name for r in NEEDED}


@pytest.mark.parametrize('requirement', NEEDED, ids=str)
def test_a_notebook_services_packages_are_new_enough(requirement):
    if requirement.name in SERVICE:
        assert SERVICE[requirement.name] in requirement.specifier
    else:
        assert requirement.name in {'jinja2', 'filelock', 'anywidget'}  # nobody wrote down theirs


@pytest.mark.slow
def test_an_installation_replaces_none_of_a_notebook_services_packages(tmp_path):
    "uv works out what would be installed from the packages' metadata; pip's dry run fetches them whole, torch's 4 GB too."
    (tmp_path / 'theirs.txt').write_text(''.join(f'{name}=={version}\n' for name, version in SERVICE.items()), encoding='utf-8')
    source = tmp_path / 'source'  # what says the requirements, without the 12 MB of pictures
    (source / 'digits_uth' / 'assets' / 'tables').mkdir(parents=True)
    for name in ('settings.ini', 'setup.py', 'pyproject.toml', 'README.md', 'LICENSE', 'nbs/index.ipynb', 'digits_uth/__init__.py',
                 'digits_uth/lessons.py', 'digits_uth/assets/LICENSE-DATA'):
        (source / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    built = subprocess.run([sys.executable, '-m', 'pip', 'wheel', '--quiet', '--no-deps', '--no-index', '--no-build-isolation',
                            '--wheel-dir', tmp_path, source], capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    wheel, = tmp_path.glob('*.whl')
    (tmp_path / 'ours.txt').write_text(f'digits_uth @ {wheel.as_uri()}\n', encoding='utf-8')
    resolve = [sys.executable, '-m', 'uv', 'pip', 'compile', '--quiet', '--no-header', '--no-annotate', '--only-binary', ':all:',
               '--python-version', '3.12', '-c', tmp_path / 'theirs.txt', tmp_path / 'ours.txt']
    try:
        done = subprocess.run(resolve, capture_output=True, text=True, timeout=100)
    except subprocess.TimeoutExpired:
        pytest.skip('the package index takes too long to answer')
    if done.returncode and 'No solution found' not in done.stderr:
        pytest.skip('no package index answers')
    assert done.returncode == 0, done.stderr  # nothing fits beside theirs
    found = dict(line.split('==') for line in done.stdout.splitlines() if '==' in line)
    assert {name: found[name] for name in SERVICE} == SERVICE
