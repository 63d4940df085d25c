"""k-means of all clips, which reads no label: the baseline of category discovery."""
import numpy as np
from sklearn.cluster import KMeans

from .grouping import Grouping, check, nearest


def kmeans(labelled: np.ndarray, labels: np.ndarray, unlabelled: np.ndarray, k: int,
           seed: int = 0) -> Grouping:
    """Group labelled and unlabelled clips together, the best of 20 starts.

    Source: the k-means baseline of Vaze et al., Generalized Category Discovery, CVPR 2022.

    Args:
        labelled (np.ndarray): features (L, D) of the labelled clips.
        labels (np.ndarray): known category of each (L,), only checked.
        unlabelled (np.ndarray): features (N, D) of the unlabelled clips.
        k (int): number of categories, known ones included.
        seed (int): of the starts. Defaults to 0.

    Returns:
        Grouping: a new clip goes to the nearest centre.

    Raises:
        InputError: see ``grouping.check``.
    """
    labelled, labels, unlabelled = check(labelled, labels, unlabelled, k)
    centres = centres_of(np.concatenate([labelled, unlabelled]), k, seed)
    return Grouping(nearest(unlabelled, centres), lambda features: nearest(features, centres))


def centres_of(features: np.ndarray, k: int, seed: int) -> np.ndarray:
    """Centres of k-means, the best of 20 starts.

    Args:
        features (np.ndarray): (N, D).
        k (int): number of groups.
        seed (int): of the starts.

    Returns:
        np.ndarray: (k, D).
    """
    return KMeans(k, n_init=20, random_state=seed).fit(features).cluster_centers_
