"""Supervised contrastive loss (Khosla et al., NeurIPS 2020; the CL term of HESP Eq. 8)."""
import torch
import torch.nn.functional as F

from .distributed import gather, undo_gradient_average


def supervised_contrastive(features, labels, temperature=0.5):
    """Mean over anchors of minus the mean log-probability of their positives.

    Features of all processes take part. Anchors without a positive are skipped.

    Args:
        features (Tensor): (B, D). Normalised here.
        labels (Tensor): int (B,).
        temperature (float): divides the cosines. Defaults to 0.5.

    Returns:
        Tensor: scalar; 0 with a zero gradient if no anchor has a positive.
    """
    features, labels = gather(features, labels)
    features = F.normalize(features, dim=-1)
    log_prob = (features @ features.T / temperature).fill_diagonal_(-torch.inf).log_softmax(1)
    positive = (labels[:, None] == labels).fill_diagonal_(False)
    count = positive.sum(1)
    per_anchor = log_prob.masked_fill(~positive, 0).sum(1) / -count.clamp_min(1)
    return undo_gradient_average(per_anchor.sum() / (count > 0).sum().clamp_min(1))
