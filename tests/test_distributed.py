"Several processes do what one does; what they can't do is said in a line; what is killed goes on as if nothing had happened."
import os
import random
import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import psutil
import pytest
import torch
from conftest import LONG, ROOT, in_long_runs
from safetensors.torch import load_file
from test_lessons import own_network
from torch.testing import assert_close

from digits_uth.cnn import digit_cnn
from digits_uth.distributed import average_gradients, train_distributed
from digits_uth.files import load_model
from digits_uth.launch import in_processes
from digits_uth.models import simple_net

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group('processes')]
TORCHRUN = [sys.executable, '-W', 'ignore', '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node']
COMMAND = ['-m', 'digits_uth.distributed']


def test_these_tests_share_a_worker(request):
    "Of two processes each, on two cores: pytest 9.2 doesn't let pytest-xdist 3.8 keep a group together."
    if 'PYTEST_XDIST_WORKER' not in os.environ: pytest.skip('there is one worker')
    assert request.node.nodeid.endswith('@processes')


def command(*options, n=2, environment=None):
    "Run the command by n processes, or alone."
    start = [*TORCHRUN, str(n), *COMMAND] if n else [sys.executable, *COMMAND]
    return subprocess.run([*start, *map(str, options)], capture_output=True, text=True, timeout=300,
                          env={**os.environ, 'OMP_NUM_THREADS': '1', **(environment or {})})


# ---- the gradient

def gradients(cut, weighted):
    import torch
    from torch import distributed as dist

    from digits_uth.distributed import average_gradients
    from digits_uth.models import simple_net
    torch.manual_seed(0)
    net, x, y = simple_net(5, 4, 2), torch.rand(12, 5), torch.arange(12) % 2
    mine = slice(0, cut) if dist.get_rank() == 0 else slice(cut, None)
    if len(y[mine]):
        torch.nn.functional.cross_entropy(net(x[mine]), y[mine]).backward()
    average_gradients(net, len(y[mine]) if weighted else 1)
    found = [p.grad for p in net.parameters()]
    torch.manual_seed(0)
    alone = simple_net(5, 4, 2)
    torch.nn.functional.cross_entropy(alone(x), y).backward()
    return [torch.cat([g.flatten() for g in grads]) for grads in (found, [p.grad for p in alone.parameters()])]


@pytest.mark.parametrize('cut, weighted, same', [(6, False, True), (3, True, True), (12, True, True), (3, False, False)])
def test_the_gradient_of_all_is_that_of_one_process(cut, weighted, same):
    for found, right in in_processes(gradients, cut=cut, weighted=weighted):
        assert torch.allclose(found, right, atol=1e-7) == same


def nothing(frozen):
    from torch import distributed as dist

    from digits_uth.distributed import average_gradients
    from digits_uth.models import simple_net
    net = simple_net(5, 4, 2)
    net[0].bias.requires_grad_(False)
    try:
        average_gradients(net, dist.get_rank() * frozen)
    except ValueError as e:
        return str(e)
    return net[0].bias.grad is None


def test_what_is_frozen_stays_so_and_no_items_at_all_are_refused():
    assert in_processes(nothing, frozen=1) == [True, True]
    assert all('items: expected pictures in one process at least, got none in all 2' in said for said in in_processes(nothing, frozen=0))


def test_one_process_alone_has_nobody_to_average_with():
    with pytest.raises(ValueError, match='average_gradients: expected processes that know each other, got one alone'):
        average_gradients(simple_net())


# ---- the training

def trained(folder, **settings):
    import torch
    from torch import distributed as dist

    from digits_uth.distributed import train_distributed
    from digits_uth.models import simple_net
    model, accuracy = train_distributed(f'{folder}/net', make=lambda: simple_net(784, 50, 10), **settings)
    return {'weights': torch.cat([p.detach().flatten() for p in model.parameters()]), 'accuracy': accuracy, 'rank': dist.get_rank()}


def test_one_process_two_and_three_end_alike(tmp_path):
    found = {}
    for n in (1, 2, 3):  # 256 pictures make unequal shares of three
        (folder := tmp_path / str(n)).mkdir()
        found[n] = in_processes(trained, n=n, folder=str(folder), pictures=4000, epochs=2)
        assert [path.name for path in folder.iterdir()] == ['net']  # no checkpoint is left
        load_model(simple_net(784, 50, 10), folder / 'net')
    model, accuracy = train_distributed(tmp_path / 'alone', make=partial(simple_net, 784, 50, 10), pictures=4000, epochs=2)
    weights = torch.cat([p.detach().flatten() for p in model.parameters()])
    assert accuracy > .85
    for each in [each for several in found.values() for each in several]:
        assert_close(each['weights'], weights, atol=2e-4, rtol=0)
        assert abs(each['accuracy'] - accuracy) < .0011  # ten of ten thousand
    for several in found.values():
        assert all(each['weights'].equal(several[0]['weights']) and each['accuracy'] == several[0]['accuracy'] for each in several)


def test_the_command_trains_the_ten_digit_network(tmp_path):
    done = command('--epochs', 1, '--pictures', 5000, '--processes', 2, '--out', tmp_path / 'net.safetensors')
    assert done.returncode == 0, done.stderr
    accuracy, pictures = re.fullmatch(r'epoch 1 of 1: loss [\d.]+, accuracy ([\d.]+), ([\d,]+) pictures by 2 processes, [\d.]+ s\n', done.stdout).groups()
    assert float(accuracy) > .75 and pictures == '4,864'  # the last batch would have 136
    load_model(digit_cnn(), tmp_path / 'net.safetensors')
    assert [path.name for path in tmp_path.iterdir()] == ['net.safetensors']


def test_help_says_how_to_start():
    done = command('--help', n=0)
    assert done.returncode == 0 and 'torchrun --nproc_per_node 2 -m digits_uth.distributed' in ' '.join(done.stdout.split()) and '--pictures' in done.stdout


# ---- what can't be done

def said(done):
    "What the processes say, without torchrun's own report."
    return [line for line in done.stderr.splitlines() if '(lesson 13).' in line or line.startswith('Another process')]


@pytest.mark.parametrize('options, words', [
    (['--processes', 2], 'processes: expected 2, got 1; start them by torchrun --nproc_per_node 2'),
    (['--epochs', 0], 'epochs: expected a whole number from 1'), (['--bs', 1], 'bs: expected from 2'), (['--pictures', 100], 'bs: expected from 2'),
    (['--pictures', 60_000], 'pictures: expected a whole number from 1 to 50000'), (['--lr', -1], 'lr: expected a number above 0'),
    (['--out', '/proc/net.safetensors'], 'out: expected a place to write a model and its checkpoint to, got /proc'),
    (['--pictures', 1024, '--epochs', 1], 'epochs: expected at least 5 steps in all, got 1 times 4; train on more pictures'),
    (['--out', str(ROOT)], 'it is a folder')], ids=str)
def test_bad_input_alone(options, words, tmp_path):
    done = command('--out', tmp_path / 'net', *options, n=0)
    assert done.returncode == 2 and words in done.stderr and done.stderr.count('\n') == 1 and not done.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('options, words', [
    (['--processes', 3], 'processes: expected 3, got 2'), pytest.param(['--out', '/proc/net.safetensors'], 'out: expected a place to write', marks=in_long_runs),
    (['--bs', 3], 'bs: expected from 4, two pictures for each of 2 processes')], ids=str)
def test_bad_input_of_two_is_said_once(options, words, tmp_path):
    done = command('--out', tmp_path / 'net', *options)
    assert done.returncode != 0 and len(said(done)) == 1 and words in said(done)[0] and not done.stdout


def unequal(folder):
    from torch import distributed as dist

    from digits_uth.distributed import train_distributed
    try:
        train_distributed(f'{folder}/net', bs=256 + dist.get_rank())
    except ValueError as e:
        return str(e)


def other_version(folder):
    import torch
    from torch import distributed as dist

    from digits_uth.distributed import train_distributed
    if dist.get_rank():
        torch.__version__ = '1.0'
    try:
        train_distributed(f'{folder}/net')
    except ValueError as e:
        return str(e)


def other_models(folder):
    from torch import distributed as dist

    from digits_uth.distributed import train_distributed
    from digits_uth.models import simple_net
    try:
        train_distributed(f'{folder}/net', make=lambda: simple_net(784, 50 + dist.get_rank(), 10))
    except ValueError as e:
        return str(e)


@pytest.mark.parametrize('work, words', [(unequal, 'processes: expected one bs, got 256 and 257; make all machines alike'),
                                         pytest.param(other_version, 'processes: expected one PyTorch, got 1.0 and ', marks=in_long_runs),
                                         (other_models, 'processes: expected one parameters, got 39760 and 40555')])
def test_unequal_processes_are_refused_by_all(work, words, tmp_path):
    assert all(words in complaint for complaint in in_processes(work, folder=str(tmp_path)))


def test_a_checkpoint_of_another_model_is_left_alone(tmp_path):
    "Of as many parameters, too: what make makes is in the recipe."
    def with_a(bend):
        return lambda: torch.nn.Sequential(torch.nn.Linear(784, 20), bend(), torch.nn.Linear(20, 10))
    train_distributed(tmp_path / 'net', make=with_a(torch.nn.ReLU), pictures=1500)
    path = tmp_path / 'net.checkpoint'
    saved = Path.unlink
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, 'unlink', lambda self, **options: None if self == path else saved(self, **options))
        train_distributed(tmp_path / 'net', make=with_a(torch.nn.ReLU), pictures=1500)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r'got one of another: model Sequential-\w{8} for Sequential-\w{8}; finish'):
        train_distributed(tmp_path / 'net', make=with_a(torch.nn.Tanh), pictures=1500)
    assert path.read_bytes() == before


def test_a_checkpoint_that_does_not_fit_is_left_alone(tmp_path):
    checkpoint = tmp_path / 'net.checkpoint'
    kept = {'recipe': {'epochs': 3, 'bs': 256}, 'epoch': 1, 'model': {}, 'opt': {}, 'schedule': {}}
    for write, words in ((lambda: checkpoint.write_bytes(b'PK not really'), 'delete it to begin anew'),
                         (lambda: torch.save([1], checkpoint), 'got another file'),
                         (lambda: torch.save(kept, checkpoint), 'got one of another: epochs 3 for 2, lr None for 0.02')):
        write()
        before = checkpoint.read_bytes()
        with pytest.raises(ValueError, match=words):
            train_distributed(tmp_path / 'net')
        assert checkpoint.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


# ---- what is killed

SETTINGS = ['--pictures', 1500, '--epochs', 4, '--bs', 50, '--seconds', 20]


def processes_of(parent):
    "Those that train, below torchrun."
    return [p for p in psutil.Process(parent.pid).children(recursive=True) if 'digits_uth.distributed' in ' '.join(p.cmdline())]


def start(*options, n=2):
    return subprocess.Popen([*TORCHRUN, str(n), *COMMAND, *map(str, [*SETTINGS, *options])], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, env={**os.environ, 'OMP_NUM_THREADS': '1'}, start_new_session=True)


def kill_in_mid_epoch(folder, whom, chance):
    "Start a training, and kill one of its processes, or all, some time after an epoch."
    running = start('--out', folder / 'net')
    for _ in range(chance.randint(1, 3)):
        running.stdout.readline()
    time.sleep(chance.random() * .3)
    everybody = processes_of(running)
    for process in everybody if whom == 'both' else [chance.choice(everybody)]:
        process.kill()
    if whom == 'both':
        os.killpg(running.pid, signal.SIGKILL)
    running.communicate(timeout=120)
    assert running.returncode != 0 and not (folder / 'net').exists()
    assert [path.name for path in folder.iterdir() if not path.name.endswith('.part')] == ['net.checkpoint']


def weights(path):
    return torch.cat([t.flatten().double() for _, t in sorted(load_file(path).items())])


@pytest.fixture(scope='module')
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp('unbroken')
    assert command(*SETTINGS, '--out', folder / 'net').returncode == 0
    return weights(folder / 'net')


@pytest.mark.parametrize('attempt', range(int(os.environ.get('KILLS', 2 if LONG else 1))))
def test_killed_and_started_again_it_ends_as_if_unbroken(attempt, unbroken, tmp_path):
    kill_in_mid_epoch(tmp_path, ('both', 'one')[attempt % 2], random.Random(attempt))
    done = command(*SETTINGS, '--out', tmp_path / 'net')
    assert done.returncode == 0 and re.match(r'on from net.checkpoint, after epoch [123]\n', done.stdout), done.stdout + done.stderr
    assert_close(weights(tmp_path / 'net'), unbroken, atol=1e-5, rtol=0)


def dies_at_the_end(folder):
    "The first process has written the model when the second one dies, before it has heard of it."
    import os

    from torch import distributed as dist

    from digits_uth import distributed
    from digits_uth.models import simple_net
    if dist.get_rank():
        distributed._met = lambda: os._exit(1)
    distributed.train_distributed(f'{folder}/net', make=lambda: simple_net(784, 50, 10), pictures=1500)


def test_the_checkpoint_goes_when_all_know_that_the_model_is_written(tmp_path, capsys):
    with pytest.raises(RuntimeError):
        in_processes(dies_at_the_end, folder=str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ['net', 'net.checkpoint']
    before = weights(tmp_path / 'net')
    capsys.readouterr()
    train_distributed(tmp_path / 'net', make=partial(simple_net, 784, 50, 10), pictures=1500)
    assert capsys.readouterr().out == 'on from net.checkpoint, after epoch 2\n'  # and no epoch more
    assert [path.name for path in tmp_path.iterdir()] == ['net'] and weights(tmp_path / 'net').equal(before)


def test_who_waits_for_a_process_that_sleeps_gives_up_in_time(tmp_path):
    running = start('--out', tmp_path / 'net', '--seconds', 4)
    running.stdout.readline()
    sleeper = next(p for p in processes_of(running) if p.environ().get('RANK') == '1')
    sleeper.suspend()
    began = time.monotonic()
    errors = ''
    while 'Start again: it goes on from the last whole checkpoint.' not in errors:
        assert (line := running.stderr.readline()), errors
        errors += line
    assert 'Another process was lost' in errors and time.monotonic() - began < 30
    sleeper.kill()  # torchrun would give it half a minute
    running.communicate(timeout=60)
    assert running.returncode != 0


# ---- from a notebook

def fails():
    from torch import distributed as dist
    if dist.get_rank() == 1:
        raise KeyError('no such thing')


def sleeps():
    import time
    time.sleep(100)


def speaks(a, b):
    from torch import distributed as dist
    print(f'{dist.get_rank()} has {a}\n', end='', flush=True)
    return {'sum': a + b, 'rank': dist.get_rank()}


def test_a_function_in_processes(capfd):
    found = in_processes(speaks, n=3, a=torch.ones(2), b=1)
    assert [each['rank'] for each in found] == [0, 1, 2] and all(each['sum'].tolist() == [2, 2] for each in found)
    assert sorted(capfd.readouterr().out.splitlines()) == [f'{rank} has tensor([1., 1.])' for rank in range(3)]


def test_what_goes_wrong_in_a_process_is_said_in_a_line():
    with pytest.raises(RuntimeError, match=r"^fails: a process stopped with KeyError: 'no such thing'; mend the function.*\(lesson 13\)\.$"):
        in_processes(fails)


def test_a_function_that_never_ends_is_stopped():
    began = time.monotonic()
    with pytest.raises(RuntimeError, match='sleeps: not done after 8 seconds'):
        in_processes(sleeps, seconds=8)
    assert time.monotonic() - began < 60 and not [p for p in psutil.Process().children(recursive=True) if 'sleeps' in ' '.join(p.cmdline())]


@pytest.mark.parametrize('work', [lambda: 1, len, partial(speaks, a=1), 'speaks'], ids=['lambda', 'built in', 'partial', 'a string'])
def test_what_has_no_source_is_refused(work):
    with pytest.raises(ValueError, match='work: expected a function that begins with def'):
        in_processes(work)


@pytest.mark.skipif(own_network() is None, reason='no network namespace may be made here')
def test_where_ports_are_not_allowed_it_says_so():
    code = f'import sys; sys.path.insert(0, {str(ROOT / "tests")!r})\nimport test_distributed as t\nt.in_processes(t.fails)'
    done = subprocess.run([*own_network()[:4], sys.executable, '-c', code], capture_output=True, text=True, timeout=200)
    assert 'RuntimeError: fails: the processes could not be started, or not meet, on this machine' in done.stderr


# ---- fastai's way

def by_fastai(items, count):
    import torch
    from torch import distributed as dist

    from digits_uth.data import threes_and_sevens
    from digits_uth.learner import digit_dls, digit_learner, history, quiet
    from digits_uth.loss import batch_accuracy
    from digits_uth.models import simple_net
    from digits_uth.training import validate_epoch
    from fastai.distributed import DistributedDL

    def by_cpu(self, order, rank):
        order = torch.tensor(order)
        dist.broadcast(order, rank)
        return order.tolist()
    DistributedDL._broadcast = by_cpu
    assert dist.get_world_size() == count
    x, y, valid_x, valid_y = threes_and_sevens()
    torch.manual_seed(0)
    learn = digit_learner(digit_dls(x, y, valid_x[-items:], valid_y[-items:], bs=128, device='cpu'), simple_net())
    with quiet(learn), learn.distrib_ctx(cpu=True, sync_bn=False):
        learn.fit(1, lr=1.)
    return history(learn)['batch_accuracy'][-1], validate_epoch(learn.model, learn.dls.valid, batch_accuracy)


@pytest.mark.parametrize('items, count', [pytest.param(2038, 2, marks=in_long_runs), (2038, 3)])
def test_fastai_measures_all_items_and_some_twice_where_shares_are_unequal(items, count):
    pytest.importorskip('accelerate')
    for told, alone in in_processes(by_fastai, n=count, items=items, count=count):
        assert abs(told - alone) <= (-items % count) / items + 1e-6 and alone > .9
