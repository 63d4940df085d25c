"""Batches that all workers of a loader load together.

A DataLoader hands a whole batch to one worker. The first batch of an epoch takes the time of all
its clips in a row, and workers beyond the number of batches have nothing to do.
"""
from collections import deque
from itertools import chain, islice

from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from ..datasets.deferred import collate_deferred, join_portions


class PortionSampler:
    """Cuts the batches of a sampler into portions of equal size, one for each worker.

    Args:
        batch_sampler (BatchSampler): batches, lists of indices.
        workers (int): number of portions of a batch. A small batch may have fewer, and the last
            one may be smaller.
    """

    def __init__(self, batch_sampler, workers):
        self.batches, self.workers = batch_sampler, workers
        self.sampler = getattr(batch_sampler, 'sampler', None)  # is told the epoch
        self.batch_size = getattr(batch_sampler, 'batch_size', None)
        self.counts = deque()  # portions of each batch that is begun and not fetched

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        self.counts.clear()  # of an epoch that was left
        for batch in self.batches:
            size = -(-len(batch) // self.workers)
            self.counts.append(-(-len(batch) // size))
            for start in range(0, len(batch), size):
                yield batch[start:start + size]


class PortionLoader(DataLoader):
    """A loader with the batches of another one, each loaded by all workers.

    Samples and their order are the same. Tensors that workers have put together stay apart until
    they are on the device, see ``join_portions``.

    Args:
        loader (DataLoader): with two or more workers, batches, and the collate function
            ``pseudo_collate`` or ``collate_deferred``. It is not started.
    """

    def __init__(self, loader):
        deferred = _function(loader.collate_fn) is collate_deferred
        super().__init__(
            loader.dataset, batch_sampler=PortionSampler(loader.batch_sampler, loader.num_workers),
            collate_fn=collate_deferred if deferred else list,
            **{name: getattr(loader, name) for name in (
                'num_workers', 'pin_memory', 'timeout', 'worker_init_fn', 'prefetch_factor',
                'multiprocessing_context', 'generator', 'persistent_workers')})
        self.join = join_portions if deferred else _collate_all

    def __iter__(self):
        return self._joined(super().__iter__())  # workers are given their first portions here

    def _joined(self, portions):
        counts = self.batch_sampler.counts
        for portion in portions:
            yield self.join([portion, *islice(portions, counts.popleft() - 1)])


def _function(collate):
    """The function itself; mmengine hands it over as a ``partial``."""
    return getattr(collate, 'func', collate)


def _collate_all(portions):
    return pseudo_collate(list(chain.from_iterable(portions)))


def in_portions(loader):
    """Return the loader of a training. If it has two workers or more, they share every batch.

    Args:
        loader (DataLoader): the loader that mmengine built.

    Returns:
        DataLoader: a ``PortionLoader``, or ``loader`` itself if batches cannot be shared.
    """
    shared = (type(loader) is DataLoader and loader.num_workers > 1
              and loader.batch_sampler is not None
              and _function(loader.collate_fn) in (pseudo_collate, collate_deferred))
    return PortionLoader(loader) if shared else loader
