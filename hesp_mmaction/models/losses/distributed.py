"""What makes a loss on N processes equal the loss of one process with the same global batch.

DistributedDataParallel averages gradients over processes. A mean over samples therefore needs the
global count, and a loss over pairs of samples the features of all processes.
"""
import torch
import torch.distributed as dist


def world_size():
    """Number of processes, 1 when not distributed."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def sum_over_processes(values):
    """Sum of a tensor over all processes, without gradient."""
    if world_size() > 1:
        dist.all_reduce(values)
    return values


def global_mean(values):
    """Mean of per-sample values (B,), right also where processes hold unequal numbers.

    The value is this process's share, scaled so that the average over processes is the mean over
    all samples; the same then holds of the gradient. Half precision is summed and counted in
    float32.
    """
    if world_size() == 1:
        return values.mean()
    # Half precision counts no further than 256 (bfloat16) or 2048 (float16).
    values = values.to(torch.promote_types(values.dtype, torch.float32))
    count = torch.tensor(len(values), dtype=values.dtype, device=values.device)
    dist.all_reduce(count)
    return values.sum() * (world_size() / count)


def gather(features, labels):
    """Features (B, D) and labels (B,) of all processes, in process order.

    The own shard keeps its gradient, the others are constants; shards may be unequal.
    """
    if world_size() == 1:
        return features, labels
    shards = [None] * world_size()
    counts = [torch.zeros(1, dtype=torch.int64, device=features.device) for _ in shards]
    dist.all_gather(counts, torch.tensor([len(features)], device=features.device))
    counts = torch.cat(counts).tolist()  # the one look at the device
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

    For a loss computed over the gathered batch: each process only sees the gradient of its own
    shard, so the sum over processes is the whole gradient, and the average must be undone.
    """
    return loss + (world_size() - 1) * (loss - loss.detach())
