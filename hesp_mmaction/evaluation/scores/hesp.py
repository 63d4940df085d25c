"""HESP's scores, from its known and its negative branch.

``hesp_logit`` and ``hesp_centred`` are ``logit`` and ``centred`` of ``HESPHead.scores``. Its
``prob`` is ``max_softmax``: the largest of the probabilities that the head returns.
"""
from .registry import register_score


@register_score
def hesp_mean_softmax(logits_known, logits_negative):
    """max_k (softmax(z) + softmax(z_neg))_k / 2: the paper's, and ``prob`` of a head with
    ``fusion='prob'``.

    Args:
        logits_known (Tensor): z (N, K).
        logits_negative (Tensor): z_neg (N, K).

    Returns:
        Tensor: (N,), from 0 to 1.
    """
    return ((logits_known.softmax(1) + logits_negative.softmax(1)) / 2).max(1).values


@register_score
def hesp_logit(logits_known, logits_negative):
    """max_k (z + z_neg)_k / 2: that of the released code.

    Args:
        logits_known (Tensor): z (N, K).
        logits_negative (Tensor): z_neg (N, K).

    Returns:
        Tensor: (N,).
    """
    return ((logits_known + logits_negative) / 2).max(1).values


@register_score
def hesp_centred(logits_known, logits_negative):
    """max_k (z + z_neg - mean_j z_neg,j)_k / 2: this package's default.

    Args:
        logits_known (Tensor): z (N, K).
        logits_negative (Tensor): z_neg (N, K).

    Returns:
        Tensor: (N,).
    """
    return hesp_logit(logits_known, logits_negative - logits_negative.mean(1, keepdim=True))
