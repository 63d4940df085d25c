"""Negatives that differ from each other."""
import torch.nn.functional as F


def diversity(points):
    """Mean squared cosine between different points.

    It is not in the HESP paper. With it and without the alignment to the negative texts, the
    negatives carry no names.

    Args:
        points (Tensor): c (K, D), K at least 2. Normalised here.

    Returns:
        Tensor: scalar, 0 where all points are at right angles, at most 1.
    """
    points = F.normalize(points, dim=-1)
    squares = (points @ points.T).square()
    count = len(points)
    return (squares.sum() - squares.diagonal().sum()) / (count * (count - 1))
