"""KNN score (Sun et al., ICML 2022)."""
import torch.nn.functional as F

from .registry import register_score


@register_score
def knn(feature, train_feature, k=5):
    """Minus the distance to the k-th nearest training feature, all of length 1.

    k is small because a class may have a few dozen training clips; OpenOOD's 50 is for ImageNet.

    Args:
        feature (Tensor): (N, D). train_feature (Tensor): (M, D).
        k (int): M where that is less.
    """
    train = F.normalize(train_feature, dim=1)
    nearest = (2 - 2 * F.normalize(feature, dim=1) @ train.T).topk(min(k, len(train)), 1,
                                                                   largest=False).values
    return -nearest[:, -1].clamp_min(0).sqrt()
