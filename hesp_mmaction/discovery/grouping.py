"""What every discovery method takes and returns, and the checks of it."""
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..errors import InputError


class Grouping(NamedTuple):
    """What a method found.

    Attributes:
        groups (np.ndarray): group of every unlabelled clip (N,), in 0 .. k - 1.
        assign (Callable): features (M, D) of other clips to their groups (M,); of
            ``text_simgcd`` features (M, D) and texts (M, E). Nothing is fitted again.
    """
    groups: np.ndarray
    assign: Callable[..., np.ndarray]


def check(labelled: np.ndarray, labels: np.ndarray, unlabelled: np.ndarray,
          k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Check the arguments of a method.

    Args:
        labelled (np.ndarray): features (L, D) of the labelled clips.
        labels (np.ndarray): known category of each (L,), in 0 .. K - 1, all of which occur.
        unlabelled (np.ndarray): features (N, D) of the unlabelled clips.
        k (int): number of categories, known ones included.

    Returns:
        tuple[np.ndarray, np.ndarray, np.ndarray]: ``labelled`` and ``unlabelled`` in float64,
        ``labels`` as integers, in the order of the arguments.

    Raises:
        InputError: fewer unlabelled clips than categories, fewer categories than are known, a
            known category without a labelled clip, widths that differ, or values that are not
            finite.
    """
    labelled, unlabelled = (np.asarray(x, dtype=np.float64) for x in (labelled, unlabelled))
    labels = np.asarray(labels, dtype=int)
    known = len(np.unique(labels))
    if labelled.shape[1] != unlabelled.shape[1]:
        raise InputError(f'labelled features are {labelled.shape[1]} wide and unlabelled ones '
                         f'{unlabelled.shape[1]}: take both from one model')
    if not (np.isfinite(labelled).all() and np.isfinite(unlabelled).all()):
        raise InputError('some features are NaN or infinite: check the run that made them')
    if not known or set(labels) != set(range(known)):
        raise InputError('every known category needs a labelled clip: labels must be 0 to K - 1 '
                         'without gaps')
    if k < known:
        raise InputError(f'{k} categories are fewer than the {known} known ones: give a larger '
                         'number')
    if len(unlabelled) < k:
        raise InputError(f'{len(unlabelled)} unlabelled clips are fewer than {k} categories: add '
                         'clips or give a smaller number')
    return labelled, labels, unlabelled


def nearest(features: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """The nearest centre of every row.

    Args:
        features (np.ndarray): (N, D).
        centres (np.ndarray): (k, D).

    Returns:
        np.ndarray: number of the centre (N,), the smaller one of two equally near.
    """
    return distances(features, centres).argmin(1)


def distances(features: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances.

    Args:
        features (np.ndarray): (N, D).
        centres (np.ndarray): (k, D).

    Returns:
        np.ndarray: (N, k).
    """
    return np.square(features[:, None] - centres).sum(2)
