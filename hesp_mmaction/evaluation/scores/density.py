"""How usual a feature is among the known training features: one Gaussian per class.

All classes share one covariance. It is shrunk half-way to a ball, further than the estimate of
Ledoit and Wolf: on about a hundred training clips that was better on every kind of faces
(docs/choices.md).
"""
import torch
import torch.nn.functional as F

from .registry import register_score

SHRINKAGE = 0.5
FAR = 1e3  # where the mean of a class without a training clip is put: nothing is near it


def class_gaussians(feature, label, num_classes, shrinkage=SHRINKAGE):
    """Fit a Gaussian per class to unit features: a mean each, and one precision for all.

    Args:
        feature (Tensor): (M, D), any length; each counts with length 1.
        label (Tensor): (M,), from 0 to K - 1.
        num_classes (int): K.
        shrinkage (float): s in the covariance (1 - s) C + s tr(C) / D I, from 0 to 1. C is the
            covariance within the classes, I the identity.

    Returns:
        tuple[Tensor, Tensor]: means (K, D) and precision (D, D), in float64. A class without a
        training feature has a mean so far away that no feature is near it.
    """
    unit, means, scatter, count = _moments(feature, label, num_classes)
    covariance = (1 - shrinkage) * scatter / count
    covariance.diagonal().add_(shrinkage * _ball(scatter) / count)
    return means, torch.linalg.inv(covariance)


def squared_distances(feature, means, precision):
    """Squared Mahalanobis distance of unit features to every class.

    Args:
        feature (Tensor): (N, D), any length; each counts with length 1.
        means (Tensor): (K, D).
        precision (Tensor): (D, D).

    Returns:
        Tensor: (N, K), not negative.
    """
    away = F.normalize(feature, dim=1)[:, None] - means
    return ((away @ precision) * away).sum(2).clamp_min(0)


def held_out_distances(feature, label, num_classes, shrinkage=SHRINKAGE):
    """Squared distance of every training feature to the classes fitted without it.

    This is what ``class_gaussians`` and ``squared_distances`` return if each feature in
    turn is left out of the fit. A feature that took part in the fit looks nearer than a new one of
    its class. In the axes of the scatter, leaving one out is a change of rank one, so that no
    matrix is inverted twice (Sherman and Morrison).

    Args:
        feature (Tensor): (M, D), M at least 2.
        label (Tensor): (M,), from 0 to K - 1.
        num_classes (int): K.
        shrinkage (float): see ``class_gaussians``.

    Returns:
        Tensor: (M, K), in float64. A feature that is alone in its class is far from it.
    """
    unit, means, scatter, count = _moments(feature, label, num_classes)
    sizes = torch.bincount(label, minlength=num_classes).to(unit)[label]
    grow = sizes / (sizes - 1).clamp_min(1)  # of a deviation, when its own mean loses the feature
    values, axes = torch.linalg.eigh(scatter)
    own = (unit - means[label]) @ axes
    ball = (_ball(scatter) - grow * own.square().sum(1) / unit.shape[1]).clamp_min(1e-12)
    diagonal = ((1 - shrinkage) * values.clamp_min(0) + shrinkage * ball[:, None]) / (count - 1)
    taken = (1 - shrinkage) * grow / (count - 1)
    left = 1 - taken * (own.square() / diagonal).sum(1)
    found = []
    for k in range(num_classes):
        away = torch.where((label == k)[:, None], grow[:, None] * own, (unit - means[k]) @ axes)
        cross = (away * own / diagonal).sum(1)
        found.append((away.square() / diagonal).sum(1) + taken * cross.square() / left)
    found = torch.stack(found, 1)
    alone = (sizes == 1)[:, None] & (label[:, None] == torch.arange(num_classes,
                                                                    device=label.device))
    return found.masked_fill(alone, FAR ** 2)


@register_score
def density(feature, train_feature, train_label):
    """Minus the Mahalanobis distance to the nearest class, with a strongly shrunk covariance.

    Args:
        feature (Tensor): (N, D), any length; each counts with length 1.
        train_feature (Tensor): (M, D), likewise.
        train_label (Tensor): (M,), from 0 to K - 1.

    Returns:
        Tensor: (N,).
    """
    fitted = class_gaussians(train_feature, train_label, int(train_label.max()) + 1)
    return -squared_distances(feature.double(), *fitted).min(1).values.sqrt()


def _moments(feature, label, num_classes):
    """Unit features (M, D), class means (K, D), scatter within the classes (D, D), and M."""
    unit = F.normalize(feature.double(), dim=1)
    means = torch.stack([unit[label == k].mean(0) if (label == k).any()
                         else torch.full_like(unit[0], FAR) for k in range(num_classes)])
    centred = unit - means[label]
    return unit, means, centred.T @ centred, len(unit)


def _ball(scatter):
    """Mean variance over the dimensions, times the number of features; never zero."""
    return (scatter.trace() / len(scatter)).clamp_min(1e-12)
