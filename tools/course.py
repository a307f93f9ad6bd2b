"""Set up the course and run it: `python tools/course.py COMMAND`, the same on every system, with make or without.

This file needs nothing but Python: it makes the environment in .venv that everything else runs in.
What works on notebooks stands in notebooks.py and runs inside that environment.
"""
# Kept to the syntax of Python 3.6, so that an old Python reads as far as the line that says what is needed.
import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / '.venv'
STATE = VENV / 'course.json'  # says which settings the environment was made from; written last
COMMANDS = {
    'install': 'set up the environment in .venv',
    'lab': 'open the lessons in JupyterLab, as copies of your own in my_lessons/',
    'lessons': 'run every notebook in order; stop at the cell that fails',
    'check': 'the tests that take less than a minute',
    'test': 'all tests: check, every notebook without a network, the lessons in a real browser',
    'outputs': 'export, run the notebooks and store what they show; then the README',
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
    pip = [str(venv_python()), '-m', 'pip', '--disable-pip-version-check', 'install']
    return subprocess.call(pip + list(arguments), cwd=str(ROOT))


def install():
    "Make the environment if it isn't there, repair it if its making was interrupted, renew it if the settings changed."
    state = read_state()
    if state.get('fingerprint') == fingerprint() and works(venv_python(), '-c', 'pass'):
        return
    check_python()
    if VENV.exists() and any(VENV.iterdir()) and not state:
        raise Stop(".venv wasn't made by this course: move it away, or use it as it is with "
                   '`python tools/course.py --here COMMAND` after `pip install -e ".[lab]"`, or ".[dev]" for tests.')
    if 'fingerprint' not in state or not works(venv_python(), '-m', 'pip', '--version'):
        make_venv()  # not there, interrupted or broken; pip can't be trusted to repair: it takes half a package for a whole one
    print('Installing into .venv: about 3 minutes and 6.5 GB on Linux the first time …', flush=True)
    write_state({'made_by': 'course.py'})
    target = ['-e', '.[dev]']
    if pip_install('-c', 'constraints.txt', *target) != 0:
        print("The versions in constraints.txt don't fit this machine; trying the newest ones …", flush=True)
        if pip_install(*target) != 0:
            if state.get('fingerprint'):
                write_state(state)  # the old packages are still there: try to renew them again, rather than start anew
            raise Stop('The packages could not be installed, for the reason that pip gives above: mend that and call again.')
    # What the first import of matplotlib does once, and says so in the middle of a lesson, is done here.
    run(venv_python(), '-c', 'import matplotlib.font_manager')
    write_state({'made_by': 'course.py', 'fingerprint': fingerprint()})


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


def lab(python, port, arguments):
    run(python, 'tools/notebooks.py', 'copies')
    options = ['--ServerApp.root_dir=' + str(ROOT), '--LabApp.default_url=/lab/tree/my_lessons/index.ipynb']
    if port:
        options.append('--ServerApp.port=' + str(port))
    if hasattr(os, 'geteuid') and os.geteuid() == 0:
        options.append('--allow-root')  # containers and CI; it listens on this machine alone, behind a token
    become(python, '-m', 'jupyterlab', *options, *arguments)


def clean():
    "Delete what can be made again; .venv and my_lessons stay."
    for pattern in ('_proc', 'build', 'dist', '*.egg-info', '.pytest_cache', '.ruff_cache', 'nbs/models',
                    'nbs/digits.pdf', 'nbs/digits.html', 'nbs/.last_checked'):
        for path in ROOT.glob(pattern):
            shutil.rmtree(str(path)) if path.is_dir() else path.unlink()
    for name in ('__pycache__', '.ipynb_checkpoints'):
        for folder in ('nbs', 'digits_uth', 'solutions', 'tests', 'tools', 'benchmarks', 'experiments'):
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
        install()
        python = venv_python()
    if command == 'lab':
        lab(python, options.port, arguments)
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
