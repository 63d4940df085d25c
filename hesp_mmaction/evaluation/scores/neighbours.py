"""Scores of the nearest training features: KNN and NNGuide."""
import torch.nn.functional as F

from .registry import register_score


@register_score
def knn(feature, train_feature, k=5):
    """Minus the distance to the k-th nearest training feature, all of length 1 (KNN, Sun et al.,
    ICML 2022).

    k is small because a class may have a few dozen training clips; OpenOOD's 50 is for ImageNet.

    Args:
        feature (Tensor): (N, D).
        train_feature (Tensor): (M, D).
        k (int): which neighbour counts; M if that is less.

    Returns:
        Tensor: (N,).
    """
    train = F.normalize(train_feature, dim=1)
    nearest = (2 - 2 * F.normalize(feature, dim=1) @ train.T).topk(min(k, len(train)), 1,
                                                                   largest=False).values
    return -nearest[:, -1].clamp_min(0).sqrt()


@register_score
def nnguide(feature, logits, train_feature, train_logits, k=10):
    """The energy of a sample times the mean of the k largest f.(E(g) g) over training features g
    (NNGuide, Park et al., ICCV 2023).

    E is the log of the sum of the exponentials of the logits; features have length 1.

    Args:
        feature (Tensor): f (N, D), any length.
        logits (Tensor): (N, K).
        train_feature (Tensor): g (M, D), any length.
        train_logits (Tensor): (M, K).
        k (int): how many features count; all M if that is less. Defaults to 10, as in the released
            code.

    Returns:
        Tensor: (N,).
    """
    train = F.normalize(train_feature, dim=1) * train_logits.logsumexp(1)[:, None]
    guides = (F.normalize(feature, dim=1) @ train.T).topk(min(k, len(train)), 1).values
    return logits.logsumexp(1) * guides.mean(1)
