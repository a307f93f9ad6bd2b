"A hub for a class, from classroom/: two learners at once, what each may take, and a hub that dies."
import importlib.util
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest
import requests
import yaml
from conftest import ROOT
from traitlets.config.loader import PyFileConfigLoader

CLASSROOM = ROOT / 'classroom'


def tools():
    "The hub and the learners of the benchmark."
    spec = importlib.util.spec_from_file_location('class_hub', ROOT / 'benchmarks' / 'hub.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if sys.platform != 'linux':
    MISSING = 'the hub is for Linux'
elif find_spec('jupyterhub') is None:
    MISSING = 'jupyterhub is not installed'
else:
    class_hub = tools()
    MISSING = '' if class_hub.PROXY else 'configurable-http-proxy (from npm) is neither on the PATH nor named by CONFIGURABLE_HTTP_PROXY'


def with_a_hub(test):
    for mark in (pytest.mark.slow, pytest.mark.xdist_group('browser'), pytest.mark.skipif(bool(MISSING), reason=f'{MISSING}: no hub was started')):
        test = mark(test)
    return test


@pytest.fixture
def config(tmp_path, monkeypatch):
    "The hub's configuration, as JupyterHub reads it; the pictures are there."
    (tmp_path / 'data' / 'mnist_sample').mkdir(parents=True)
    monkeypatch.setenv('FASTAI_HOME', str(tmp_path))
    return PyFileConfigLoader('jupyterhub_config.py', str(CLASSROOM)).load_config()


def test_kubernetes_gives_what_the_server_gives(config, tmp_path):
    values, image = yaml.safe_load((CLASSROOM / 'values.yaml').read_text(encoding='utf-8')), (CLASSROOM / 'Dockerfile').read_text(encoding='utf-8')
    one, spawner = values['singleuser'], config.Spawner
    assert (one['memory']['limit'], one['defaultUrl']) == (spawner.mem_limit, spawner.default_url)
    assert one['extraEnv']['OMP_NUM_THREADS'] == spawner.environment['OMP_NUM_THREADS']
    assert values['hub']['config']['KubeSpawner']['args'] == spawner.args
    start = Path(spawner.cmd[-1])
    compile(start.read_text(encoding='utf-8'), start, 'exec')
    assert one['cmd'] == ['python', f'/srv/{start.name}']
    assert f'cp /tmp/project/classroom/{start.name} /srv/' in image and f'CMD ["python", "/srv/{start.name}"]' in image
    assert f'WORKDIR {one["storage"]["homeMountPath"]}\n' in image
    assert spawner.environment['FASTAI_HOME'] == str(tmp_path)


@pytest.fixture(scope='module')
def hub(tmp_path_factory, fastai_home):
    with class_hub.Hub(tmp_path_factory.mktemp('hub'), fastai_home) as hub:
        yield hub


@pytest.fixture(scope='module')
def two(hub):
    "Two learners who log in at once, and a kernel each in lesson 02."
    people = [class_hub.Learner(hub, name) for name in ('ada', 'ben')]
    with ThreadPoolExecutor(2) as pool:
        pages = list(pool.map(class_hub.Learner.log_in, people))
        assert pages == [f'{hub.address}/user/{person.name}/lab/tree/my_lessons/index.ipynb' for person in people]
        return list(zip(people, pool.map(lambda person: person.open('my_lessons/02_distances.ipynb'), people), strict=True))


@with_a_hub
def test_two_work_at_once_in_homes_of_their_own(hub, two, fastai_home):
    from digits_uth.lessons import course_files
    tell = ("import os, torch, digits_uth.drawing as d\n"
            "print(torch.get_num_threads(), os.environ['FASTAI_HOME'], os.environ['HOME'], d._home(), os.getcwd(), sep='\\n')")

    def work(learner_and_kernel):
        learner, kernel = learner_and_kernel
        seen, errors = learner.run(kernel, *learner.lesson('02_distances')[:4], 'import sys; sys.stdout.write("\\f")', tell)
        return seen.rpartition('\f')[2].split(), errors
    with ThreadPoolExecutor(2) as pool:
        for (learner, _), (seen, errors) in zip(two, pool.map(work, two), strict=True):
            home = hub.homes / learner.name
            assert not errors and seen == ['1', str(fastai_home), str(home), str(home / 'my_lessons' / 'my_digits.npz'), str(home / 'my_lessons')]
            listed = {f'my_lessons/{name}' for name in course_files() if '/' not in name}
            assert listed <= {entry['path'] for entry in learner.api('contents/my_lessons')['content']}
    (ada, _), (ben, _) = two
    assert (fastai_home / 'data' / 'mnist_sample').is_dir()  # written by the hub where no other test had
    assert requests.get(f'{hub.address}/user/ben/api/contents', headers=ada.token, timeout=60).status_code == 403


@with_a_hub
def test_who_takes_too_much_is_told_and_nobody_else_notices(two):
    take = "import os, torch\nprint(torch.empty(int(int(os.environ['MEM_LIMIT']) * {}), dtype=torch.uint8).nbytes)"
    (ada, adas), (ben, bens) = two
    _, errors = ada.run(adas, take.format(1))
    assert len(errors) == 1 and errors[0].startswith('RuntimeError') and 'memory' in errors[0], errors
    _, errors = ada.run(adas, "import numpy\nnumpy.empty(int(os.environ['MEM_LIMIT']), 'uint8')")
    assert len(errors) == 1 and errors[0].startswith('MemoryError'), errors
    for learner, kernel in two:  # her kernel lives on too, and what fits is given
        assert learner.run(kernel, take.format(.5)) == (f'{3 * 2**30 // 2}\n', [])


@with_a_hub
def test_a_hub_that_dies_finds_all_again(hub, two):
    (ada, kernel), _ = two
    path = 'contents/my_lessons/02_distances.ipynb'
    book = ada.api(path)['content']
    book['cells'][-1]['source'] = '# my own line'
    ada.api(path, 'PUT', type='notebook', format='json', content=book)
    assert ada.run(kernel, 'kept = 0') == ('', [])
    running = {process.pid for process in hub.processes('ada')}
    for times, how in enumerate((signal.SIGKILL, signal.SIGTERM), 1):  # it has no time to tidy up, and it has
        hub.end(how)
        assert {process.pid for process in hub.processes('ada')} == running
        hub.start()
        assert class_hub.wait(ada.own_page, 60, hub.log).endswith('/lab/tree/my_lessons/index.ipynb')  # without another login
        assert {process.pid for process in hub.processes('ada')} == running
        assert ada.api(path)['content']['cells'][-1]['source'] == '# my own line'
        assert ada.run(kernel, 'kept += 1; print(kept)') == (f'{times}\n', [])
