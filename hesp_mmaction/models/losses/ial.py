"""Intensity-aware loss (Li et al., AAAI 2023)."""
import torch


def intensity_aware_loss(logits, labels):
    """Cross-entropy between the target and its strongest rival alone.

    -log(exp(z_y) / (exp(z_y) + exp(max of the others))): weak expressions, which are taken for
    another one, weigh more than in cross-entropy over all classes.

    Args:
        logits (Tensor): (B, K). labels (Tensor): (B,).

    Returns:
        Tensor: (B,).
    """
    own = logits.gather(1, labels[:, None])[:, 0]
    others = torch.nn.functional.one_hot(labels, logits.shape[1]).bool()
    rival = logits.masked_fill(others, -torch.inf).max(1).values
    return torch.nn.functional.softplus(rival - own)
