"""A class on one machine: N learners log in to a hub of classroom/jupyterhub_config.py at once and run lesson 02 from top to bottom.

`python benchmarks/hub.py 10` prints how long they wait and what memory each takes. It needs jupyterhub and configurable-http-proxy
(from npm; on the PATH, or named by CONFIGURABLE_HTTP_PROXY), no accounts and no root. tests/test_hub.py has Hub and Learner from here.
"""
import argparse
import json
import os
import secrets
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import requests
import websocket
from jupyterhub.utils import random_port

CONFIG = Path(__file__).resolve().parent.parent / 'classroom' / 'jupyterhub_config.py'
PROXY = os.environ.get('CONFIGURABLE_HTTP_PROXY') or shutil.which('configurable-http-proxy')
# The class's configuration, but anybody may come in, and homes are folders beside the hub's: no accounts.
HERE = """
load_subconfig({config!r})
c.JupyterHub.spawner_class, c.JupyterHub.authenticator_class = 'simple', 'dummy'
c.Authenticator.allow_all = True
c.SimpleLocalProcessSpawner.home_dir_template = {homes!r} + '/{{username}}'
c.JupyterHub.bind_url, c.JupyterHub.hub_port = 'http://127.0.0.1:{port}', {hub_port}
c.Spawner.args = [*c.Spawner.args, *{root!r}]
c.ConfigurableHTTPProxy.api_url, c.ConfigurableHTTPProxy.command = 'http://127.0.0.1:{api_port}', {proxy!r}
"""


class Hub:
    "A hub whose files and learners' homes lie in `folder`; on leaving, all that it started is ended."
    def __init__(self, folder, pictures=None):
        self.folder, self.homes, self.port = Path(folder), Path(folder) / 'homes', random_port()
        self.pictures = str(pictures or self.folder / 'fastai')
        self.address, self.process = f'http://127.0.0.1:{self.port}', None
        (self.folder / 'config.py').write_text(HERE.format(config=str(CONFIG), homes=str(self.homes), port=self.port, proxy=PROXY,
                                                           hub_port=random_port(), api_port=random_port(),
                                                           root=[] if os.geteuid() else ['--allow-root']), encoding='utf-8')

    def start(self):
        environment = {**os.environ, 'HOME': str(self.folder), 'FASTAI_HOME': self.pictures}
        for name in ('MPLBACKEND', *(f'{name}_NUM_THREADS' for name in ('OMP', 'MKL', 'OPENBLAS'))):  # what a server has not
            environment.pop(name, None)
        with open(self.folder / 'log', 'a', encoding='utf-8') as log:
            self.process = subprocess.Popen([sys.executable, '-m', 'jupyterhub', '-f', 'config.py'], cwd=self.folder, env=environment,
                                            stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        wait(self.answers, 120, self.log)

    def answers(self):
        assert self.process.poll() is None, self.log()
        with suppress(requests.ConnectionError):
            return requests.get(f'{self.address}/hub/health', timeout=5).ok

    def log(self): return (self.folder / 'log').read_text(encoding='utf-8')

    def end(self, how=signal.SIGTERM):
        "The hub alone; what runs for learners runs on."
        self.process.send_signal(how)
        self.process.wait(60)

    def processes(self, user=None):
        "What runs for one learner, or for all and the hub itself: its home tells."
        home = str(self.homes / user) if user else str(self.folder)
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if (process.environ().get('HOME', '') + '/').startswith(home + '/'):
                    found.append(process)
        return found

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        with suppress(subprocess.TimeoutExpired):
            self.end()
        for process in self.processes():
            with suppress(psutil.Error):
                process.kill()
        self.process.wait()


def wait(ready, seconds, told=str):
    "Ask until the answer is yes; `told` says what went wrong where it isn't in time."
    end = time.monotonic() + seconds
    while not (answer := ready()):
        assert time.monotonic() < end, told()
        time.sleep(.5)
    return answer


class Learner:
    "Logs in through the hub's pages as a browser does, then works through the server's API with a token."
    def __init__(self, hub, name):
        self.hub, self.name, self.browser = hub, name, requests.Session()
        self.browser.headers['Sec-Fetch-Mode'] = 'navigate'

    def log_in(self):
        "The page that opens after the login: its address, once it is the learner's own server that answers."
        self.browser.get(f'{self.hub.address}/hub/login')
        form = {'username': self.name, 'password': secrets.token_hex(8), '_xsrf': self.browser.cookies.get('_xsrf', path='/hub/')}
        self.browser.post(f'{self.hub.address}/hub/login', data=form).raise_for_status()
        page = wait(self.own_page, 300, self.hub.log)
        answer = self.browser.post(f'{self.hub.address}/hub/api/users/{self.name}/tokens', json={},
                                   headers={'X-XSRFToken': self.browser.cookies.get('_xsrf', path='/hub/'), 'Sec-Fetch-Mode': 'cors'})
        answer.raise_for_status()
        self.token = {'Authorization': f'token {answer.json()["token"]}'}
        return page

    def own_page(self):
        answer = self.browser.get(f'{self.hub.address}/user/{self.name}/')
        return answer.ok and '/hub/' not in answer.url and answer.url.partition('?')[0]

    def api(self, path, method='GET', /, **body):
        "What the learner's server answers."
        address = f'{self.hub.address}/user/{self.name}/api/{path}'
        answer = requests.request(method, address, headers=self.token, json=body or None, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def open(self, path):
        "A kernel for a notebook, as opening it starts one."
        return self.api('sessions', 'POST', path=path, name=path, type='notebook', kernel={'name': 'python3'})['kernel']['id']

    def run(self, kernel, *cells, timeout=300):
        "What cells print, and the errors they raise: 'Name: message'. The first error ends it."
        address = f'ws{self.hub.address[4:]}/user/{self.name}/api/kernels/{kernel}/channels?session_id={secrets.token_hex(8)}'
        socket = websocket.create_connection(address, header=self.token, timeout=timeout)
        printed, errors = '', []
        try:
            for cell in cells:
                number = secrets.token_hex(8)
                header = {'msg_id': number, 'msg_type': 'execute_request', 'username': '', 'session': number, 'version': '5.3'}
                content = {'code': cell, 'silent': False, 'store_history': True, 'user_expressions': {}, 'allow_stdin': False}
                socket.send(json.dumps({'header': header, 'parent_header': {}, 'metadata': {}, 'content': content, 'channel': 'shell'}))
                idle = replied = False
                while not (idle and replied):
                    message = json.loads(socket.recv())
                    if message['parent_header'].get('msg_id') != number:
                        continue
                    kind, content = message['msg_type'], message['content']
                    printed += content['text'] if kind == 'stream' and content['name'] == 'stdout' else ''
                    errors += [f'{content["ename"]}: {content["evalue"]}'] if kind == 'error' else []
                    idle |= kind == 'status' and content['execution_state'] == 'idle'
                    replied |= kind == 'execute_reply'
                if errors:
                    break
        finally:
            socket.close()
        return printed, errors

    def lesson(self, name):
        "The code cells of the learner's copy."
        cells = self.api(f'contents/my_lessons/{name}.ipynb')['content']['cells']
        return [cell['source'] for cell in cells if cell['cell_type'] == 'code']

    def memory(self):
        "Bytes of what runs for the learner; what processes share counts once, divided among them (PSS)."
        return sum(process.memory_full_info().pss for process in self.hub.processes(self.name))


def timed(function, *arguments):
    start = time.perf_counter()
    return function(*arguments), time.perf_counter() - start


def spread(seconds): return f'{min(seconds):.0f} / {statistics.median(seconds):.0f} / {max(seconds):.0f}'


def main(learners, lesson):
    if PROXY is None:
        sys.exit('configurable-http-proxy was not found: `npm install configurable-http-proxy`, and put its folder on the PATH.')

    def take(learner):
        "A lesson from opening it to its last cell: the errors."
        return learner.run(learner.open(f'my_lessons/{lesson}.ipynb'), *learner.lesson(lesson), timeout=1800)[1]

    with tempfile.TemporaryDirectory() as folder, Hub(folder) as hub, ThreadPoolExecutor(learners) as pool:
        alone = Learner(hub, 'alone')
        _, first_page = timed(alone.log_in)
        errors, first_lesson = timed(take, alone)
        print(f'One learner: {first_page:.0f} s from login to the page, {first_lesson:.0f} s for lesson {lesson}, '
              f'{alone.memory() / 2**20:.0f} MiB' + ''.join(f'; {error}' for error in errors), flush=True)
        for process in hub.processes('alone'):
            process.kill()
        people = [Learner(hub, f'learner{number:02}') for number in range(learners)]
        pages = list(pool.map(lambda learner: timed(learner.log_in)[1], people))
        print(f'{learners} at once, min / median / max: {spread(pages)} s from login to the page,', flush=True)
        taken = list(pool.map(lambda learner: timed(take, learner), people))
        memory = [learner.memory() / 2**20 for learner in people]
        print(f'{spread([seconds for _, seconds in taken])} s for the lesson, {spread(memory)} MiB each '
              f'({sum(memory) / 1024:.1f} GiB for all); {sum(bool(errors) for errors, _ in taken)} failed'
              + ''.join(f'\n{learner.name}: {errors}' for learner, (errors, _) in zip(people, taken, strict=True) if errors))


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('learners', type=int, nargs='?', default=10, help='how many work at once (default 10)')
    parser.add_argument('--lesson', default='02_distances', help='which lesson they run (default 02_distances)')
    main(**vars(parser.parse_args()))
