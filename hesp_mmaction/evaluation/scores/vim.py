"""Virtual-logit matching (ViM, Wang et al., CVPR 2022)."""
import torch

from ...errors import InputError
from .registry import register_score


@register_score
def vim(feature, logits, train_feature, train_logits):
    """log sum_k exp z_k - alpha r: r is the length of the feature outside the principal subspace
    of the training features, alpha scales r to the size of the training logits.

    Differs from the paper where its setting does not fit: the origin is the training mean (the
    logits of these heads have no bias), the subspace has half of min(D, M) dimensions (the paper's
    512 would leave nothing here), and alpha takes the logits' absolute size (distances and
    log-probabilities may be negative).

    Args:
        feature (Tensor): (N, D).
        logits (Tensor): (N, K).
        train_feature (Tensor): (M, D).
        train_logits (Tensor): (M, K).

    Returns:
        Tensor: (N,).

    Raises:
        InputError: the training features lie in a subspace of half their dimensions.
    """
    mean = train_feature.mean(0)
    _, _, axes = torch.linalg.svd(train_feature - mean, full_matrices=False)
    principal = axes[:min(train_feature.shape) // 2]

    def residual(features):
        centred = features - mean
        return (centred - centred @ principal.T @ principal).norm(dim=1)

    size = residual(train_feature).mean()
    if not size > 1e-9 * train_feature.norm(dim=1).mean():
        raise InputError('the training features lie in a subspace of half their dimensions')
    alpha = train_logits.max(1).values.abs().mean() / size
    return logits.logsumexp(1) - alpha * residual(feature)
