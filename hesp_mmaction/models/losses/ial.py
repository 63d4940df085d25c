"""Intensity-aware loss (Li et al., AAAI 2023)."""
import torch


def intensity_aware_loss(logits, labels):
    """Cross-entropy between the target and its strongest rival alone.

    The loss is -log(exp(z_y) / (exp(z_y) + exp(max of the others))). Weak expressions are easily
    taken for another one. They weigh more here than in the cross-entropy over all classes.

    Args:
        logits (Tensor): z (B, K).
        labels (Tensor): y, int (B,), 0 to K - 1.

    Returns:
        Tensor: (B,).
    """
    own = logits.gather(1, labels[:, None])[:, 0]
    others = torch.nn.functional.one_hot(labels, logits.shape[1]).bool()
    rival = logits.masked_fill(others, -torch.inf).max(1).values
    return torch.nn.functional.softplus(rival - own)
