"""Semi-supervised k-means: labelled clips stay in the group of their category."""
import numpy as np

from .grouping import Grouping, check, distances, nearest

STARTS = 20
ROUNDS = 200


def semi_kmeans(labelled: np.ndarray, labels: np.ndarray, unlabelled: np.ndarray, k: int,
                seed: int = 0) -> Grouping:
    """k-means in which labelled clips never change their group, the best of 20 starts.

    Group c of the K known categories begins at the mean of its labelled clips. The other k - K
    centres begin at unlabelled clips, drawn one after the other with a probability that grows with
    the squared distance to the nearest centre (k-means++). Then clips go to the nearest centre,
    labelled ones to that of their label, and every centre becomes the mean of its clips, until
    nothing changes. The start with the smallest sum of squared distances counts. A group that has
    lost all clips keeps its centre.

    Source: Vaze et al., Generalized Category Discovery, CVPR 2022, section 3.2.

    Args:
        labelled (np.ndarray): features (L, D) of the labelled clips.
        labels (np.ndarray): known category of each (L,), in 0 .. K - 1.
        unlabelled (np.ndarray): features (N, D) of the unlabelled clips.
        k (int): number of categories, known ones included.
        seed (int): of the starts. Defaults to 0.

    Returns:
        Grouping: groups 0 .. K - 1 are the known categories; a new clip goes to the nearest centre.

    Raises:
        InputError: see ``grouping.check``.
    """
    labelled, labels, unlabelled = check(labelled, labels, unlabelled, k)
    centres = centres_of(labelled, labels, unlabelled, k, seed)
    return Grouping(nearest(unlabelled, centres), lambda features: nearest(features, centres))


def centres_of(labelled: np.ndarray, labels: np.ndarray, unlabelled: np.ndarray, k: int,
               seed: int) -> np.ndarray:
    """The centres of ``semi_kmeans``.

    Args:
        labelled (np.ndarray): features (L, D), checked.
        labels (np.ndarray): category of each (L,), checked.
        unlabelled (np.ndarray): features (N, D), checked.
        k (int): number of categories, known ones included.
        seed (int): of the starts.

    Returns:
        np.ndarray: (k, D).
    """
    rng = np.random.default_rng(seed)
    starts = [_one_start(labelled, labels, unlabelled, k, rng) for _ in range(STARTS)]
    return min(starts, key=lambda centres: inertia(labelled, labels, unlabelled, centres))


def inertia(labelled: np.ndarray, labels: np.ndarray, unlabelled: np.ndarray,
            centres: np.ndarray) -> float:
    """The sum that ``semi_kmeans`` makes small.

    Args:
        labelled (np.ndarray): features (L, D).
        labels (np.ndarray): category of each (L,).
        unlabelled (np.ndarray): features (N, D).
        centres (np.ndarray): (k, D).

    Returns:
        float: squared distances of labelled clips to the centre of their category, and of
        unlabelled clips to the nearest centre.
    """
    return float(np.square(labelled - centres[labels]).sum()
                 + distances(unlabelled, centres).min(1).sum())


def _one_start(labelled: np.ndarray, labels: np.ndarray, unlabelled: np.ndarray, k: int,
               rng: np.random.Generator) -> np.ndarray:
    """The centres (k, D) that one start ends at."""
    features = np.concatenate([labelled, unlabelled])
    centres = np.stack([labelled[labels == c].mean(0) for c in range(labels.max() + 1)])
    while len(centres) < k:
        away = distances(unlabelled, centres).min(1)
        share = away / away.sum() if away.sum() else None
        centres = np.vstack([centres, unlabelled[rng.choice(len(unlabelled), p=share)]])
    before = np.empty(0)
    for _ in range(ROUNDS):
        groups = np.concatenate([labels, nearest(unlabelled, centres)])
        if np.array_equal(before, groups):
            break
        before = groups
        centres = np.stack([features[groups == c].mean(0) if (groups == c).any() else centres[c]
                            for c in range(k)])
    return centres
