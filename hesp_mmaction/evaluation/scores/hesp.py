"""HESP's scores, from its known and its negative branch."""
from .registry import register_score


@register_score
def hesp_prob(logits_known, logits_negative):
    """max_k (softmax(z) + softmax(z_neg))_k / 2: the paper's.

    Args:
        logits_known (Tensor), logits_negative (Tensor): (N, K).
    """
    return ((logits_known.softmax(1) + logits_negative.softmax(1)) / 2).max(1).values


@register_score
def hesp_logit(logits_known, logits_negative):
    """max_k (z + z_neg)_k / 2: that of the released code."""
    return ((logits_known + logits_negative) / 2).max(1).values


@register_score
def hesp_centred(logits_known, logits_negative):
    """The same after the mean of z_neg over the classes is taken off: this package's default."""
    return hesp_logit(logits_known, logits_negative - logits_negative.mean(1, keepdim=True))
