"""Scores of a feature relative to the mean of the training features: fDBD and NCI."""
import torch.nn.functional as F

from .registry import register_score

TINY = 1e-12


def _from_the_mean(feature, train_feature):
    """Returns unit features minus the mean of the unit training features: (N, D)."""
    return F.normalize(feature, dim=1) - F.normalize(train_feature, dim=1).mean(0)


@register_score
def fdbd(feature, class_text, train_feature):
    """How far a feature is from the boundaries between the best class and the others (fDBD, Liu and
    Qin, ICML 2024).

    The mean over the other classes c of |f.w_y - f.w_c| / (|w_y - w_c| |f - mu|): y is the class
    with the largest product, mu the mean of the training features. Features have length 1 and the
    rows of ``class_text`` are the weights of a classifier without bias, which the paper's has.

    Args:
        feature (Tensor): (N, D), any length.
        class_text (Tensor): w (K, D).
        train_feature (Tensor): (M, D), any length.

    Returns:
        Tensor: (N,).
    """
    products = F.normalize(feature, dim=1) @ class_text.T
    best = products.argmax(1)
    gaps = products.gather(1, best[:, None]) - products
    apart = (class_text[best][:, None] - class_text).norm(dim=2).clamp_min(TINY)
    others = len(class_text) - 1  # the best class is no boundary of itself and adds 0
    return (gaps / apart).sum(1) / others / _from_the_mean(feature, train_feature).norm(
        dim=1).clamp_min(TINY)


@register_score
def nci(feature, class_text, train_feature):
    """The weight of the best class along the direction of the feature from the training mean (NCI,
    Liu and Qin, CVPR 2025).

    (f - mu).w_y / |f - mu|, with the letters of ``fdbd``. The paper adds alpha times the
    L1 length of the feature; alpha is 0 here, because features have length 1.

    Args:
        feature (Tensor): (N, D), any length.
        class_text (Tensor): w (K, D).
        train_feature (Tensor): (M, D), any length.

    Returns:
        Tensor: (N,).
    """
    best = (F.normalize(feature, dim=1) @ class_text.T).argmax(1)
    direction = F.normalize(_from_the_mean(feature, train_feature), dim=1)
    return (direction * class_text[best]).sum(1)
