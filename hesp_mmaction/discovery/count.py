"""How many categories are there? An estimate from the labelled clips."""
import numpy as np

from ..evaluation.clusters import cluster_accuracy
from .grouping import check, nearest
from .kmeans import centres_of

MOST = 20


def estimate_count(labelled: np.ndarray, labels: np.ndarray, unlabelled: np.ndarray,
                   most: int = MOST, seed: int = 0) -> int:
    """The number of categories whose k-means fits the labels best.

    For every k from the number of known categories up to ``most``, all clips are grouped by
    k-means, and the accuracy of the *labelled* clips is taken under the best one-to-one matching of
    groups and known categories. Too few groups join categories, too many part them; the k with the
    highest accuracy counts, the smallest one of several.

    Source: Vaze et al., Generalized Category Discovery, CVPR 2022, section 3.3. They search with
    Brent's method; here every k is tried, which takes seconds.

    Args:
        labelled (np.ndarray): features (L, D) of the labelled clips.
        labels (np.ndarray): known category of each (L,), in 0 .. K - 1.
        unlabelled (np.ndarray): features (N, D) of the unlabelled clips.
        most (int): the largest number that is tried; never more than N. Defaults to 20.
        seed (int): of k-means. Defaults to 0.

    Returns:
        int: the number of categories, known ones included.

    Raises:
        InputError: see ``grouping.check``.
    """
    known = len(np.unique(labels))
    labelled, labels, unlabelled = check(labelled, labels, unlabelled, known)
    features = np.concatenate([labelled, unlabelled])
    tried = range(known, max(known, min(most, len(unlabelled))) + 1)
    fits = [cluster_accuracy(nearest(labelled, centres_of(features, k, seed)), labels)
            for k in tried]
    return tried[int(np.argmax(fits))]
