"What the course does with its notebooks: run them, store what they show, make the README."
import argparse
import base64
import hashlib
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from posixpath import normpath

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbclient.output_widget import OutputWidget
from traitlets.config import Config

from digits_uth import lessons as lessons_for_learners

ROOT = Path(__file__).resolve().parent.parent
NBS = ROOT / 'nbs'
PICTURE = 'images/readme.png'  # beside the notebooks; the README's one picture
NOT_FOR_LEARNERS = lessons_for_learners._NOT_FOR_LEARNERS


def notebooks():
    "Every notebook, in reading order."
    return sorted(NBS.glob('*.ipynb'))


def read(path):
    return nbformat.read(path, as_version=4)


def directives(cell):
    "The names of a cell's `#|` lines."
    return set(re.findall(r'^#\|\s*(\w+)', cell.source, re.MULTILINE)) if cell.cell_type == 'code' else set()


def without_directives(source):
    return re.sub(r'^#\|.*\n?', '', source, flags=re.MULTILINE)


def code_hash(nb):
    "What a notebook's outputs depend on: the sources of its code cells."
    return hashlib.sha256('\0'.join(c.source for c in nb.cells if c.cell_type == 'code').encode()).hexdigest()


class Listener(OutputWidget):
    """What an `interact` draws goes in, and no answer comes out.

    nbclient's own sends the kernel its outputs back, one message each while a cell runs. Nothing here wants them, and now and then
    ipykernel 7 misses one: then both waited for ever.
    """
    def send(self, *args, **kwargs):
        pass

    def output(self, outs, msg, display_id, cell_index):
        super().output(outs, msg, display_id, cell_index)
        if msg['msg_type'] == 'error':  # else nobody would hear of it
            content = msg['content']
            self.executor.in_widgets.append(CellExecutionError('\n'.join(content['traceback']), content['ename'], content['evalue']))


def execute(nb, folder, timeout=600, **environment):
    "Run all cells in a fresh kernel that starts in `folder`; `timeout` in seconds holds for each cell."
    with tempfile.TemporaryDirectory() as sockets:
        config = Config()
        if os.name != 'nt':  # ipc needs no network, so that a run with the network cut off can talk to its kernel
            config.KernelManager.transport = 'ipc'
            config.KernelManager.ip = f'{sockets}/kernel'
        runner = NotebookClient(nb, config=config, kernel_name='python3', timeout=timeout, resources={'metadata': {'path': str(folder)}})
        runner.widget_registry['@jupyter-widgets/output']['OutputModel'] = Listener
        runner.in_widgets = []
        runner.execute(env={**{k: v for k, v in os.environ.items() if k != 'MPLBACKEND'}, **environment})
        if runner.in_widgets: raise runner.in_widgets[0]
    return nb


def lessons(paths):
    "Run notebooks without storing anything; a line for each, and the failing cell where one fails."
    for number, path in enumerate(paths, 1):
        print(f'[{number}/{len(paths)}] {path.stem:<16}', end=' ', flush=True)
        start = time.perf_counter()
        try:
            execute(read(path), path.parent)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            print('failed')
            sys.exit(f'\n{path.name} stops here:\n{error}')
        print(f'{time.perf_counter() - start:5.1f} s', flush=True)


def outputs(paths):
    "Export the modules, run the notebooks, store what they show, and make the README."
    from nbdev.clean import nbdev_clean
    from nbdev.doclinks import nbdev_export
    os.chdir(ROOT)
    nbdev_export()
    for path in paths:
        print(f'{path.stem:<16}', end=' ', flush=True)
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as nobodys:  # the course's drawings are shown, not those that somebody kept here
            nb = execute(read(path), path.parent, DIGITS_UTH_HOME=nobodys)
        nb.metadata.pop('widgets', None)
        nb.metadata['digits_uth'] = {'outputs_of': code_hash(nb)}
        for cell in nb.cells:
            if cell.cell_type == 'code':
                cell.outputs = [o for o in cell.outputs if not is_trace_of_progress(o) and not is_widget(o)]
        nbformat.write(nb, path)
        nbdev_clean(str(path))
        print(f'{time.perf_counter() - start:5.1f} s', flush=True)
    readme()


def is_trace_of_progress(output):
    "Does this output only hold what a progress bar left behind: its style sheet, or nothing where it stood?"
    html = output.get('data', {}).get('text/html')
    return output.output_type == 'display_data' and html is not None and (not html.strip() or 'progress {' in html)


def is_widget(output):
    "Is this output only a place for a widget, which shows nothing where no kernel runs?"
    return 'application/vnd.jupyter.widget-view+json' in output.get('data', {})


def learners_copy(nb):
    "The lesson as a learner gets it: no guards, no plumbing, and no outputs but those of cells that are there for their picture."
    return nbformat.from_dict(lessons_for_learners.learners_copy(nb))


def replace_file(path, text):
    "Write a file whole or not at all."
    part = path.with_name(f'.{path.name}.part')
    part.write_text(text, encoding='utf-8', newline='\n')
    os.replace(part, path)


def relink(text, start='nbs'):
    "Make a notebook's relative links right for a file in the project's root."
    def target(match):
        link = match[2]
        if re.match(r'[a-z]+:|#', link):
            return match[0]
        return f'{match[1]}({normpath(f"{start}/{link}")})'
    return re.sub(r'(\])\(([^)\s]+)\)', target, text)


def readme_text():
    "README.md and its picture's bytes, from what index.ipynb holds."
    parts, picture = ['<!-- Made from nbs/index.ipynb by `make readme`: change it there. -->'], None
    for cell in read(NBS / 'index.ipynb').cells:
        if 'hide' in directives(cell):
            continue
        if cell.cell_type == 'markdown':
            parts.append(relink(cell.source))
            continue
        if 'hide_input' not in directives(cell):
            parts.append('```python\n' + without_directives(cell.source) + '\n```')
        for output in cell.outputs:
            html = output.get('data', {}).get('text/html', '')
            image = re.search(r'<img alt="([^"]*)"[^>]* src="data:image/png;base64,([^"]*)"', html)
            if image:
                picture = base64.b64decode(image[2])
                parts.append(f'![{image[1]}](nbs/{PICTURE})')
            else:
                parts.append('```text\n' + (output.get('text') or output['data']['text/plain']).rstrip() + '\n```')
    return '\n\n'.join(parts) + '\n', picture


def readme():
    text, picture = readme_text()
    (NBS / PICTURE).parent.mkdir(exist_ok=True)
    (NBS / PICTURE).write_bytes(picture)
    replace_file(ROOT / 'README.md', text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('command', choices=['lessons', 'outputs', 'readme'])
    parser.add_argument('paths', nargs='*', type=Path, help='notebooks; all where none is named')
    options = parser.parse_args()
    paths = [p.resolve() for p in options.paths] or notebooks()
    if options.command in ('lessons', 'outputs'):
        globals()[options.command](paths)
    else:
        readme()


if __name__ == '__main__':
    main()
