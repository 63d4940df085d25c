"""Evidential learning as in DEAR (Bao et al., ICCV 2021): evidence of a Dirichlet distribution."""
import math

import torch


def dirichlet(logits):
    """alpha = exp(clamp(z, -10, 10)) + 1. (B, K) to (B, K)."""
    return logits.clamp(-10, 10).exp() + 1


def uncertainty(alpha):
    """u = K / sum of alpha, in (0, 1]. (B, K) to (B,)."""
    return alpha.shape[1] / alpha.sum(1)


def evidential_loss(alpha, labels):
    """-log of the expected likelihood of the label: log S - log alpha_y. (B, K), (B,) to (B,)."""
    return alpha.sum(1).log() - alpha.gather(1, labels[:, None])[:, 0].log()


def calibration_loss(alpha, labels, progress, start=0.01):
    """Accurate predictions should be certain, inaccurate ones uncertain.

    -w p log(1 - u) of the accurate and -(1 - w) (1 - p) log(u) of the inaccurate samples, with p
    the largest probability and w = start ** (1 - progress), which grows from ``start`` to one:
    the uncertain are pushed away first.

    Args:
        alpha (Tensor): (B, K). labels (Tensor): (B,). progress (float): share of the training that
            is done, 0 to 1. start (float): w at the beginning.

    Returns:
        Tensor: (B,).
    """
    probability, predicted = (alpha / alpha.sum(1, keepdim=True)).max(1)
    u = uncertainty(alpha)
    weight = math.exp(math.log(start) * (1 - progress))
    certain = -weight * probability * torch.log((1 - u).clamp_min(1e-10))
    doubtful = -(1 - weight) * (1 - probability) * torch.log(u)
    return torch.where(predicted == labels, certain, doubtful)
