"""A hub for a class on one Linux server: `jupyterhub -f jupyterhub_config.py` as root. README.md says how a server gets there.

Learners are accounts of the system (JupyterHub's own LocalProcessSpawner and PAM), so they can't read one another's files.
All of them share the environment that the hub runs in; what they change lies in their homes.
"""
import os
import subprocess
import sys
from pathlib import Path

c = get_config()  # noqa: F821  JupyterHub defines it

# Who may come in: members of these groups of the system; and who may see, start and stop everybody's servers.
c.PAMAuthenticator.allowed_groups = {'learners', 'teachers'}
c.PAMAuthenticator.admin_groups = {'teachers'}

# What runs for a learner: as the learner, in the learner's home. It lays the lessons out, limits its memory and becomes the server.
c.Spawner.cmd = [sys.executable, str(Path(__file__).with_name('start_learner.py'))]
c.Spawner.default_url = '/lab/tree/my_lessons/index.ipynb'
# For each process, such as a notebook's kernel. Lesson 11 asks for most: 2.3 GB.
c.Spawner.mem_limit = '3G'
# Whoever has been away for an hour gives the kernels' memory back, after two hours the server's. Notebooks are files, and stay.
c.Spawner.args = ['--MappingKernelManager.cull_idle_timeout=3600', '--MappingKernelManager.cull_interval=300',
                  '--MappingKernelManager.cull_connected=True', '--ServerApp.shutdown_no_activity_timeout=7200']
# Thirty who begin at once wait for one another.
c.Spawner.http_timeout = 300

# The pictures that lessons 01 and 02 read as files: written once, by the hub, and read by all.
pictures = os.environ.get('FASTAI_HOME', '/srv/fastai')
if not Path(pictures, 'data', 'mnist_sample').exists():
    subprocess.run([sys.executable, '-c', 'from digits_uth.data import mnist_sample; mnist_sample()'],
                   check=True, umask=0o022, env={**os.environ, 'FASTAI_HOME': pictures})

c.Spawner.environment = {
    'PATH': os.pathsep.join([str(Path(sys.executable).parent), os.environ.get('PATH', os.defpath)]),
    'FASTAI_HOME': pictures,
    # One thread each: else PyTorch takes all cores for every learner, and they wait for one another. NumPy's and MKL's heed it too.
    'OMP_NUM_THREADS': '1',
    # 'COURSE_SOLUTIONS': 'no',  # leaves the folder of solutions out
}

# A hub that ends, or is killed, leaves the learners' servers alone; started again in the same folder, it finds them.
c.JupyterHub.cleanup_servers = False
