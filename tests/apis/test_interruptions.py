"""Runs that are asked to stop, or whose loss is no number any more."""
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmaction.registry import HOOKS, MODELS
from mmengine.config import Config
from mmengine.hooks import Hook
from test_tools import (
    CONFIG,
    ROOT,
    WITHOUT_GPUS,
    NoisyMean,
    command,
    config,
    metrics,
    run,
    same,
    tool,
    trained_state,
)
from torch.utils.data import DataLoader

from hesp_mmaction.apis.running import remove_start
from hesp_mmaction.compat.mends import load_from_local
from hesp_mmaction.engine.hooks import preemption_hook
from hesp_mmaction.engine.hooks.preemption_hook import PreemptionHook
from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation import load_dump


class AskToStop(Hook):
    """SIGTERM to the own process in a certain step (from 1)."""

    def __init__(self, step):
        self.step = step

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter + 1 == self.step:
            os.kill(os.getpid(), signal.SIGTERM)


def train(options, folder, name, step=None, **more):
    """Three epochs of two steps with a model that draws random numbers."""
    cfg = config(options, folder, '--deterministic', **{
        'train_cfg.max_epochs': 3, 'train_dataloader.batch_size': 3, **more})
    cfg.model.neck = dict(type='NoisyMean')
    cfg.resume = True
    if step is not None:
        cfg.custom_hooks.append(dict(type='AskToStop', step=step))
    run(cfg, lambda runner: runner.train())


@pytest.fixture(scope='module')
def straight(options, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MODELS.module_dict, 'NoisyMean', NoisyMean)
        folder = tmp_path_factory.mktemp('interruptions') / 'straight'
        train(options, folder, 'straight')
    return folder


@pytest.mark.parametrize('step, workers', [(3, 0), (4, 0), (4, 2)])
def test_sigterm_saves_and_the_run_goes_on_as_if_nothing_had_been(
        straight, options, tmp_path, monkeypatch, step, workers):
    """In the middle of an epoch; in its last step; there while workers load the next epoch."""
    loading = {'train_dataloader.num_workers': workers}
    monkeypatch.setitem(MODELS.module_dict, 'NoisyMean', NoisyMean)
    monkeypatch.setitem(HOOKS.module_dict, 'AskToStop', AskToStop)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended:
        train(options, tmp_path / 'stopped', 'first', step, **loading)
    assert ended.value.code == 143 and signal.getsignal(signal.SIGTERM) == before
    assert (tmp_path / 'stopped/last_checkpoint').read_text().endswith('preempted.pth')
    train(options, tmp_path / 'stopped', 'second', **loading)
    assert metrics(tmp_path / 'stopped') == metrics(straight)
    assert same(trained_state(tmp_path / 'stopped', 3), trained_state(straight, 3))
    assert not (tmp_path / 'stopped/preempted.pth').exists()
    assert signal.getsignal(signal.SIGTERM) == before


class NoteClips(Hook):
    """Writes down the clips of every step."""
    steps = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.steps.append([sample.sample_id for sample in data_batch['data_samples']])


@pytest.mark.parametrize(('before', 'now', 'expected', 'twice', 'workers'), [
    (1, 2, [2, 2], 0, 2), (2, 3, [3], 1, 0),
    pytest.param(2, 1, [1, 1], 0, 0, marks=pytest.mark.ci),
    pytest.param(1, 3, [3, 3], 2, 0, marks=pytest.mark.ci)])
def test_a_run_that_goes_on_with_other_batches_sees_the_rest_of_the_epoch(
        options, tmp_path, monkeypatch, before, now, expected, twice, workers):
    """Stopped after two steps; as with another number of processes."""
    monkeypatch.setitem(MODELS.module_dict, 'NoisyMean', NoisyMean)
    monkeypatch.setitem(HOOKS.module_dict, 'AskToStop', AskToStop)
    monkeypatch.setitem(HOOKS.module_dict, 'NoteClips', NoteClips)
    monkeypatch.setattr(NoteClips, 'steps', [])

    def go(size, step=None):
        train(options, tmp_path, None, step, **{
            'train_cfg.max_epochs': 1, 'train_dataloader.batch_size': size,
            'train_dataloader.num_workers': workers,
            'custom_hooks': [*Config.fromfile(CONFIG).custom_hooks, dict(type='NoteClips')]})
    with pytest.raises(SystemExit):
        go(before, 2)
    first = sum(NoteClips.steps, [])
    NoteClips.steps.clear()
    go(now)
    assert [len(clips) for clips in NoteClips.steps] == expected
    rest = sum(NoteClips.steps, [])
    assert len(first) == 2 * before and len({*first, *rest}) == 6
    assert len({*first} & {*rest}) == twice
    log = '\n'.join(path.read_text() for path in tmp_path.glob('*/*.log'))
    assert f'{twice} clips are seen twice' in log


@pytest.mark.parametrize(('processes', 'size', 'skip'),
                         [(2, 3, 5), (1, 3, 10), (4, 3, 2), (1, 4, 7)])
@pytest.mark.parametrize('older', [False, True])
def test_the_steps_to_leave_out_follow_the_processes(monkeypatch, processes, size, skip, older):
    """Stopped after five steps of two processes with three clips each."""
    saved = dict(batches=5, random_states=[None, None], clips_per_step=6)
    if older:  # files of earlier versions
        saved.pop('clips_per_step')
        skip = skip if size == 3 else 5 * 2
    monkeypatch.setattr(preemption_hook, 'get_world_size', lambda: processes)
    monkeypatch.setattr(preemption_hook, 'get_rank', lambda: 0)
    loop = SimpleNamespace(dataloader=DataLoader(range(99), size))
    PreemptionHook().after_load_checkpoint(
        SimpleNamespace(_resume=True, train_loop=loop), dict(preempted=saved))
    assert loop.skip == skip


class AskInTheFit(Hook):
    """SIGTERM while the threshold is fitted, or (``epoch``) after an epoch that fits none."""
    priority = 'BELOW_NORMAL'

    def __init__(self, epoch):
        self.epoch = epoch

    def after_train_epoch(self, runner):
        if runner.epoch + 1 == self.epoch:
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize('epoch', [pytest.param(1, marks=pytest.mark.slow), 3])
def test_sigterm_in_the_threshold_fit_is_acted_on(straight, options, tmp_path, monkeypatch, epoch):
    """After the epoch is saved; what was not evaluated is, when the run goes on."""
    monkeypatch.setitem(MODELS.module_dict, 'NoisyMean', NoisyMean)
    monkeypatch.setitem(HOOKS.module_dict, 'AskInTheFit', AskInTheFit)
    cfg = config(options, tmp_path / 'stopped', '--deterministic', **{
        'train_cfg.max_epochs': 3, 'train_dataloader.batch_size': 3})
    cfg.model.neck = dict(type='NoisyMean')
    cfg.custom_hooks.append(dict(type='AskInTheFit', epoch=epoch))
    with pytest.raises(SystemExit) as ended:
        run(cfg, lambda runner: runner.train())
    assert ended.value.code == 143 and not (tmp_path / 'stopped/metrics.json').exists()
    train(options, tmp_path / 'stopped', 'second')
    assert metrics(tmp_path / 'stopped') == metrics(straight)
    assert same(trained_state(tmp_path / 'stopped', 3), trained_state(straight, 3))
    assert not (tmp_path / 'stopped/preempted.pth').exists()
    last = (tmp_path / 'stopped/last_checkpoint').read_text()
    assert last.endswith('epoch_3.pth') and os.path.exists(last)


def test_a_training_outside_the_main_thread_takes_no_signals():
    """As in notebooks and web pages, where Python refuses handlers."""
    before, failed = signal.getsignal(signal.SIGTERM), []

    def work():
        try:
            hook = PreemptionHook()
            hook.before_train(None)
            hook._restore_signal()
        except Exception as error:
            failed.append(error)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not failed and signal.getsignal(signal.SIGTERM) is before


def test_workers_forked_in_a_training_end_on_sigterm():
    hook = PreemptionHook()
    hook.before_train(None)
    try:
        worker = multiprocessing.get_context('fork').Process(target=time.sleep, args=(60,))
        worker.start()
        time.sleep(0.2)
        worker.terminate()
        worker.join(10)
        assert worker.exitcode == -signal.SIGTERM and not hook._asked
    finally:
        worker.kill()
        hook._restore_signal()


@pytest.mark.parametrize(('processes', 'asked_after'), [(1, list(range(1, 26))), (2, [10, 20])])
def test_several_processes_ask_each_other_every_tenth_step(monkeypatch, processes, asked_after):
    hook, asked = PreemptionHook(), []
    monkeypatch.setattr(preemption_hook, 'get_world_size', lambda: processes)
    monkeypatch.setattr(hook, '_any_asked', lambda: asked.append(runner.iter + 1))
    for runner in (SimpleNamespace(iter=step) for step in range(25)):
        hook.after_train_iter(runner, runner.iter)
    assert asked == asked_after
    hook.after_train_epoch(runner)  # whatever the number of its last step
    assert asked == [*asked_after, 25]


@pytest.mark.parametrize(('step', 'stopped_at'), [(3, 10), (12, 20), (23, 'epoch')])
def test_a_signal_to_one_of_two_processes_stops_both_at_the_next_question(
        monkeypatch, step, stopped_at):
    """The other process only hears of it through the maximum over all."""
    monkeypatch.setattr(preemption_hook, 'get_world_size', lambda: 2)
    hook, stops, told = PreemptionHook(), [], []
    monkeypatch.setattr(preemption_hook, 'all_reduce',
                        lambda value, kind: value.fill_(bool(told)) if kind == 'max' else None)
    monkeypatch.setattr(preemption_hook, 'all_gather_object', lambda value: [value, value])
    monkeypatch.setattr(preemption_hook, 'unwrap', lambda model: torch.nn.Identity())
    monkeypatch.setattr(hook, '_save_and_stop', lambda runner, *_, by_epoch: stops.append(
        'epoch' if by_epoch else runner.iter + 1))
    loop = SimpleNamespace(dataloader=SimpleNamespace(batch_sampler=None))
    for iteration in range(25):
        if iteration + 1 == step:
            told.append(True)
        if not stops:
            hook.after_train_iter(
                SimpleNamespace(iter=iteration, model=None, train_loop=loop), iteration)
    if not stops:
        hook.after_train_epoch(SimpleNamespace(epoch=0))
    assert stops == [stopped_at] and not hook._asked


def test_a_run_that_was_killed_in_its_evaluation_is_evaluated(
        straight, options, tmp_path, monkeypatch):
    """The last checkpoint was saved, the results were not."""
    monkeypatch.setitem(MODELS.module_dict, 'NoisyMean', NoisyMean)
    shutil.copytree(straight, tmp_path / 'killed')
    for name in ('metrics.json', 'predictions.npz'):
        (tmp_path / 'killed' / name).unlink()
    (tmp_path / 'killed/last_checkpoint').write_text(str(tmp_path / 'killed/epoch_3.pth'))
    train(options, tmp_path / 'killed', 'again')
    assert metrics(tmp_path / 'killed') == metrics(straight)
    assert (tmp_path / 'killed/predictions.npz').exists()


@pytest.mark.slow
def test_two_processes_stop_at_the_same_step_and_go_on(options, tmp_path):
    options = options | {'train_cfg.max_epochs': 30, 'env_cfg.dist_cfg.backend': 'gloo',
                         'train_dataloader.batch_size': 2}
    words = ['bash', 'tools/dist_train.sh', CONFIG, '2', '--deterministic', '--work-dir']

    def start(folder, *flags):
        return subprocess.Popen([*words, str(tmp_path / folder), *flags, *command(options)],
                                cwd=ROOT, text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, env=WITHOUT_GPUS)

    assert start('straight').wait() == 0
    stopped = start('stopped')
    while not (tmp_path / 'stopped/epoch_2.pth').exists():
        assert stopped.poll() is None, stopped.stdout.read()[-3000:]
        time.sleep(0.02)
    stopped.send_signal(signal.SIGTERM)  # the script and torchrun pass it on
    stopped.communicate()
    assert stopped.returncode == 1  # torchrun's
    assert (tmp_path / 'stopped/preempted.pth').exists()
    again = start('stopped', '--resume')
    said, _ = again.communicate()
    assert again.returncode == 0, said[-3000:]
    assert metrics(tmp_path / 'stopped') == metrics(tmp_path / 'straight')


def test_a_loss_that_is_no_number_names_the_clips(options, tmp_path):
    cfg = config(options, tmp_path / 'run', **{'optim_wrapper.optimizer.lr': float('inf')})
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(InputError, match=r'loss is nan.*epoch 1, with the samples Train_AFEW/'):
        run(cfg, lambda runner: runner.train())
    assert signal.getsignal(signal.SIGTERM) is before
    assert not list(tmp_path.glob('**/*.pth'))
    log, = (tmp_path / 'run').glob('*/*.log')  # what was logged on the way there stays
    assert 'known: disgust, fear, happiness' in log.read_text()


def test_what_a_test_has_computed_stays_when_its_metrics_cannot_be_computed(
        straight, options, tmp_path):
    """NaN in a checkpoint, tested in a new folder."""
    checkpoint = load_from_local(straight / 'epoch_3.pth', 'cpu')
    checkpoint['state_dict']['cls_head.prompts.contexts'][0] = float('nan')
    torch.save(checkpoint, tmp_path / 'nan.pth')
    done = tool('tools/test.py', CONFIG, tmp_path / 'nan.pth', '--work-dir', tmp_path / 'new',
                *command(options), 'model.neck.type=TemporalMean', check=False)
    said = done.stderr.splitlines()[-1]
    assert done.returncode == 1 and 'NaN or infinite for 14 of 14 clips' in said
    assert 'Val_AFEW/Angry/000.avi, ' in said
    assert said.endswith(f'all that was computed is in {tmp_path}/new/predictions.npz')
    dump = load_dump(tmp_path / 'new/predictions.npz')
    assert len(dump['score']) == 14 and not np.isfinite(dump['score']).all()
    assert list((tmp_path / 'new').glob('*/*.log')) and list((tmp_path / 'new').glob('*.py'))


@pytest.mark.parametrize('late', [False, True])
def test_only_an_empty_start_is_taken_away(tmp_path, late):
    """The files of mmengine before the first step; anything else keeps itself and its folder."""
    for name in ('config.py', 't/t.log', 't/vis_data/config.py'):
        (tmp_path / 'run' / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / 'run' / name).write_text('x')
    (tmp_path / 'run/t/vis_data/t.json').write_text('{"loss": 1}' if late else '')
    remove_start(tmp_path / 'run')
    left = [path for path in (tmp_path / 'run').rglob('*') if path.is_file()]
    assert left == ([tmp_path / 'run/t/vis_data/t.json'] if late else [])
    assert (tmp_path / 'run').exists() == late


@pytest.mark.slow
def test_thirty_kills_and_resumes_end_as_the_undisturbed_run(options, tmp_path):
    """SIGKILL at any moment: ten while a run starts or trains, twenty while it trains, writes a
    checkpoint of every epoch, fits its threshold or tests. Ten minutes on two cores."""
    options = options | {'train_cfg.max_epochs': 30, 'train_dataloader.batch_size': 2}

    def start(folder):
        return subprocess.Popen(
            [sys.executable, 'tools/train.py', CONFIG, '--deterministic', '--resume', '--work-dir',
             str(tmp_path / folder), *command(options)], cwd=ROOT, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env=os.environ | dict(OMP_NUM_THREADS='1'))

    def first_checkpoint(folder, process):
        while process.poll() is None and not (folder / 'last_checkpoint').exists():
            time.sleep(0.01)
        return time.time()

    begin, process = time.time(), start('straight')
    first = first_checkpoint(tmp_path / 'straight', process)
    assert process.wait() == 0
    whole, training = time.time() - begin, time.time() - first
    expected, rng, equal, stopped = metrics(tmp_path / 'straight'), random.Random(0), 0, []
    for i in range(30):
        folder = tmp_path / f'killed{i}'
        process = start(folder.name)
        if i % 3:
            first_checkpoint(folder, process)
            time.sleep(rng.uniform(0, 0.9 * training))
        else:
            time.sleep(rng.uniform(0, 0.9 * whole))
        process.kill()
        process.wait()
        if not (folder / 'metrics.json').exists():
            stopped.append(len(list(folder.glob('*.part'))))
        assert start(folder.name).wait() == 0
        equal += metrics(folder) == expected
    print(f'{equal} of 30 equal; {len(stopped)} were stopped before their end, '
          f'{sum(map(bool, stopped))} while they wrote a file')
    assert equal == 30 and len(stopped) >= 20
