"""HESP's equations for logits, as functions (ACM MM 2024)."""
import math

import torch
import torch.nn.functional as F

from ..losses import global_mean, mean_cross_entropy


def at_length(features, length):
    """Features brought to one length, so that distances mean the same for every CLIP.

    CLIPs differ in the length of their features by a factor of 15. OpenAI's are about 10 long. This
    step is not in the paper.

    Args:
        features (Tensor): (N, D).
        length (Tensor): scalar; 0 leaves features as they are.

    Returns:
        Tensor: (N, D).
    """
    return torch.where(length > 0, length * F.normalize(features, dim=1), features)


def fused_probabilities(known, negative):
    """Eq. 13: (softmax(z) + softmax(z_neg)) / 2.

    Args:
        known (Tensor): z (B, K).
        negative (Tensor): z_neg (B, K).

    Returns:
        Tensor: (B, K).
    """
    return (known.softmax(1) + negative.softmax(1)) / 2


def fused_log_probabilities(known, negative):
    """The log of ``fused_probabilities``, finite also where a probability rounds to 0.

    Args:
        known (Tensor): z (B, K).
        negative (Tensor): z_neg (B, K).

    Returns:
        Tensor: (B, K).
    """
    return torch.logaddexp(known.log_softmax(1), negative.log_softmax(1)) - math.log(2)


def fuse(known, negative, fusion):
    """Eq. 13: the prediction of both branches.

    Args:
        known (Tensor): z (B, K).
        negative (Tensor): z_neg (B, K).
        fusion (str): ``'prob'`` averages probabilities (the paper), ``'logit'`` averages logits.

    Returns:
        tuple[Tensor, Tensor]: logits and probabilities (B, K), the second being the softmax of the
        first.
    """
    if fusion == 'prob':  # the log of a probability that rounds to 0 would be -inf
        return fused_log_probabilities(known, negative), fused_probabilities(known, negative)
    mean = (known + negative) / 2
    return mean, mean.softmax(1)


def with_density(logits, distances):
    """Mean of a prediction and of that of the class Gaussians (not in the paper).

    Args:
        logits (Tensor): (B, K).
        distances (Tensor): (B, K), squared Mahalanobis distances to the classes.

    Returns:
        tuple[Tensor, Tensor]: logits and probabilities (B, K).
    """
    usual = -distances / 2
    return fused_log_probabilities(logits, usual), fused_probabilities(logits, usual)


def fused_loss(known, negative, labels, fusion):
    """Eq. 14: cross-entropy of the fused prediction, mean over the batch of all processes.

    Args:
        known (Tensor): z (B, K).
        negative (Tensor): z_neg (B, K).
        labels (Tensor): int (B,), 0 to K - 1.
        fusion (str): ``'prob'`` = minus the log of the mean probability, ``'logit'`` =
            cross-entropy of the mean logits.

    Returns:
        Tensor: scalar.
    """
    if fusion == 'logit':
        return mean_cross_entropy((known + negative) / 2, labels)
    log_prob = fused_log_probabilities(known, negative)
    return global_mean(F.nll_loss(log_prob, labels, reduction='none'))
