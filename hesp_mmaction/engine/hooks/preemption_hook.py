"""Saves and stops when the cluster asks for it (SIGTERM)."""
import os
import signal
import sys
import threading

import torch
from mmaction.registry import HOOKS
from mmengine.dist import (
    all_gather_object,
    all_reduce,
    barrier,
    get_rank,
    get_world_size,
    is_main_process,
)
from mmengine.hooks import Hook
from mmengine.logging import print_log

from ...files import settle, whole
from ...models.norms import running_statistics
from .common import unwrap
from .random_state_hook import random_state, set_random_state

NAME = 'preempted.pth'
EXIT_CODE = 128 + signal.SIGTERM
EVERY = 10  # steps between two questions to all processes; each question makes them wait


def clips_per_step(loader):
    """Number of clips of a training step, of all processes together.

    Args:
        loader (DataLoader): the loader of this process.

    Returns:
        int: the count, or the number of processes if its batches have no fixed size.
    """
    return (getattr(loader.batch_sampler, 'batch_size', None) or 1) * get_world_size()


@HOOKS.register_module()
class PreemptionHook(Hook):
    """On SIGTERM, saves a checkpoint after the current step and ends with exit code 143.

    ``--resume`` continues with the next step, with ``ResumableTrainLoop``. The run ends as if
    it had never been stopped. Several processes ask each other after every tenth step and after an
    epoch, so that all stop at the same step; one process looks after every step. A signal that
    arrives while the threshold is fitted takes effect when the epoch is saved. A signal that
    arrives during an evaluation takes effect at the first check of the next epoch. After the last
    epoch the run ends anyway.

    Python takes signals in its main thread only: a training in another one (of a notebook or a web
    page) is not stopped by them.
    """
    priority = 'LOWEST'  # every other hook has seen the step

    def __init__(self):
        self._asked, self._before, self._states, self._statistics = False, None, None, None

    def before_train(self, runner):
        if self._statistics is not None:
            for name, value in running_statistics(unwrap(runner.model)).items():
                value.copy_(self._statistics[name])
            self._statistics = None
        if threading.current_thread() is not threading.main_thread():
            return
        ours = os.getpid()

        def note(*_):
            if os.getpid() != ours:  # a worker forked from here ends as workers do
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                os.kill(os.getpid(), signal.SIGTERM)
            self._asked = True
        self._before = signal.signal(signal.SIGTERM, note)

    def after_train(self, runner):
        self._restore_signal()
        left = os.path.join(runner.work_dir, NAME)
        last = runner.message_hub.runtime_info.get('last_ckpt')
        if is_main_process() and os.path.exists(left) and last and os.path.exists(last):
            with whole(os.path.join(runner.work_dir, 'last_checkpoint')) as file:
                file.write(last)
            os.remove(left)  # of an earlier stop; the last epoch's checkpoint is there

    def _restore_signal(self):
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._before or signal.SIG_DFL)

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if self._states is not None:
            set_random_state(self._states[get_rank()])
            self._states = None

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if get_world_size() > 1 and (runner.iter + 1) % EVERY:
            return
        if not self._any_asked():
            return
        # Until the epoch ends, every process has running statistics of its own.
        own = {name: value.cpu() for name, value in running_statistics(
            unwrap(runner.model)).items()}
        runner.preempted = dict(
            batches=batch_idx + 1, clips_per_step=clips_per_step(runner.train_loop.dataloader),
            random_states=all_gather_object(random_state()),
            statistics=all_gather_object(own))
        self._save_and_stop(runner, f'step {runner.iter + 1}', by_epoch=False)

    def after_train_epoch(self, runner):
        if self._any_asked():
            runner.preempted = dict(batches=0)
            self._save_and_stop(runner, f'epoch {runner.epoch + 1}', by_epoch=True)

    def _any_asked(self):
        asked = torch.tensor(int(self._asked))
        if get_world_size() > 1:
            all_reduce(asked, 'max')
        return bool(asked)

    def _save_and_stop(self, runner, after, by_epoch):
        runner.save_checkpoint(runner.work_dir, f'{NAME}.part', by_epoch=by_epoch)
        path = os.path.join(runner.work_dir, NAME)
        if is_main_process():
            settle(f'{path}.part', path)
            with whole(os.path.join(runner.work_dir, 'last_checkpoint')) as file:
                file.write(path)
        print_log(f'asked to stop (SIGTERM): saved {path} after {after}; go on with --resume',
                  'current')
        self._restore_signal()
        barrier()  # the others would be missed, and process 0 be ended while it still writes
        sys.exit(EXIT_CODE)

    def before_save_checkpoint(self, runner, checkpoint):
        if getattr(runner, 'preempted', None):
            checkpoint['preempted'] = runner.preempted

    def _skip(self, saved, loader):
        """Steps that see the same clips again, also with other batches or processes."""
        now = clips_per_step(loader)
        # Older files only tell the number of processes.
        before = saved.get('clips_per_step',
                           now // get_world_size() * len(saved.get('random_states', [0])))
        if before == now or not saved['batches']:
            return saved['batches']
        seen = saved['batches'] * before
        skip, twice = divmod(seen, now)
        print_log(f'the run was stopped after {seen} clips of an epoch, {before} a step. It goes '
                  f'on after {seen - twice} with {now} a step: {twice} clips are seen twice',
                  'current')
        return skip

    def after_load_checkpoint(self, runner, checkpoint):
        saved = checkpoint.get('preempted')
        if saved is not None and runner._resume:
            runner.train_loop.skip = self._skip(saved, runner.train_loop.dataloader)
            if not saved['batches']:  # it was stopped between an epoch and its evaluation
                runner.train_loop.evaluate_first = True
                return
            if len(saved['random_states']) == get_world_size():
                self._states = saved['random_states']
                self._statistics = saved.get('statistics', [None] * get_world_size())[get_rank()]
