"""Scores of the logits (N, K) whose largest entry is the predicted class."""
from .registry import register_score


@register_score
def max_softmax(logits):
    """max_k p_k, p = softmax(z) (Hendrycks and Gimpel, ICLR 2017).

    Args:
        logits (Tensor): z (N, K).

    Returns:
        Tensor: (N,), from 1 / K to 1.
    """
    return logits.softmax(1).max(1).values


@register_score
def max_logit(logits):
    """max_k z_k (Vaze et al., ICLR 2022).

    Args:
        logits (Tensor): z (N, K).

    Returns:
        Tensor: (N,).
    """
    return logits.max(1).values


@register_score
def energy(logits):
    """log sum_k exp z_k, minus the energy at temperature 1 (Liu et al., NeurIPS 2020).

    It carries no information if the logits are log-probabilities: it is then 0 for every sample.

    Args:
        logits (Tensor): z (N, K).

    Returns:
        Tensor: (N,).
    """
    return logits.logsumexp(1)


@register_score
def entropy(logits):
    """sum_k p_k log p_k, minus Shannon's entropy: 0 when certain, -log K when not at all.

    Args:
        logits (Tensor): z (N, K).

    Returns:
        Tensor: (N,), from -log K to 0.
    """
    return (logits.softmax(1) * logits.log_softmax(1)).sum(1)


@register_score
def margin(logits):
    """The largest probability minus the second.

    Args:
        logits (Tensor): z (N, K).

    Returns:
        Tensor: (N,), from 0 to 1.
    """
    first, second = logits.softmax(1).topk(2, 1).values.T
    return first - second


@register_score
def generalised_entropy(logits, gamma=0.1):
    """-sum_k p_k^gamma (1 - p_k)^gamma (GEN, Liu et al., CVPR 2023), over all K. The paper's limit
    to the 100 largest is for more classes.

    Args:
        logits (Tensor): z (N, K).
        gamma (float): the exponent. Defaults to 0.1.

    Returns:
        Tensor: (N,), at most 0.
    """
    p = logits.softmax(1)
    return -(p.clamp_min(0) * (1 - p).clamp_min(0)).pow(gamma).sum(1)
