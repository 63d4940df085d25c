"""Small clouds of points, whose groups are known."""
import numpy as np


def clouds(seed=0, k=4, known=2, each=12, width=16, spread=0.05):
    """k clouds of directions; half of the points of the known ones have labels.

    Returns:
        tuple: labelled (L, D), labels (L,), unlabelled (N, D) and their true groups (N,).
    """
    rng = np.random.default_rng(seed)
    centres = np.linalg.qr(rng.normal(size=(width, width)))[0][:k]
    truth = np.repeat(np.arange(k), each)
    points = centres[truth] + spread * rng.normal(size=(k * each, width))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    labelled = (truth < known) & (np.arange(k * each) % 2 == 0)
    return points[labelled], truth[labelled], points[~labelled], truth[~labelled]


def same_partition(groups, truth):
    """Whether two groupings (N,) differ in the numbers of their groups only."""
    pairs = set(zip(groups, truth, strict=True))
    return len(pairs) == len(set(groups)) == len(set(truth))
