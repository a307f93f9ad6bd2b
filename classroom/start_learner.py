"A learner's server on a hub: lay the lessons out in the learner's home, limit the memory, and become JupyterHub's single-user server."
import os
import resource
import sys
from pathlib import Path

from digits_uth.__main__ import calm
from digits_uth.lessons import course_files, lay_out

os.chdir(Path.home())
lessons = course_files()
if os.environ.get('COURSE_SOLUTIONS') == 'no':
    lessons = {name: text for name, text in lessons.items() if not name.startswith('solutions/')}
try:
    print(*lay_out('my_lessons', lessons), sep='\n', flush=True)
except OSError as error:  # a full disk: the server starts, so that the learner can make room
    print(f'my_lessons could not be written: {error}', file=sys.stderr)

calm()
os.environ.setdefault('DIGITS_UTH_HOME', str(Path('my_lessons').absolute()))  # my digits, for notebooks in other folders too

if limit := int(os.environ.get('MEM_LIMIT') or 0):  # JupyterHub passes it on, and leaves it to others to enforce it
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))  # each process: what it may write to, without files and shared memory
os.execvp('jupyterhub-singleuser', ['jupyterhub-singleuser', *sys.argv[1:]])
