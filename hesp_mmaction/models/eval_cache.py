"""Values that an evaluation would otherwise compute again for every batch."""
from contextlib import contextmanager
from itertools import chain

import torch

SAMPLE = 1024  # number of values of a tensor that are compared


class EvalCache:
    """One value that depends on weights alone, such as text features.

    The value is computed again when a weight was changed in any way: by an optimizer, by loading a
    checkpoint, by a move to another device or type, or through ``.data``, without autograd, as
    mmengine swaps averaged weights in and out. The last leaves no trace at a tensor. For it, up to
    1,024 values of every parameter of the first module are compared, because code that swaps
    weights swaps all of them.

    Attributes:
        trusted (bool): True returns the value without looking at weights, see ``caches_trusted``.
            False at first.
    """

    def __init__(self):
        self.trusted = False
        self.forget()

    def forget(self):
        """Drop the value."""
        self._value = self._own = self._others = self._stamps = self._samples = None

    def get(self, compute, module, *others):
        """The value, remembered or computed.

        Args:
            compute (Callable[[], Tensor]): computes the value.
            module (nn.Module): the value depends on its weights.
            *others (nn.Module): the value depends on their weights too, which seldom change.

        Returns:
            Tensor: the result of ``compute()``, of this call or an earlier one.
        """
        if self._value is not None and self.trusted:
            return self._value
        own = _tensors(module)
        if not self._is_of(own):
            self._value = compute()
            self._own, self._others = own, [t for other in others for t in _tensors(other)]
            self._stamps = _stamps(own, self._others)
            self._samples = [_sample(tensor).clone() for tensor in module.parameters()]
        return self._value

    def _is_of(self, own):
        return (self._value is not None and len(own) == len(self._own)
                and all(new is old for new, old in zip(own, self._own, strict=True))
                and self._stamps == _stamps(own, self._others)
                and all(torch.equal(_sample(tensor), old) for tensor, old in zip(
                    own, self._samples, strict=False)))


def _tensors(module):
    return list(chain(module.parameters(), module.buffers()))


def _stamps(own, others):
    found = [(t.data_ptr(), t._version, t.dtype, t.device) for t in own]
    # A tower has hundreds of tensors. A new type or device shows as a new place in memory.
    return found + [t.data_ptr() for t in others] + [t._version for t in others]


def _sample(tensor):
    flat = tensor.detach().flatten()
    return flat[::max(1, len(flat) // SAMPLE)]


@contextmanager
def caches_trusted(model):
    """Let the caches of a model return what they hold while a block runs.

    This is for a trace, in which weights cannot be looked at. They must not change meanwhile.

    Args:
        model (nn.Module): its modules hold ``EvalCache`` as attributes.

    Yields:
        None: the block runs.
    """
    caches = [value for module in model.modules() for value in vars(module).values()
              if isinstance(value, EvalCache)]
    for cache in caches:
        cache.trusted = True
    try:
        yield
    finally:
        for cache in caches:
            cache.trusted = False
