"""Cross-entropy whose value does not depend on the number of processes."""
from torch.nn.functional import cross_entropy

from .distributed import global_mean


def mean_cross_entropy(logits, labels):
    """Cross-entropy, mean over the batch of all processes.

    Args:
        logits (Tensor): (B, K).
        labels (Tensor): int (B,), 0 to K - 1.

    Returns:
        Tensor: scalar.
    """
    return global_mean(cross_entropy(logits, labels, reduction='none'))
