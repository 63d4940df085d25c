"""Frozen towers: no gradients, absent from checkpoints, computed in the type that is asked for."""
from functools import partial

import torch
from torch import nn

from .cuda_graphs import Replayed
from .precision import at_least_float32, compiled, half_copy, in_float32


def freeze(module):
    """Freeze a tower: no gradients, and no copy of it in checkpoints.

    A checkpoint without the tower's weights loads as if it held them. They are taken from the tower
    itself, so neither torch nor mmengine reports them missing.

    Args:
        module (nn.Module): the tower; changed in place.

    Returns:
        nn.Module: ``module``.
    """
    module.requires_grad_(False)
    names = tuple(module.state_dict())
    module.register_state_dict_post_hook(partial(_drop_keys, names))
    module.register_load_state_dict_pre_hook(partial(_fill_keys, names))
    return module


def _drop_keys(names, module, state_dict, prefix, _):
    for name in names:
        state_dict.pop(prefix + name, None)


def _fill_keys(names, module, state_dict, prefix, *_):
    tensors = dict(module.named_parameters()) | dict(module.named_buffers())
    for name in names:
        state_dict.setdefault(prefix + name, tensors[name].detach())


class FrozenTower(nn.Module):
    """Base of the towers. A frozen tower stays in eval mode while the rest of a model trains.

    Args:
        frozen (bool): whether the tower is frozen.

    Attributes:
        compute_dtype (torch.dtype | None): half precision in which a frozen tower is called. None
            stands for the type of its weights, and is the default. Results are float32 in any case.
            The half weights are a copy that is made at the first call and is in no checkpoint.
            ``activation_map`` takes the weights themselves.
        compiled (bool): whether a frozen tower is called through ``torch.compile``, and on a GPU
            replayed if no gradient is wanted (``Replayed``). Defaults to False.
    """
    compute_dtype, compiled = None, False

    def __init__(self, frozen):
        super().__init__()
        self.frozen = frozen
        self._run, self._run_is_for, self._replayed = None, None, {}

    def freeze_if_asked(self):
        """Freeze the tower if it was built so. Call it once every weight is in place."""
        if self.frozen:
            freeze(self)
            self.eval()

    def train(self, mode=True):
        if self.frozen and not self.training:
            return self  # called every epoch; a walk through all layers takes milliseconds
        return super().train(mode and not self.frozen)

    def __call__(self, *inputs):
        if self.compute_dtype is None and not self.compiled:
            return super().__call__(*inputs)
        wanted = self.compute_dtype, self.compiled
        if self._run is None or self._run_is_for != wanted:
            self._forget_copies()
            self._run_is_for = wanted
            tower = self if self.compute_dtype is None else half_copy(self, self.compute_dtype)
            self._run = compiled(tower.forward) if self.compiled else tower.forward
        run = self._run if torch.is_grad_enabled() else self.replayed(self._run, inputs)
        if self.compute_dtype is None:
            return run(*inputs)
        inputs = [x.to(self.compute_dtype) if x.is_floating_point() else x for x in inputs]
        with in_float32(inputs[0]):  # no autocast: all types are right already
            return at_least_float32(run(*inputs))

    def replayed(self, function, inputs):
        """A function of the tower's weights and ``inputs``, replayed if that is possible.

        Args:
            function (Callable[..., Tensor]): of ``inputs``.
            inputs (Sequence[Tensor]): of the next call.

        Returns:
            Callable[..., Tensor]: the recorded function, or ``function`` itself.
        """
        if not self.compiled or not all(x.is_cuda for x in inputs):
            return function
        return self._replayed.setdefault(function, Replayed(function))

    def _forget_copies(self):
        self._run = None
        self._replayed.clear()

    def _apply(self, *args, **kwargs):
        self._forget_copies()  # the copies have another device or type
        return super()._apply(*args, **kwargs)

    def _load_from_state_dict(self, *args, **kwargs):
        self._forget_copies()
        return super()._load_from_state_dict(*args, **kwargs)
