"""Batches whose union over processes is the batch of one process."""
from mmaction.registry import DATA_SAMPLERS
from mmengine.dist import get_world_size
from torch.utils.data import BatchSampler


@DATA_SAMPLERS.register_module()
class EvenBatchSampler(BatchSampler):
    """Batches of one process, out of a sharded ``DefaultSampler(round_up=False)``.

    No sample is repeated, and every process gets the same number of batches: process r has every
    N-th sample of each global batch. In the last global batch, processes may have unequal shares.
    It is left out only if it has fewer samples than there are processes.

    Args:
        sampler (DefaultSampler): the samples of this process.
        batch_size (int): samples of a batch of one process.
    """

    def __init__(self, sampler, batch_size):
        super().__init__(sampler, batch_size, drop_last=False)

    def __len__(self):
        total, processes = len(self.sampler.dataset), get_world_size()
        whole, rest = divmod(total, self.batch_size * processes)
        return whole + (rest >= processes)

    def __iter__(self):
        batches = super().__iter__()
        for _ in range(len(self)):
            yield next(batches)
