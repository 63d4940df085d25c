"""Negatives that differ from each other."""
import torch.nn.functional as F


def diversity(points):
    """Mean squared cosine between different points: 0 where all are at right angles, at most 1.

    A switch of ours, not in the HESP paper: with it and without the alignment to the negative texts
    the negatives carry no names.

    Args:
        points (Tensor): c (K, D), K at least 2. Normalised here.

    Returns:
        Tensor: scalar.
    """
    points = F.normalize(points, dim=-1)
    squares = (points @ points.T).square()
    count = len(points)
    return (squares.sum() - squares.diagonal().sum()) / (count * (count - 1))
