"""The number of categories, against every k tried by hand."""
from itertools import permutations

import numpy as np
from made_up import clouds
from sklearn.cluster import KMeans

from hesp_mmaction.discovery import estimate_count


def fit(groups, labels):
    """Accuracy of the best one-to-one matching, by trying all of them."""
    names = sorted(set(groups))
    places = [*sorted(set(labels)), *[-1] * len(names)]
    return max(np.mean([dict(zip(names, order, strict=True))[g] == y
                        for g, y in zip(groups, labels, strict=True)])
               for order in permutations(places, len(names)))


def test_the_estimate_is_the_first_best_of_all_numbers():
    labelled, labels, unlabelled, _ = clouds(k=3, known=2, each=10, spread=0.5, seed=4)
    points = np.concatenate([labelled, unlabelled])
    fits = []
    for k in range(2, 6):
        centres = KMeans(k, n_init=20, random_state=0).fit(points).cluster_centers_
        groups = ((labelled[:, None] - centres) ** 2).sum(2).argmin(1)
        fits.append(fit(groups.tolist(), labels.tolist()))
    assert len(set(fits)) > 1  # the labels say something
    assert estimate_count(labelled, labels, unlabelled, most=5) == 2 + fits.index(max(fits))


def test_clouds_whose_labels_part_only_where_all_are_there_are_counted():
    # Two known clouds lie near each other, two unknown ones far away: fewer than four groups join
    # the known ones, more part them.
    rng = np.random.default_rng(0)
    centres = np.array([[0, 0], [1, 0], [9, 9], [-9, 9.0]])
    points = centres[:, None] + 0.05 * rng.normal(size=(4, 30, 2))
    labelled, labels = np.concatenate(points[:2, :15]), np.repeat([0, 1], 15)
    unlabelled = np.concatenate([*points[:2, 15:], *points[2:]])
    assert estimate_count(labelled, labels, unlabelled, most=10) == 4


def test_no_more_categories_than_clips_are_tried():
    labelled, labels, unlabelled, _ = clouds(each=4)
    assert estimate_count(labelled, labels, unlabelled[:3], most=20) <= 3
