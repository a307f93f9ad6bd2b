"`digits-uth` and `python -m digits_uth`: the course from an installed package. Without a command it opens the lessons."
import json
import os
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from urllib.request import urlopen

from fastcore.script import anno_parser

import digits_uth


class Stop(Exception):
    "What a person has to do, in one line."


def lab(
    folder: str = '.',  # where the folder my_lessons is, or is made
    port: int = None,   # where JupyterLab listens; the first that is free, from 8888, where none is named
):                      # the command to become
    "Open the lessons in JupyterLab, as copies of your own in my_lessons; further options, such as --no-browser, are JupyterLab's."
    if find_spec('jupyterlab') is None:
        raise Stop('JupyterLab is not installed here: `pip install "digits_uth[lab]"` brings it. '
                   'Editors such as VS Code need only `digits-uth lessons`.')
    if port is not None and taken(port):
        raise Stop(f'Port {port} is taken by another program: name another one, as in `--port {port + 1}`, or none.')
    lessons(folder)
    calm()
    command = [sys.executable, '-m', 'jupyterlab', '--log-level=ERROR', f'--ServerApp.root_dir={Path(folder).resolve()}',
               '--LabApp.default_url=/lab/tree/my_lessons/index.ipynb']
    if port is not None:
        command += [f'--ServerApp.port={port}', '--ServerApp.port_retries=0']
    if hasattr(os, 'geteuid') and os.geteuid() == 0:
        command.append('--allow-root')  # containers and CI; it listens on this machine alone, behind a token
    print('JupyterLab opens in your browser, or at the address below. Ctrl-C ends it; what you saved stays.', flush=True)
    return command


def lessons(
    folder: str = '.',  # where the folder my_lessons is, or is made
):
    "Lay the lessons out in my_lessons, or renew those that you haven't changed; for VS Code, Notebook 7 and others."
    from digits_uth.lessons import lay_out
    copies = Path(folder).resolve() / 'my_lessons'
    try:
        said = lay_out(copies, opened=opened(copies))
    except OSError as error:
        raise Stop(f"{copies} can't be written ({error.strerror or error}): go to a folder of yours, or name one by `--folder`.") from error
    print(*said, f'The lessons are in {copies}.', sep='\n', flush=True)


def page(
    path: str,  # the file to write, such as digits.html
):
    "Write one HTML file on which one draws digits and sees what each model reads, and why."
    from digits_uth.own_digits import course_models, export_page
    print(f'{export_page(course_models(), path)} is written: open it with a double click.')


def class_(
    folder: str,  # where the class is made, such as my_class
):
    "Make a class for nbgrader: an assignment of each lesson's exercises and questions, graded by the lessons' own checks."
    from digits_uth.classroom import make_class
    try:
        written = make_class(folder)
    except OSError as error:
        raise Stop(f"{folder} can't be written ({error.strerror or error}): name a folder of yours.") from error
    where = Path(folder).resolve()
    print(f'{len(written)} assignments are written into {where}; its README.md says how to go on.' if written else
          f'{where} has all assignments already, and they stay. To get a newer one, move its folder out of source, and call again.')
    if find_spec('nbgrader') is None:
        print('nbgrader is not installed here: `pip install "digits_uth[classroom]"` brings it.')


def check(
    folder: str = '.',  # where the lessons are, or will be
):
    "Say what this machine has for the course, and what to do where something is missing."
    from digits_uth.machine import look
    rows = look(folder)
    for what, found, todo in rows:
        print(f'{what:<12}{found}' + (f'\n{"":<12}-> {todo}' if todo else ''))
    missing = sum(bool(todo) for *_, todo in rows)
    print('\nAll is there: `digits-uth` opens the lessons.' if not missing else f'\nTo do: {missing}, as the arrows say.')
    sys.exit(bool(missing))


COMMANDS = {function.__name__.strip('_'): function for function in (lab, lessons, page, class_, check)}


def calm():
    "Have a JupyterLab that this process becomes read our settings: no pop-up about news, no search for language servers."
    settings = Path(digits_uth.__file__).parent / 'assets' / 'jupyter'
    os.environ['JUPYTER_CONFIG_PATH'] = os.pathsep.join(filter(None, [os.environ.get('JUPYTER_CONFIG_PATH'), str(settings)]))


def taken(port):
    "Does another program listen there?"
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex(('127.0.0.1', port)) == 0


def opened(folder):
    "Names of the files in this folder that are open in a Jupyter server on this machine."
    try:
        from jupyter_core.paths import jupyter_runtime_dir
    except ImportError:
        return []
    names = []
    for file in Path(jupyter_runtime_dir()).glob('jpserver-*.json'):
        try:
            server = json.loads(file.read_text(encoding='utf-8'))
            with urlopen(f'{server["url"]}api/sessions?token={server["token"]}', timeout=2) as answer:
                paths = [Path(server['root_dir'], session['path']).resolve() for session in json.load(answer)]
        except (OSError, ValueError, KeyError):  # it has ended, or tells nothing
            continue
        names += [path.relative_to(folder).as_posix() for path in paths if path.is_relative_to(folder)]
    return names


def become(command):
    "Let a command take over this process, so that signals such as Ctrl-C reach it alone."
    if os.name == 'nt':  # there exec would hand the terminal back at once
        sys.exit(subprocess.call(command))
    os.execv(command[0], command)


def main():
    arguments = sys.argv[1:]
    if arguments[:1] in (['-h'], ['--help'], ['help']):
        about = '\n'.join(f'  {name:<9} {function.__doc__}' for name, function in COMMANDS.items())
        return print(f'Digits, under the hood. Without a command, the lessons open.\n\n{about}\n\n`digits-uth COMMAND --help` says more.')
    if arguments == ['--version']:
        return print(digits_uth.__version__)
    name = arguments.pop(0) if arguments and not arguments[0].startswith('-') else 'lab'
    if name not in COMMANDS:
        sys.exit(f'{name} is none of the commands: {", ".join(COMMANDS)}.')
    parser = anno_parser(COMMANDS[name], prog=f'digits-uth {name}')
    parser.allow_abbrev = False
    options, more = parser.parse_known_args(arguments)
    options = {key: value for key, value in vars(options).items() if key not in ('pdb', 'xtra')}  # fastcore's own
    if more and name != 'lab':
        parser.error(f'{" ".join(more)}: not known here')
    try:
        command = COMMANDS[name](**options)
        if command:
            become([*command, *more])
    except (Stop, ValueError) as wrong:
        sys.exit(str(wrong))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == '__main__':
    main()
