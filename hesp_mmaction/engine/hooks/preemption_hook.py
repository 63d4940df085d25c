"""Saves and stops when the cluster asks for it (SIGTERM)."""
import os
import signal
import sys

import torch
from mmaction.registry import HOOKS
from mmengine.dist import all_gather_object, all_reduce, get_rank, get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.logging import print_log

from ...files import whole
from .random_state_hook import random_state, set_random_state

NAME = 'preempted.pth'
EXIT_CODE = 128 + signal.SIGTERM


@HOOKS.register_module()
class PreemptionHook(Hook):
    """On SIGTERM: a checkpoint after the current step, then the end, with exit code 143.

    ``--resume`` goes on with the next step, with :class:`ResumableTrainLoop`: the run ends as if it
    had never been stopped. All processes stop at the same step.
    """
    priority = 'LOWEST'  # every other hook has seen the step

    def __init__(self):
        self._asked, self._before, self._states = False, None, None

    def before_train(self, runner):
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
        if is_main_process() and os.path.exists(left):
            os.remove(left)  # of an earlier stop; the last epoch's checkpoint is there

    def _restore_signal(self):
        signal.signal(signal.SIGTERM, self._before or signal.SIG_DFL)

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if self._states is not None:
            set_random_state(self._states[get_rank()])
            self._states = None

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        asked = torch.tensor(int(self._asked))
        if get_world_size() > 1:
            all_reduce(asked, 'max')
        if not asked:
            return
        states = all_gather_object(random_state())
        runner.preempted = dict(batches=batch_idx + 1, random_states=states)
        runner.save_checkpoint(runner.work_dir, f'{NAME}.part', by_epoch=False)
        path = os.path.join(runner.work_dir, NAME)
        if is_main_process():
            os.replace(f'{path}.part', path)
            with whole(os.path.join(runner.work_dir, 'last_checkpoint')) as file:
                file.write(path)
        print_log(f'asked to stop (SIGTERM): saved {path} after step {runner.iter + 1}; go on with '
                  '--resume', 'current')
        self._restore_signal()
        sys.exit(EXIT_CODE)

    def before_save_checkpoint(self, runner, checkpoint):
        if getattr(runner, 'preempted', None):
            checkpoint['preempted'] = runner.preempted

    def after_load_checkpoint(self, runner, checkpoint):
        saved = checkpoint.get('preempted')
        if saved is not None and runner._resume:
            runner.train_loop.skip = saved['batches']
            same = len(saved['random_states']) == get_world_size()
            self._states = saved['random_states'] if same else None
