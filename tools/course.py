"""Set up the course and run it: `python tools/course.py COMMAND`, the same on every system, with make or without.

This file needs nothing but Python: it makes the environment in .venv that everything else runs in.
What works on notebooks stands in notebooks.py and runs inside that environment.
"""
# Kept to the syntax of Python 3.6, so that an old Python reads as far as the line that says what is needed.
import argparse
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from configparser import ConfigParser
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / '.venv'
STATE = VENV / 'course.json'  # says which settings the environment was made from; written last
CPU_WHEELS = 'https://download.pytorch.org/whl/cpu'  # PyTorch's own: PyPI has none for Linux without CUDA
KINDS = ['lab', 'dev']  # the extras in settings.ini, each with all that those before it have
COMMANDS = {
    'install': 'set up the environment in .venv, with what changing the course needs',
    'lab': 'open the lessons in JupyterLab, as copies of your own in my_lessons/',
    'copies': 'the same copies, for VS Code and other editors',
    'lessons': 'run every notebook in order; stop at the cell that fails',
    'check': 'the tests that take less than a minute',
    'test': 'all tests: check, every notebook without a network, the lessons in a real browser',
    'outputs': 'export, run the notebooks and store what they show; then the README',
    'class': 'make a class for nbgrader, in the folder that you name: assignments with the exercises of each lesson',
    'slides': 'slides of lessons 01 to 03, into slides/',
    'site': 'build the site of all lessons into _site/',
    'readme': 'make README.md from nbs/index.ipynb',
    'bench': 'measure speed, as ratios',
    'experiments': 'make the tables of the experiments again: many seeds, some minutes',
    'gpu-check': 'train on the GPU, if there is one, and prove that everything is there',
    'clean': 'delete what can be made again (not .venv, not my_lessons)',
}


WORKERS = ['-n', 'logical', '--dist', 'loadgroup']  # a process a core; what shares a browser stays together


class Stop(Exception):
    "What a person has to do, in one line."


def settings():
    config = ConfigParser(delimiters=['='])
    config.read(str(ROOT / 'settings.ini'), encoding='utf-8')
    return config['DEFAULT']


def check_python():
    "Refuse, in one line, a Python that can't run the course."
    least = settings()['min_python']
    if sys.version_info < tuple(map(int, least.split('.'))):
        raise Stop('Python {} or newer is needed and this is {}: install one and name it, as in '
                   '`make lab PYTHON=python{}`.'.format(least, sys.version.split()[0], least))
    if sys.maxsize < 2**32:
        raise Stop('A 64-bit Python is needed and this one has 32 bits: PyTorch has no 32-bit packages.')


def venv_python():
    return VENV / ('Scripts/python.exe' if os.name == 'nt' else 'bin/python')


def works(*command):
    "Does this command run and succeed?"
    try:
        return subprocess.call([str(c) for c in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def fingerprint():
    "What the environment depends on: the settings, the versions, and where the project lies, which an editable install remembers."
    digest = hashlib.sha256(str(ROOT).encode())
    for name in ('settings.ini', 'setup.py', 'pyproject.toml', 'constraints.txt'):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def write_state(state):
    STATE.write_text(json.dumps(state), encoding='utf-8')


def read_state():
    try:
        return json.loads(STATE.read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return {}


def make_venv():
    "An empty environment, marked as unfinished until the packages are in."
    if VENV.exists():
        shutil.rmtree(str(VENV))
    VENV.mkdir()
    write_state({'made_by': 'course.py'})
    if not works(sys.executable, '-c', 'import venv, ensurepip'):
        raise Stop("This Python can't make environments: on Debian and Ubuntu, `sudo apt install python3-venv` helps.")
    run(sys.executable, '-m', 'venv', VENV)


def pip_install(*arguments):
    "pip's exit status and what it said of errors, which is printed as it comes."
    pip = [str(venv_python()), '-m', 'pip', '--disable-pip-version-check', 'install', '--retries', '2']
    said = []
    piped = {'stderr': subprocess.PIPE, 'universal_newlines': True, 'errors': 'replace'}
    with subprocess.Popen(pip + list(arguments), cwd=str(ROOT), **piped) as running:
        for line in running.stderr:
            said.append(line)
            sys.stderr.write(line)
    return running.returncode, ''.join(said)


def cpu_wheels():
    "Shall PyTorch come without CUDA, a third of the size? On Linux without an NVIDIA driver, where PyTorch's own index answers."
    places = ('/proc/driver/nvidia', '/dev/nvidiactl', '/usr/lib/wsl/lib/libcuda.so.1')
    driver = shutil.which('nvidia-smi') or any(map(os.path.exists, places))
    if driver or not sys.platform.startswith('linux') or platform.machine() != 'x86_64':
        return False
    try:
        urlopen(CPU_WHEELS + '/torch/', timeout=5).close()
        return True
    except (OSError, ValueError):
        return False


REASONS = [  # what pip says -> what a person has to do
    ('No space left on device', 'The disk is full: make room, {size} in all, and call again.'),
    ('NewConnectionError|Temporary failure in name resolution|getaddrinfo|Connection(Reset|Refused)|ReadTimeout|ConnectTimeout'
     '|ProxyError|SSLError|Connection broken|IncompleteRead|HTTPSConnectionPool',
     'The package index does not answer: connect this machine to the internet and call again.'),
    ('Permission denied|Read-only file system', 'Something could not be written, as pip says above: mend that and call again.'),
]


def install_packages(kind):
    "What `kind` needs, into the environment: with the recorded versions, or the newest where those don't fit."
    small = cpu_wheels()
    size = '2.5 GB' if small else '7 GB'
    print('Installing into .venv: {} of disk, some minutes the first time ...'.format(size), flush=True)
    target = ['-e', '.[{}]'.format(kind)]
    for versions in (['-c', 'constraints.txt'], []):
        status = 1
        if small:  # both from there: PyPI's torchvision doesn't work beside it
            status, said = pip_install(*(versions + ['--index-url', CPU_WHEELS, 'torch', 'torchvision']))
            if status:
                print("PyTorch's own index has nothing that fits: PyPI's larger build will do ...", flush=True)
        status, said = pip_install(*(versions + target))
        if status == 0:
            return
        for pattern, advice in REASONS:
            if re.search(pattern, said):
                raise Stop(advice.format(size=size))
        if versions:
            print("The versions in constraints.txt don't fit this machine; trying the newest ones ...", flush=True)
    raise Stop('The packages could not be installed, for the reason that pip gives above: mend that and call again.')


@contextmanager
def alone():
    "One set-up at a time: a second one waits, and then finds everything there."
    try:
        file = open(str(ROOT / '.venv.lock'), 'a')
    except OSError as error:
        raise Stop("This folder can't be written ({}): copy it to a place of your own and call there.".format(error.strerror)) from error
    with file:
        if os.name == 'nt':
            import msvcrt
            def lock(): msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl
            def lock(): fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        waiting = False
        while True:
            try:
                lock()
                break
            except OSError:
                if not waiting:
                    print('Another set-up is at work in this folder: waiting for it ...', flush=True)
                waiting = True
                time.sleep(1)
        yield  # closing the file, or the end of this process, lets go


def ready(state, kind):
    "Is the environment there, made from the settings as they are now, with all that `kind` needs?"
    return (state.get('fingerprint') == fingerprint() and KINDS.index(state.get('kind', KINDS[-1])) >= KINDS.index(kind)
            and works(venv_python(), '-c', 'pass'))


def install(kind='dev'):
    "Make the environment if it isn't there, repair it if its making was interrupted, renew it if the settings changed."
    if ready(read_state(), kind):
        return
    check_python()
    with alone():
        state = read_state()
        if ready(state, kind):  # somebody else made it meanwhile
            return
        if VENV.exists() and any(VENV.iterdir()) and not state:
            raise Stop(".venv wasn't made by this course: move it away, or use it as it is with "
                       '`python tools/course.py --here COMMAND` after `pip install -e ".[lab]"`, or ".[dev]" for tests.')
        if 'fingerprint' not in state or not works(venv_python(), '-m', 'pip', '--version'):
            make_venv()  # not there, interrupted or broken; pip can't be trusted to repair: it takes half a package for a whole one
            state = {}
        kind = max(kind, state.get('kind', KINDS[-1]) if state else kind, key=KINDS.index)  # what was there stays
        write_state({'made_by': 'course.py'})
        try:
            install_packages(kind)
        except Stop:
            if state:
                write_state(state)  # the old packages are still there: try to renew them again, rather than start anew
            raise
        # What the first import of matplotlib does once, and says so in the middle of a lesson, is done here.
        run(venv_python(), '-c', 'import matplotlib.font_manager')
        write_state({'made_by': 'course.py', 'fingerprint': fingerprint(), 'kind': kind})


def run(*command):
    "Run a command in the project's root; if it fails, end with its exit status."
    status = subprocess.call([str(c) for c in command], cwd=str(ROOT))
    if status:
        sys.exit(status)


def become(*command):
    "Let a command take over this process, so that signals such as Ctrl-C reach it alone."
    command = [str(c) for c in command]
    os.chdir(str(ROOT))
    if os.name == 'nt':  # there exec would hand the terminal back at once
        sys.exit(subprocess.call(command))
    sys.stdout.flush()
    os.execv(command[0], command)


def clean():
    "Delete what can be made again; .venv and my_lessons stay."
    for pattern in ('_proc', '_site', 'slides', 'build', 'dist', '*.egg-info', '.pytest_cache', '.ruff_cache', 'nbs/models',
                    'nbs/digits.pdf', 'nbs/digits.html', 'nbs/.last_checked'):
        for path in ROOT.glob(pattern):
            shutil.rmtree(str(path)) if path.is_dir() else path.unlink()
    for name in ('__pycache__', '.ipynb_checkpoints'):
        for folder in ('nbs', 'digits_uth', 'site', 'solutions', 'tests', 'tools', 'benchmarks', 'experiments'):
            for path in list((ROOT / folder).rglob(name)):
                shutil.rmtree(str(path))


def main():
    parser = argparse.ArgumentParser(prog='course.py', usage='%(prog)s [--here] COMMAND …',
                                     formatter_class=argparse.RawDescriptionHelpFormatter,
                                     description='\n'.join('{:12}{}'.format(*item) for item in COMMANDS.items()))
    parser.add_argument('--here', action='store_true',
                        help='use the Python that runs this, with what `pip install -e ".[lab]"` put there (tests: `.[dev]`)')
    parser.add_argument('--port', help='with lab: the port it listens on')
    parser.add_argument('command', choices=['help', *COMMANDS], metavar='COMMAND')
    options, arguments = parser.parse_known_args()
    command = options.command
    if command == 'help':
        return parser.print_help()
    if command == 'clean':
        return clean()
    if options.here:
        check_python()
        python = Path(sys.executable)
    else:
        install('lab' if command in ('lab', 'copies') else 'dev')
        python = venv_python()
    if command == 'lab':
        become(python, '-m', 'digits_uth', 'lab', *(['--port', options.port] if options.port else []), *arguments)
    elif command == 'copies':
        become(python, '-m', 'digits_uth', 'lessons', *arguments)
    elif command == 'class':
        become(python, '-m', 'digits_uth', 'class', *(arguments or ['my_class']))
    elif command == 'slides':
        become(python, 'classroom/slides.py', *arguments)
    elif command == 'site':
        become(python, 'site/build.py', *arguments)
    elif command in ('lessons', 'outputs', 'readme'):
        become(python, 'tools/notebooks.py', command, *arguments)
    elif command == 'check':
        become(python, '-m', 'pytest', *WORKERS, '-m', 'not slow', *arguments)
    elif command == 'test':
        become(python, '-m', 'pytest', *WORKERS, *arguments)
    elif command == 'bench':
        become(python, 'benchmarks/bench.py', *arguments)
    elif command == 'gpu-check':
        become(python, 'tools/gpu_check.py', *arguments)
    elif command == 'experiments':
        become(python, 'tools/tables.py', *arguments)


if __name__ == '__main__':
    try:
        main()
    except Stop as stop:
        sys.exit(str(stop))
    except KeyboardInterrupt:
        sys.exit(130)
