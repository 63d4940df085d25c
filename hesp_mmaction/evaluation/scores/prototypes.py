"""Class means of the training features, and the score that adds them to the texts."""
import torch
import torch.nn.functional as F

from ...errors import InputError
from .registry import register_score


def class_means(train_feature, train_label, num_classes):
    """The direction of the mean training feature of every class.

    Args:
        train_feature (Tensor): (M, D), any length; each counts with length 1.
        train_label (Tensor): (M,), from 0 to K - 1.
        num_classes (int): K.

    Returns:
        Tensor: (K, D), of length 1.

    Raises:
        InputError: a class has no training sample.
    """
    unit = F.normalize(train_feature, dim=1)
    empty = [k for k in range(num_classes) if not (train_label == k).any()]
    if empty:
        raise InputError(f'the training features hold no sample of the known class number '
                         f'{empty[0]}')
    return F.normalize(torch.stack([unit[train_label == k].mean(0) for k in range(num_classes)]),
                       dim=1)


@register_score
def prototypes(feature, class_text, train_feature, train_label):
    """max_k (f.t_k + f.m_k): the text of a class and the mean of its training features together.

    A few-shot form of CLIP's own classifier, without a published temperature or weight.

    Args:
        feature (Tensor): (N, D), any length; f has length 1.
        class_text (Tensor): t (K, D).
        train_feature (Tensor): (M, D), any length.
        train_label (Tensor): (M,), from 0 to K - 1.

    Returns:
        Tensor: (N,).

    Raises:
        InputError: a class has no training sample.
    """
    vectors = class_text + class_means(train_feature, train_label, len(class_text))
    return (F.normalize(feature, dim=1) @ vectors.T).max(1).values
