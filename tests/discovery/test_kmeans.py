"""k-means of all clips."""
from itertools import product

import numpy as np
import pytest
from made_up import clouds, same_partition

from hesp_mmaction.discovery import kmeans
from hesp_mmaction.errors import InputError


def test_the_sum_of_squares_is_the_smallest_of_all_partitions():
    rng = np.random.default_rng(3)
    labelled, unlabelled = rng.normal(size=(3, 2)), rng.normal(size=(5, 2))
    points = np.concatenate([labelled, unlabelled])

    def cost(groups):
        parts = [points[np.array(groups) == g] for g in set(groups)]
        return sum(((part - part.mean(0)) ** 2).sum() for part in parts)
    best = min((groups for groups in product(range(3), repeat=8) if len(set(groups)) == 3),
               key=cost)
    found = kmeans(labelled, np.array([0, 1, 0]), unlabelled, 3)
    assert same_partition(found.groups, np.array(best)[3:])
    assert same_partition(found.assign(points), best)


def test_labels_change_nothing_and_new_clips_go_to_the_nearest_centre():
    labelled, labels, unlabelled, truth = clouds()
    found = kmeans(labelled, labels, unlabelled, 4)
    assert same_partition(found.groups, truth)
    np.testing.assert_array_equal(found.groups,
                                  kmeans(labelled, 1 - labels, unlabelled, 4).groups)
    _, _, others, their_truth = clouds()
    rng = np.random.default_rng(9)
    moved = others + 0.01 * rng.normal(size=others.shape)
    assert same_partition(np.concatenate([found.groups, found.assign(moved)]),
                          np.concatenate([truth, their_truth]))


@pytest.mark.parametrize('change, said', [
    (dict(k=60), '36 unlabelled clips are fewer than 60 categories'),
    (dict(k=1), '1 categories are fewer than the 2 known ones'),
    (dict(labels=np.full(12, 1)), 'every known category needs a labelled clip'),
    (dict(labelled=np.zeros((12, 5))), 'labelled features are 5 wide and unlabelled ones 16'),
    (dict(labelled=np.full((12, 16), np.nan)), 'some features are NaN or infinite')])
def test_what_cannot_be_grouped_is_one_message(change, said):
    labelled, labels, unlabelled, _ = clouds()
    given = dict(labelled=labelled, labels=labels, unlabelled=unlabelled, k=4) | change
    with pytest.raises(InputError) as caught:
        kmeans(**given)
    assert str(caught.value).startswith(said) and '\n' not in str(caught.value)
