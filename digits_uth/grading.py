"What nbgrader runs learners' work with: in a sandbox, its answers found where metadata got lost, and a table that says why."
import csv
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from textwrap import shorten

import digits_uth
from jupyter_client.manager import AsyncKernelManager
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.plugins import ExportPlugin, FileNameCollectorPlugin
from nbgrader.preprocessors import Execute, NbGraderPreprocessor
from traitlets import Integer

BWRAP = ['bwrap', '--unshare-all', '--die-with-parent', '--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc', '--tmpfs', '/tmp']


def missing():
    "Why this machine can't give learners' work a sandbox, in a line; nothing where it can."
    try: said = subprocess.run([*BWRAP, 'true'], capture_output=True, text=True, timeout=30).stderr.strip()
    except OSError: return 'there is no bubblewrap (`bwrap`)'
    return said.splitlines()[-1] if said else ''


def ready():
    "End with one line where this machine can't give learners' work a sandbox."
    if why := missing():
        sys.exit(f"Learners' programs can't be shut in here: {why}. README.md says what helps, under Before. "
                 'Where you trust all who hand in, write `TRUSTED = True` into nbgrader_config.py.')


class Collect(FileNameCollectorPlugin):
    """Whose file is it, of which lesson, from when?

    `ada_02_distances.ipynb` is Ada's, and so is `02_distances.ipynb` in a folder `ada`; what Moodle puts between goes. When it was handed
    in says a time in the name, as in `ada_2026-11-30-09-15_02_distances.ipynb`, or else the file's own: of several the last one counts.
    """
    def collect(self, submitted_file):
        path = Path(submitted_file)
        lesson = re.search(r'(\d\d_[a-z_]*[a-z])(?: ?\(\d+\))?\.ipynb$', path.name)
        who = (path.name[:lesson.start()] or path.parent.name) if lesson else ''
        when = re.search(r'(20\d\d)-(\d\d)-(\d\d)(?:[-_T ](\d\d)[-:.]?(\d\d)(?:[-:.]?(\d\d))?)?', who)
        who = re.sub(r'_\d+_assignsubmission_file|_attempt(?=_)|' + re.escape(when[0] if when else '_attempt'), '', who)
        student = re.sub(r'\W+|_+', '-', who.lower()).strip('-')
        if not student or student == 'extracted':
            self.log.warning('%s: expected a name such as ada_02_distances.ipynb; rename it', path.name)
            return None
        kept = Path(*('archive' if part == 'extracted' else part for part in path.parts))  # a copy is as old as the collecting
        moment = datetime(*(int(part or 0) for part in when.groups())) if when else \
            datetime.fromtimestamp((kept if kept.exists() else path).stat().st_mtime)
        return {'student_id': student, 'file_id': lesson[1], 'timestamp': moment.isoformat(' ', 'seconds')}


class Sandbox(AsyncKernelManager):
    """A kernel in a sandbox: an empty home, no network, nothing else that it can write, and no gradebook that it can read.

    Bubblewrap makes it, and util-linux's prlimit holds its memory. The kernel is reached over sockets in its home.
    """
    memory = Integer(2000, help="MB that a learner's program may take").tag(config=True)
    hidden = ()  # folders that look empty in there

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.home = tempfile.mkdtemp(prefix='learner')
        self.transport, self.ip, self.connection_file = 'ipc', f'{self.home}/socket', f'{self.home}/kernel.json'

    def format_kernel_cmd(self, *args, **kwargs):
        self.kernel_spec.interrupt_mode = 'message'  # a signal would end the sandbox instead
        hidden = [option for folder in (Path.home(), *self.hidden) if len(Path(folder).parts) > 1 for option in ('--tmpfs', folder)]
        needed = [option for path in self.needed() for option in ('--ro-bind', path, path)]
        inside = {'HOME': self.home, 'DIGITS_UTH_HOME': self.home, 'OMP_NUM_THREADS': '1', 'LANG': 'C.UTF-8', 'PATH': os.environ['PATH']}
        variables = [option for name, value in inside.items() for option in ('--setenv', name, value)]
        limits = ['prlimit', f'--data={self.memory * 10**6}', '--fsize=1000000000', '--core=0', 'sh', '-c', 'exec "$@" > /dev/null', '-']
        home = ['--bind', self.home, self.home, '--chdir', self.home]
        return [str(part) for part in [*BWRAP, *hidden, *needed, *home, '--clearenv', *variables, *limits,
                                       *super().format_kernel_cmd(*args, **kwargs)]]

    def needed(self):
        "What Python is made of, which may lie in a home or below /tmp."
        return sorted({sys.base_prefix, sys.prefix, str(Path(digits_uth.__file__).parent)} - {'/usr'})

    async def _async_cleanup_resources(self, restart=False):
        await super()._async_cleanup_resources(restart)
        if not restart: shutil.rmtree(self.home, ignore_errors=True)
    cleanup_resources = _async_cleanup_resources


class ExecuteApart(Execute):
    "nbgrader's way to run a notebook, in a sandbox; and a learner who keeps it waiting again and again doesn't keep the others waiting."
    together = Integer(120, help='seconds that all cells of a notebook may take').tag(config=True)
    apart = True

    def __init__(self, *args, **kwargs):
        if self.apart: kwargs.setdefault('kernel_manager_class', Sandbox)
        super().__init__(*args, **kwargs)
        self.timeout_func = lambda cell: max(1, min(self.timeout, self.end - time.monotonic()))

    def preprocess(self, *args, **kwargs):
        self.end = time.monotonic() + self.together
        return super().preprocess(*args, **kwargs)


def known_as(cell):
    "The name by which nbgrader knows a cell; None where it knows none."
    return cell['metadata'].get('nbgrader', {}).get('grade_id')


class FindAnswers(NbGraderPreprocessor):
    """Find the cells of an assignment in what was handed in, by nbgrader's metadata, by the cell's id, or by what stands in it.

    Some programs drop metadata or ids when they save. A cell that isn't there comes back as it was handed out.
    """
    def preprocess(self, nb, resources):
        told = resources['nbgrader']
        with Gradebook(told['db_url']) as gradebook:
            kept = gradebook.find_notebook(told['notebook'], told['assignment'])
            grades, solutions = {c.name: c.max_score for c in kept.grade_cells}, {c.name for c in kept.solution_cells}
            place = 0
            for source in kept.source_cells:
                named = (c for c in nb.cells if known_as(c) == source.name)
                cell = next(named, None) or self.found(nb, source)
                if cell is None:
                    self.log.warning('Cell %s is missing: it comes back as it was handed out', source.name)
                    new = new_code_cell if source.cell_type == 'code' else new_markdown_cell
                    nb.cells.insert(place, cell := new(source.source, id=source.name))
                if source.locked: cell.source = source.source  # whatever stands there now
                graded = {'points': grades[source.name]} if source.name in grades else {}
                cell.metadata.nbgrader = NotebookNode(
                    schema_version=3, grade_id=source.name, cell_type=source.cell_type, checksum=source.checksum, locked=source.locked,
                    task=False, grade=bool(graded), solution=source.name in solutions, **graded)
                place = nb.cells.index(cell) + 1
        return nb, resources

    def found(self, nb, source):
        "The last cell that looks as if it were this one."
        begins = re.search(r'^(?:(?:def|class) \w+\b|check_\w+\(|\*\*Your answer to question \d+:\*\*)', source.source, re.MULTILINE)
        free = [c for c in nb.cells[::-1] if c.cell_type == source.cell_type and not known_as(c)]
        same = (c for c in free if c.get('id') == source.name)
        like = (c for c in free if begins and re.search('^' + re.escape(begins[0]), c.source, re.MULTILINE))
        return next(same, None) or next(like, None)


def verdict(cell):
    "What became of an exercise, in a line: right, or what was said."
    error = next((o for o in cell['outputs'] if o['output_type'] == 'error'), None)
    if error is None: return 'right'
    said = re.findall(r'^not yet: (.*)', ''.join(''.join(o['text']) for o in cell['outputs'] if o['output_type'] == 'stream'), re.MULTILINE)
    if error['ename'] in ('CellTimeoutError', 'KeyboardInterrupt'): return 'took too long'
    return shorten(said[-1] if said else f'{error["ename"]}: {error["evalue"]}'.strip(': '), 160)


class TableExport(ExportPlugin):
    "A line for each learner and assignment: whether it was handed in, whether it ran, its points, and what each exercise's check said."

    def export(self, gradebook):
        rows = [self.row(gradebook, assignment, student) for assignment in gradebook.assignments for student in gradebook.students
                if (not self.assignment or assignment.name in self.assignment) and (not self.student or student.id in self.student)]
        exercises = sorted({name for row in rows for name in row if name.startswith('exercise ')})
        names = ['assignment', 'student', 'name', 'state', 'handed in', 'points', 'of', *exercises]
        with open(self.to or 'grades.csv', 'w', encoding='utf-8', newline='') as file:
            table = csv.DictWriter(file, names, restval='')
            table.writeheader()
            table.writerows(rows)

    def row(self, gradebook, assignment, student):
        course = self.parent.coursedir
        submitted, autograded = (Path(course.format_path(folder, student.id, assignment.name))
                                 for folder in (course.submitted_directory, course.autograded_directory))
        row = {'assignment': assignment.name, 'student': student.id, 'of': assignment.max_score,
               'name': ' '.join(filter(None, (student.first_name, student.last_name)))}
        try: submission = gradebook.find_submission(assignment.name, student.id)
        except MissingEntry: return {**row, 'state': 'not graded yet' if submitted.exists() else 'not handed in'}
        row['handed in'] = submission.timestamp or ''
        sent, seen = map(course.get_existing_timestamp, (submitted, autograded))
        if sent and seen and sent > seen: return {**row, 'state': 'a newer one is not graded yet'}
        files = [autograded / f'{nb.name}.ipynb' for nb in assignment.notebooks]
        if not all(file.exists() for file in files): return {**row, 'state': 'did not run', 'points': 0}
        cells = [c for file in files for c in json.loads(file.read_text(encoding='utf-8'))['cells']]
        named = {known_as(c) or '': c for c in cells}
        verdicts = {f'exercise {name[-1]}': verdict(c) for name, c in named.items() if re.fullmatch(r'check_\d\d_\d', name)}
        state = 'questions to be read' if submission.needs_manual_grade else 'graded'
        return {**row, **verdicts, 'state': state, 'points': submission.score}
