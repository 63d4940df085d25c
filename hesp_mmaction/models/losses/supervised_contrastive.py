"""Supervised contrastive loss (Khosla et al., NeurIPS 2020; the CL term of HESP Eq. 8)."""
import torch
import torch.nn.functional as F

from .distributed import gather, undo_gradient_average


def supervised_contrastive(features, labels, temperature=0.5):
    """Mean over anchors of minus the mean log-probability of their positives.

    Features of all processes take part. Anchors without a positive are skipped.

    Args:
        features (Tensor): (B, D), normalised here. labels (Tensor): (B,).
        temperature (float): divides the cosines.

    Returns:
        Tensor: scalar; 0 (with a zero gradient) when no anchor has a positive.
    """
    features, labels = gather(features, labels)
    features = F.normalize(features, dim=-1)
    cosines = features @ features.T / temperature
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    log_prob = cosines - torch.logsumexp(cosines.masked_fill(itself, -torch.inf), 1, keepdim=True)
    positive = (labels[:, None] == labels[None]) & ~itself
    count = positive.sum(1)
    if not count.any():
        return features.sum() * 0
    per_anchor = -(log_prob * positive).sum(1)[count > 0] / count[count > 0]
    return undo_gradient_average(per_anchor.mean())
