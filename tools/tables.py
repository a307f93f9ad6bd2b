"""Make the tables that lessons read, what needs many seeds or minutes: experiments/NAME.py makes digits_uth/assets/tables/NAME.csv.

An experiment has CASES, a list of keyword arguments; run(**case), which returns a row's results; WITHIN, how near a result must
come when it is run again; and TRY, the cases that the tests run again. Where more than a table is to be made, it has finish(table).
A table is written whole or not at all. Its first line says what made it: the script, by the hash of its recipe, and the versions.
"""
import ast
import hashlib
import importlib.util
import io
import platform
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pandas as pd
import torch

from notebooks import ROOT, replace_file

EXPERIMENTS = ROOT / 'experiments'
TABLES = ROOT / 'digits_uth' / 'assets' / 'tables'


def names():
    return sorted(path.stem for path in EXPERIMENTS.glob('*.py'))


def source(name):
    return (EXPERIMENTS / f'{name}.py').read_text(encoding='utf-8')


def load(name):
    "The experiment's module."
    spec = importlib.util.spec_from_file_location(name, EXPERIMENTS / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text(node):
    "A syntax tree as text. ast.dump's differs from one Python to the next, by fields that are empty; these are left out."
    if isinstance(node, ast.AST):
        fields = (f'{name}={text(value)}' for name, value in ast.iter_fields(node) if value not in (None, []))
        return f'{type(node).__name__}({", ".join(fields)})'
    return f'[{", ".join(map(text, node))}]' if isinstance(node, list) else repr(node)


class WithoutDocstrings(ast.NodeTransformer):
    def visit_Expr(self, node):
        return None if isinstance(node.value, ast.Constant) else node  # a constant as a statement does nothing


def statements(tree):
    "For each statement of a script, and each name that it imports: the names it gives a value, those it uses, and its text."
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            library = getattr(node, 'module', '')
            if library.split('.')[0] == 'digits_uth':  # where in the course a name stands may change, what it means may not
                library = 'digits_uth'
            for name in node.names:
                yield {name.asname or name.name.split('.')[0]}, set(), f'import {library} {name.name} {name.asname}'
        else:
            names = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
            given = {node.name} if isinstance(node, (ast.FunctionDef, ast.ClassDef)) else set()
            if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
                given = {n.id for target in getattr(node, 'targets', [getattr(node, 'target', None)]) for n in ast.walk(target)
                         if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
            yield given, {n.id for n in names}, text(node)


def recipe(script):
    """What decides an experiment's rows, as text: CASES and run, and all of the script that these need.

    Comments and docstrings are no part of it, nor what only WITHIN, TRY and finish need, which come after the table.
    """
    parts, needed, before = list(statements(WithoutDocstrings().visit(ast.parse(script)))), {'CASES', 'run'}, set()
    while needed != before:
        before = set(needed)
        for gives, uses, _ in parts:
            if not gives or gives & needed:  # a statement that gives no name a value may do anything
                needed |= uses
    kept = [part for gives, _, part in parts if not gives or gives & needed]
    imports = sorted(part for part in kept if part.startswith('import '))
    return '\n'.join(imports + [part for part in kept if part not in imports])


def code_hash(script):
    return hashlib.sha256(recipe(script).encode()).hexdigest()[:16]


def make(name):
    "Run every case and store the table, with the hash and the versions it was made with."
    made_by = f'{name}.py (code sha256 {code_hash(source(name))})'  # as it is now, not as it is when the last case is done
    experiment, rows = load(name), []
    for number, case in enumerate(experiment.CASES, 1):
        with redirect_stdout(io.StringIO()):  # a line for each case, not the progress bars of its parts
            rows.append({**case, **experiment.run(**case)})
        print(f'{name} {number}/{len(experiment.CASES)}', *(f'{key} {value}' for key, value in rows[-1].items()), sep=', ', flush=True)
    versions = (f'Python {platform.python_version()}, torch {torch.__version__}, {platform.system()} {platform.machine()}, '
                f'threads {torch.get_num_threads()}')  # with another number of threads, sums are rounded in another order
    replace_file(TABLES / f'{name}.csv', f'# made by {made_by} with {versions}\n' +
                 pd.DataFrame(rows).to_csv(index=False, float_format='%.6g', lineterminator='\n'))
    if hasattr(experiment, 'finish'):
        experiment.finish(pd.DataFrame(rows))


if __name__ == '__main__':
    for name in sys.argv[1:] or names():
        make(Path(name).stem)
