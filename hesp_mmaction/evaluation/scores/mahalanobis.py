"""Mahalanobis scores (Lee et al., NeurIPS 2018; relative: Ren et al., 2021).

Differs from the papers in the covariance, which is shrunk (Ledoit and Wolf): with fewer training
clips than feature dimensions the empirical one has no inverse, and a pseudo-inverse would not see
the directions in which an unknown clip leaves the training clips.
"""
import torch
from sklearn.covariance import LedoitWolf

from .registry import register_score


def _precision(train_centred):
    """Inverse (D, D) of the shrunk covariance of centred training features (M, D)."""
    fitted = LedoitWolf(assume_centered=True).fit(train_centred.numpy(force=True))
    return torch.as_tensor(fitted.precision_).to(train_centred)


def _squared_distance(feature, mean, precision):
    """Returns (f - m)' S^-1 (f - m), shape (N,), with the precision S^-1."""
    centred = feature - mean
    return ((centred @ precision) * centred).sum(1)


def _within(feature, train_feature, train_label):
    """Smallest squared distance (N,) to a class mean, with the covariance within the classes."""
    means = {int(k): train_feature[train_label == k].mean(0) for k in train_label.unique()}
    precision = _precision(train_feature - torch.stack([means[int(k)] for k in train_label]))
    return torch.stack([_squared_distance(feature, mean, precision)
                        for mean in means.values()]).min(0).values


@register_score
def mahalanobis(feature, train_feature, train_label):
    """Minus the squared distance to the nearest class mean, in units of the covariance that the
    classes share.

    Args:
        feature (Tensor): (N, D).
        train_feature (Tensor): (M, D).
        train_label (Tensor): (M,), from 0 to K - 1.

    Returns:
        Tensor: (N,).
    """
    return -_within(feature, train_feature, train_label)


@register_score
def relative_mahalanobis(feature, train_feature, train_label):
    """``mahalanobis`` plus the squared distance to the mean of all, in units of the covariance of
    all. What is unusual in any class does not count.

    Args:
        feature (Tensor): (N, D).
        train_feature (Tensor): (M, D).
        train_label (Tensor): (M,), from 0 to K - 1.

    Returns:
        Tensor: (N,).
    """
    mean = train_feature.mean(0)
    return (_squared_distance(feature, mean, _precision(train_feature - mean))
            - _within(feature, train_feature, train_label))
