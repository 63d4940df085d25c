"""The weights that a checkpoint is evaluated with: the trained ones, or EMAHook's mean of them."""
from contextlib import contextmanager

import torch
from mmengine.hooks import EMAHook

from .common import unwrap


def ema_hooks(runner):
    """The hooks of a run that average its weights (``mmengine.hooks.EMAHook``).

    Args:
        runner (Runner): the runner of the training.

    Returns:
        list[EMAHook]: empty if the run averages no weights.
    """
    return [hook for hook in runner.hooks if isinstance(hook, EMAHook)]


@contextmanager
def saved_weights(runner):
    """Within this context, the model has the weights with which the next checkpoint is used.

    These are the averaged weights if the run has an EMAHook. Buffers that the block changes
    (threshold, temperature, statistics of a score) are changed in both models, the trained and the
    averaged one, so that they are in the checkpoint and in every evaluation.

    Args:
        runner (Runner): the runner of the training.

    Yields:
        nn.Module: the recognizer.
    """
    model, hooks = unwrap(runner.model), ema_hooks(runner)
    for hook in hooks:
        hook._swap_ema_parameters()
    before = {name: value.clone() for name, value in model.named_buffers() if hooks}
    changed = {}
    try:
        yield model
        if not hooks:
            return
        changed = {name: value.clone() for name, value in model.named_buffers()
                   if not torch.equal(value, before[name])}  # NaN differs from itself: no harm
    finally:
        for hook in reversed(hooks):  # exchanges are undone from the last one on
            hook._swap_ema_parameters()
            for owner in (model, hook.ema_model.module):
                buffers = dict(owner.named_buffers())
                for name, value in changed.items():
                    buffers[name].copy_(value)
