"""Losses on N processes that equal the loss of one process with the same global batch.

DistributedDataParallel averages gradients over processes. A mean over samples therefore needs the
global count. A loss over pairs of samples needs the features of all processes.
"""
import torch
import torch.distributed as dist


def world_size():
    """The number of processes.

    Returns:
        int: 1 when training is not distributed.
    """
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def sum_over_processes(values):
    """Sum of a tensor over all processes, without gradient.

    Args:
        values (Tensor): any shape, the same in every process; changed in place.

    Returns:
        Tensor: ``values``, which is the sum.
    """
    if world_size() > 1:
        dist.all_reduce(values)
    return values


def global_mean(values):
    """Mean of values per sample over the samples of all processes, which may hold unequal numbers.

    The result is this process's share, scaled so that the average over processes is the mean over
    all samples. The same holds for the gradient. Half precision is summed and counted in float32.

    Args:
        values (Tensor): (B,).

    Returns:
        Tensor: scalar.
    """
    if world_size() == 1:
        return values.mean()
    # Half precision counts up to 256 (bfloat16) or 2048 (float16) and no further.
    values = values.to(torch.promote_types(values.dtype, torch.float32))
    count = values.new_full((), len(values))  # torch.tensor would wait for the device
    dist.all_reduce(count)
    return values.sum() * (world_size() / count)


def gather(features, labels):
    """Features and labels of all processes, in process order.

    The part of this process keeps its gradient. The others are constants. The parts may have
    unequal lengths.

    Args:
        features (Tensor): (B, D).
        labels (Tensor): (B,).

    Returns:
        tuple[Tensor, Tensor]: (N, D) and (N,), N being the sum of B over the processes.
    """
    if world_size() == 1:
        return features, labels
    shards = [None] * world_size()
    counts = [torch.zeros(1, dtype=torch.int64, device=features.device) for _ in shards]
    dist.all_gather(counts, counts[0].new_full((1,), len(features)))
    counts = torch.cat(counts).tolist()  # the only wait for the device
    longest = max(counts)
    padded = features.new_zeros(longest, features.shape[1])
    padded[:len(features)] = features.detach()
    padded_labels = labels.new_zeros(longest)
    padded_labels[:len(labels)] = labels
    shards = [torch.empty_like(padded) for _ in shards]
    label_shards = [torch.empty_like(padded_labels) for _ in shards]
    dist.all_gather(shards, padded)
    dist.all_gather(label_shards, padded_labels)
    shards = [shard[:n] for shard, n in zip(shards, counts, strict=True)]
    label_shards = [shard[:n] for shard, n in zip(label_shards, counts, strict=True)]
    shards[dist.get_rank()] = features
    return torch.cat(shards), torch.cat(label_shards)


def undo_gradient_average(loss):
    """The same value with its gradient times the number of processes.

    This is for a loss over the gathered batch. Each process sees the gradient of its own part only,
    so the whole gradient is the sum over processes and not their average.

    Args:
        loss (Tensor): scalar.

    Returns:
        Tensor: scalar of the same value.
    """
    return loss + (world_size() - 1) * (loss - loss.detach())
