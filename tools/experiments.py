"""Run the experiments, what needs many seeds or minutes: experiments/NAME.py makes experiments/NAME.csv.

An experiment has CASES, a list of keyword arguments; run(**case), which returns a row's results; WITHIN, how near a result must
come when it is run again; and TRY, the case that the tests run again. A table is written whole or not at all. Where more than a table
is to be made, an experiment has finish(table).
"""
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


def names():
    return sorted(path.stem for path in EXPERIMENTS.glob('*.py'))


def load(name):
    "The experiment's module."
    spec = importlib.util.spec_from_file_location(name, EXPERIMENTS / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def table(name):
    "The rows that are stored."
    return pd.read_csv(EXPERIMENTS / f'{name}.csv', comment='#')


def make(name):
    "Run every case and store the table, with the versions it was made with."
    experiment, rows = load(name), []
    for number, case in enumerate(experiment.CASES, 1):
        with redirect_stdout(io.StringIO()):  # a line for each case, not the progress bars of its parts
            rows.append({**case, **experiment.run(**case)})
        print(f'{name} {number}/{len(experiment.CASES)}', *(f'{key} {value}' for key, value in rows[-1].items()), sep=', ', flush=True)
    machine = f'Python {platform.python_version()}, torch {torch.__version__}, {platform.system()} {platform.machine()}'
    replace_file(EXPERIMENTS / f'{name}.csv', f'# made by {name}.py with {machine}\n' +
                 pd.DataFrame(rows).to_csv(index=False, float_format='%.6g', lineterminator='\n'))
    if hasattr(experiment, 'finish'):
        experiment.finish(pd.DataFrame(rows))


if __name__ == '__main__':
    for name in sys.argv[1:] or names():
        make(Path(name).stem)
