"A class for nbgrader, made from the lessons: of each an assignment with its exercises and closing questions. Nothing is written twice."
import hashlib
import json
import re
import secrets
from importlib.resources import files
from pathlib import Path

from .lessons import _write, course_files

POINTS = {'exercise': 2, 'question': 1}
LIBRARIES = {'fastai', 'math', 'torch'}  # of what a lesson imports, what answers may need
CHECK = re.compile(r'^(check_(\d\d)_(\d))\((\w+)\);?$', re.MULTILINE)
TASK = re.compile(r'^((?:\*\*|Your turn)(?:(?!^(?:\*\*|Your turn)).)*)\Z', re.MULTILINE | re.DOTALL)  # from the last line that begins one
QUESTION = re.compile(r'^(\d+)\. (.*?)\n<details><summary>Answer</summary>\n(.*?)\n</details>', re.MULTILINE | re.DOTALL)

INSTRUCTIONS = """# {title}: exercises and questions

Replace each `...` by your answer and run its cell with Shift-Enter. The cell below it says *right*, or *not yet* with a reason; it has
a hint, too. When your work is graded, your answers are tried on other inputs besides, so find a way that holds for all. Answer the
questions in your own words, a sentence or two each.

Before you hand in: *Kernel → Restart Kernel and Run All Cells*, look whether all is as you want it, and save. Then rename the file so that
it begins with your name, as in `ada_{file}.ipynb`, and hand it in. You can add cells for trying things out. A cell that takes half a minute
or more counts as not answered."""


def cell(kind, name, source, **nbgrader):
    "A cell of an assignment. The name that nbgrader knows it by is its id, too: so it is found again where metadata got lost."
    kept = {'schema_version': 3, 'grade': False, 'solution': False, 'task': False, 'locked': True, **nbgrader,
            'cell_type': kind, 'grade_id': name}
    return {'cell_type': kind, 'id': name, 'source': source, 'metadata': {'nbgrader': kept},
            **({'execution_count': None, 'outputs': []} if kind == 'code' else {})}


def sources(lesson, kind):
    return [cell['source'] for cell in lesson['cells'] if cell['cell_type'] == kind]


def imports(source, libraries):
    "The import lines of a source that are from one of these libraries."
    found = re.findall(r'^((?:import|from) (\w+)[^#\n]*)', source, re.MULTILINE)
    return [line.strip() for line, library in found if library in libraries]


def exercise(text, code, secret):
    "What to do, the learner's cell, and the cell that grades it."
    found = CHECK.search(code['source'])
    check, name, answer = found[1], f'{found[2]}_{found[3]}', found[4]
    task = TASK.search(text['source'].rstrip())
    if task is None:
        raise ValueError(f'{check}: expected a text before it that says what to do, got {text["source"][-60:]!r}; '
                         f'begin it in bold, or with "Your turn" (lesson {found[2]}).')
    seed = int(hashlib.sha256(f'{secret} {check}'.encode()).hexdigest()[:7], 16) + 1  # one's feedback doesn't give away another's
    hidden = ['### BEGIN HIDDEN TESTS',
              f'from digits_uth.exercises import {check}',  # again: the name may mean something else by now
              f'assert {check}({answer}, seed={seed}), "not right on other inputs"',
              '### END HIDDEN TESTS']
    return [cell('markdown', f'task_{name}', f'## Exercise {found[3]}\n{task[1]}'),
            cell('code', f'answer_{name}', code['source'][:found.start()].rstrip(), solution=True, locked=False),
            cell('code', check, '\n'.join([f'{check}({answer});', *hidden]), grade=True, points=POINTS['exercise'])]


def question(lesson, number, text, model):
    "A question, with the model answer that learners see after grading, and the cell for their own."
    scheme = f'<!-- BEGIN MARK SCHEME -->\n*A model answer:* {model.strip()}\n<!-- END MARK SCHEME -->'
    return [cell('markdown', f'question_{lesson}_{number}', f'## Question {number}\n{text}\n\n{scheme}'),
            cell('markdown', f'words_{lesson}_{number}', f'**Your answer to question {number}:** …',
                 grade=True, solution=True, locked=False, points=POINTS['question'])]


def assignment(
    name,      # the lesson's file, such as 02_distances
    lesson,    # its learner's copy, a dictionary
    solution,  # the text of its solutions/lesson_NN.py: what its answers import
    secret,    # a text that learners don't know: it decides the inputs that they don't see
):             # the assignment's notebook as a dictionary, for nbgrader's folder `source`; None where a lesson has no exercises
    "The exercises and the closing questions of a lesson, as cells that nbgrader grades."
    pairs = zip(lesson['cells'], lesson['cells'][1:], strict=False)
    exercises = [part for text, code in pairs if code['cell_type'] == 'code' and CHECK.search(code['source'])
                 for part in exercise(text, code, secret)]
    if not exercises: return None
    checks = [part['id'] for part in exercises if part['metadata']['nbgrader']['grade']]
    asked = '\n\n'.join(text for text in sources(lesson, 'markdown') if '### Questions' in text)
    questions = [part for found in QUESTION.findall(asked) for part in question(checks[0][6:8], *found)]
    setup = [*imports('\n'.join(sources(lesson, 'code')), LIBRARIES), *imports(solution, LIBRARIES | {'digits_uth'}),
             f'from digits_uth.exercises import {", ".join(checks)}']
    title = re.match(r'# (.*)', lesson['cells'][0]['source'])[1]
    first = [cell('markdown', 'instructions', INSTRUCTIONS.format(title=title, file=name)),
             cell('code', 'setup', '\n'.join(dict.fromkeys(setup)))]
    return {'cells': [*first, *exercises, *questions], 'metadata': {'kernelspec': lesson['metadata']['kernelspec']},
            'nbformat': 4, 'nbformat_minor': 5}


def make_class(
    folder,  # where the class is made; what is there already stays as it is
):           # the names of the assignments that were written, a list
    "Write a class for nbgrader: an assignment for each lesson, the settings, and how to go on."
    folder, written = Path(folder), []
    if folder.exists() and not folder.is_dir():
        raise ValueError(f'folder: expected a folder for the class, got the file {str(folder)!r}; name another.')
    if folder.is_dir() and any(folder.iterdir()) and not (folder / 'nbgrader_config.py').exists():
        raise ValueError(f'folder: expected a new folder, an empty one or a class, got {str(folder)!r} with other things; name another.')
    for file in (files('digits_uth') / 'assets' / 'class').iterdir():
        target = folder / file.name.removesuffix('.txt')  # as a .py, nbdev would make packages of the folders around it
        if not target.exists(): _write(target, file.read_text(encoding='utf-8'))
    kept = folder / 'secret.txt'
    if not kept.exists(): _write(kept, secrets.token_hex() + '\n')
    secret, lessons = kept.read_text(encoding='utf-8'), course_files()
    for name, text in lessons.items():
        target = folder / 'source' / name[:-6] / name
        if target.exists() or not re.fullmatch(r'\d\d_\w+\.ipynb', name): continue
        nb = assignment(name[:-6], json.loads(text), lessons.get(f'solutions/lesson_{name[:2]}.py', ''), secret)
        if nb is None: continue
        _write(target, json.dumps(nb, indent=1, ensure_ascii=False) + '\n')
        written.append(name[:-6])
    return written
