"""Semi-supervised k-means, against all assignments of the unlabelled clips."""
from itertools import product

import numpy as np
import pytest
from made_up import clouds, same_partition

from hesp_mmaction.discovery import semi_kmeans
from hesp_mmaction.discovery.semi_kmeans import centres_of, inertia


def test_labelled_clips_stay_and_the_rest_is_the_best_assignment():
    rng = np.random.default_rng(2)
    labelled, unlabelled = rng.normal(size=(4, 2)), rng.normal(size=(6, 2))
    labels = np.array([0, 0, 1, 1])  # of random points: k-means alone would part them otherwise

    def cost(groups):
        everything = np.concatenate([labels, groups])
        points = np.concatenate([labelled, unlabelled])
        return sum(((points[everything == g] - points[everything == g].mean(0)) ** 2).sum()
                   for g in set(everything))
    best = min(product(range(3), repeat=6), key=lambda groups: cost(np.array(groups)))
    found = semi_kmeans(labelled, labels, unlabelled, 3)
    np.testing.assert_array_equal(found.groups, best)  # numbers too: 0 and 1 are the known ones
    centres = centres_of(labelled, labels, unlabelled, 3, 0)
    assert inertia(labelled, labels, unlabelled, centres) == pytest.approx(cost(np.array(best)))


def test_groups_of_known_categories_have_their_numbers():
    labelled, labels, unlabelled, truth = clouds()
    found = semi_kmeans(labelled, labels, unlabelled, 4)
    assert same_partition(found.groups, truth)
    np.testing.assert_array_equal(found.groups[truth < 2], truth[truth < 2])
    np.testing.assert_array_equal(found.assign(labelled), labels)


def test_a_start_on_equal_clips_ends():
    labelled, unlabelled = np.eye(2), np.tile([[1.0, 0.0]], (5, 1))
    found = semi_kmeans(labelled, np.array([0, 1]), unlabelled, 4)
    np.testing.assert_array_equal(found.groups, 0)  # the first of equally near centres
