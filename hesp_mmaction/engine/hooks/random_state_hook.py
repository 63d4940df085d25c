"""Lets a resumed run draw the random numbers that an uninterrupted one would have drawn."""
import random

import numpy as np
import torch
from mmaction.registry import HOOKS
from mmengine.dist import all_gather_object, get_rank, get_world_size
from mmengine.hooks import Hook
from mmengine.logging import print_log


def random_state():
    """States of the global generators of this process, as plain numbers and tensors.

    Returns:
        dict: ``python``, ``numpy``, ``torch`` and ``gpu``, which is None without a GPU.
    """
    name, keys, *rest = np.random.get_state()
    gpu = torch.cuda.get_rng_state() if torch.cuda.is_available() else None
    return dict(python=random.getstate(), numpy=(name, keys.tolist(), *rest),
                torch=torch.get_rng_state(), gpu=gpu)


def set_random_state(state):
    """Restore what ``random_state`` returned. The state of a GPU is restored only if both sides
    have one.

    Args:
        state (dict): returned by ``random_state``, perhaps through a checkpoint.
    """
    random.setstate(state['python'])
    np.random.set_state(state['numpy'])
    torch.set_rng_state(state['torch'].cpu())  # a checkpoint's tensors are loaded to the GPU
    if state['gpu'] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(state['gpu'].cpu())


@HOOKS.register_module()
class RandomStateHook(Hook):
    """Keep the state of each process's random generators from epoch to epoch and in checkpoints.

    HESP itself draws no random numbers from these generators in training, but a backbone with
    dropout does. Each epoch begins with the states in which the epoch before it ended. Evaluation,
    the threshold and the start of loaders draw random numbers between epochs. A resumed run draws
    other ones there.
    """
    priority = 'HIGH'  # before ThresholdHook, which reads data after the last epoch only

    def __init__(self):
        self._states = None

    def after_train_epoch(self, runner):
        self._states = all_gather_object(random_state())  # only one process saves checkpoints

    def before_save_checkpoint(self, runner, checkpoint):
        if self._states is not None:
            checkpoint['random_states'] = self._states

    def after_load_checkpoint(self, runner, checkpoint):
        self._states = checkpoint.get('random_states')

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        # Not before_train_epoch: a loader draws when it starts, a persistent one only once a run.
        # In epoch 0 the states, if any, are those of a checkpoint loaded for its weights.
        if batch_idx or not runner.epoch or self._states is None:
            return
        processes = get_world_size()
        if len(self._states) != processes:
            print_log(f'the checkpoint is of {len(self._states)} processes, this run has '
                      f'{processes}: random numbers do not go on where they stopped', 'current')
            return
        set_random_state(self._states[get_rank()])
