"""Evidential learning as in DEAR (Bao et al., ICCV 2021): evidence for a Dirichlet distribution."""
import math

import torch


def dirichlet(logits):
    """The parameters alpha = exp(clamp(z, -10, 10)) + 1 of a Dirichlet distribution.

    Args:
        logits (Tensor): z (B, K).

    Returns:
        Tensor: alpha (B, K), more than 1.
    """
    return logits.clamp(-10, 10).exp() + 1


def uncertainty(alpha):
    """The uncertainty u = K / sum of alpha.

    Args:
        alpha (Tensor): (B, K).

    Returns:
        Tensor: u (B,), in (0, 1].
    """
    return alpha.shape[1] / alpha.sum(1)


def evidential_loss(alpha, labels):
    """Minus the log of the expected likelihood of the label, log(sum of alpha) - log(alpha_y).

    Args:
        alpha (Tensor): (B, K).
        labels (Tensor): y, int (B,), 0 to K - 1.

    Returns:
        Tensor: (B,).
    """
    return alpha.sum(1).log() - alpha.gather(1, labels[:, None])[:, 0].log()


def calibration_loss(alpha, labels, progress, start=0.01):
    """Push accurate predictions to be certain and inaccurate ones to be uncertain.

    p is the largest probability and u the uncertainty of a sample. The loss is -w p log(1 - u) for
    an accurate sample and -(1 - w) (1 - p) log(u) for an inaccurate one. The weight w = start ** (1
    - progress) grows from ``start`` to one, so at first the inaccurate samples weigh most.

    Args:
        alpha (Tensor): (B, K).
        labels (Tensor): int (B,), 0 to K - 1.
        progress (float): share of the training that is done, 0 to 1.
        start (float): w at the beginning. Defaults to 0.01.

    Returns:
        Tensor: (B,).
    """
    probability, predicted = (alpha / alpha.sum(1, keepdim=True)).max(1)
    u = uncertainty(alpha)
    weight = math.exp(math.log(start) * (1 - progress))
    certain = -weight * probability * torch.log((1 - u).clamp_min(1e-10))
    doubtful = -(1 - weight) * (1 - probability) * torch.log(u)
    return torch.where(predicted == labels, certain, doubtful)
