"""Run a learner's lessons one by one, each in an empty folder, with the package that is installed: `python alone.py my_lessons [NAME ...]`.

It needs no checkout: this is how an installed wheel is tried, on any machine and beside any versions of other packages.
"""
import argparse
import os
import shutil
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError


def run(path, timeout):
    "The seconds a lesson takes, run in a folder that holds nothing else."
    start = time.perf_counter()
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        shutil.copy(path, folder)
        os.environ['DIGITS_UTH_HOME'] = folder
        nb = nbformat.read(path, as_version=4)
        NotebookClient(nb, timeout=timeout, kernel_name='python3', resources={'metadata': {'path': folder}}).execute()
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('folder', type=Path, help='where the lessons are')
    parser.add_argument('names', nargs='*', help='lessons, such as 03_sgd; all where none is named')
    parser.add_argument('--timeout', type=int, default=900, help='seconds that a cell may take')
    options = parser.parse_args()
    paths = [options.folder / f'{name}.ipynb' for name in options.names] or sorted(options.folder.glob('*.ipynb'))
    failed = []
    for path in paths:
        print(f'{path.stem:<18}', end=' ', flush=True)
        try:
            print(f'{run(path, options.timeout):5.1f} s', flush=True)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            failed.append(path.stem)
            print(f'failed\n{error}', flush=True)
    sys.exit(f'{len(failed)} of {len(paths)} failed: {", ".join(failed)}' if failed else 0)


if __name__ == '__main__':
    main()
