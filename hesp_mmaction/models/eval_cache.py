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
        self._value = self._modules = self._own = self._others = self._stamps = None
        self._samples = ()

    def get(self, compute, module, *others):
        """The value, remembered or computed.

        Args:
            compute (Callable[[], Tensor]): computes the value.
            module (nn.Module): the value depends on its weights.
            *others (nn.Module): the value depends on their weights too, which seldom change.

        Returns:
            Tensor: the result of ``compute()``, of this call or an earlier one.
        """
        if self._modules != (module, *others):
            self.forget()
        elif not self.trusted:
            forget_changed([self])
        if self._modules is None:
            self._value = compute()
            self._modules = module, *others
            self._own = _tensors(module)
            self._others = [t for other in others for t in _tensors(other)]
            self._stamps = _stamps(self._own, self._others)
            self._samples = [_sample(tensor).clone() for tensor in module.parameters()]
        return self._value

    def moved(self):
        """Whether the tensors are others, lie elsewhere or were changed under autograd's eyes.

        Returns:
            bool: True also if there is no value. Asks no device.
        """
        if self._modules is None:
            return True
        own = _tensors(self._modules[0])
        return (len(own) != len(self._own)
                or any(new is not old for new, old in zip(own, self._own, strict=True))
                or self._stamps != _stamps(own, self._others))

    def samples(self):
        """What is compared of the first module's parameters.

        Returns:
            list[tuple[Tensor, Tensor]]: for each, values (n,) of now and of when the value was
            computed.
        """
        return [(_sample(tensor), old)
                for tensor, old in zip(self._own, self._samples, strict=False)]


def forget_changed(caches):
    """Drop the values whose weights have changed. A GPU is waited for once, not for each cache.

    Args:
        caches (Sequence[EvalCache]): of one model.
    """
    held = []
    for cache in caches:
        if cache.moved():
            cache.forget()
        else:
            held.append((cache, cache.samples()))
    if not _equal([pair for _, pairs in held for pair in pairs]):
        for cache, pairs in held:
            if not _equal(pairs):
                cache.forget()


def _equal(pairs):
    by_device = {}
    for pair in pairs:
        by_device.setdefault(pair[0].device, []).append(pair)
    return all(torch.equal(*map(torch.cat, zip(*found, strict=True)))
               for found in by_device.values())


def _tensors(module):
    return list(chain(module.parameters(), module.buffers()))


def _stamps(own, others):
    found = [(t.data_ptr(), t._version, t.dtype, t.device) for t in own]
    # A tower has hundreds of tensors. A new type or device shows as a new place in memory.
    return found + [t.data_ptr() for t in others] + [t._version for t in others]


def _sample(tensor):
    flat = tensor.detach().flatten()
    return flat[::max(1, len(flat) // SAMPLE)]


def caches_of(model):
    """List the caches of a model.

    Args:
        model (nn.Module): its modules hold ``EvalCache`` as attributes.

    Returns:
        list[EvalCache]: all of them.
    """
    return [value for module in model.modules() for value in vars(module).values()
            if isinstance(value, EvalCache)]


@contextmanager
def caches_trusted(caches):
    """Let caches return what they hold while a block runs. Weights must not change meanwhile.

    A trace cannot look at weights. In an evaluation, looking at them in the middle of a batch would
    make a GPU wait: call ``forget_changed`` before the batch.

    Args:
        caches (Sequence[EvalCache]): of one model.

    Yields:
        None: the block runs.
    """
    before = [cache.trusted for cache in caches]
    for cache in caches:
        cache.trusted = True
    try:
        yield
    finally:
        for cache, trusted in zip(caches, before, strict=True):
            cache.trusted = trusted
