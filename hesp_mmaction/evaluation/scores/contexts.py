"""Contrastive logit score: the logit of a learned context without a class name is subtracted."""
from .registry import register_score


def _less_context(score, context, train_score, train_context):
    """score - b context, where b is the least-squares slope of the two on the training samples.

    Args:
        score (Tensor): (N,).
        context (Tensor): (N,) or (N, 1).
        train_score (Tensor): (M,).
        train_context (Tensor): (M,) or (M, 1).

    Returns:
        Tensor: (N,). Nothing is subtracted if the training contexts are all equal.
    """
    centred = train_context.flatten() - train_context.mean()
    size = centred.square().sum()
    slope = (centred * train_score).sum() / size if size > 1e-18 else 0.0
    return score - slope * context.flatten()


@register_score
def cls_max(logits_known, logits_context, train_logits_known, train_logits_context):
    """max_k (z_k - b z_0) (CLS, arXiv 2405.16091, version 2).

    z_0 is the logit of the learned context without a class name, and b the slope of the
    least-squares line from z_0 to max_k z_k over the training samples. If each class
    has its own context, z_0 is the logit of the mean of their K texts. The paper does not treat
    this case. The code of version 1 fits the line between cosines and 100 times cosines; here both
    are logits.

    Args:
        logits_known (Tensor): z (N, K).
        logits_context (Tensor): z_0 (N, 1).
        train_logits_known (Tensor): (M, K).
        train_logits_context (Tensor): (M, 1).

    Returns:
        Tensor: (N,).
    """
    return _less_context(logits_known.max(1).values, logits_context,
                         train_logits_known.max(1).values, train_logits_context)


@register_score
def cls_logsumexp(logits_known, logits_context, train_logits_known, train_logits_context):
    """log sum_k exp(z_k - b z_0): ``cls_max`` with the energy in place of the largest logit.

    Args:
        logits_known (Tensor): z (N, K).
        logits_context (Tensor): z_0 (N, 1).
        train_logits_known (Tensor): (M, K).
        train_logits_context (Tensor): (M, 1).

    Returns:
        Tensor: (N,).
    """
    return _less_context(logits_known.logsumexp(1), logits_context,
                         train_logits_known.logsumexp(1), train_logits_context)
