"""Accuracy of all, old and new clips, against every possible matching."""
from itertools import permutations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from hesp_mmaction.discovery import discovery_figures

NAMES = ['anger', 'fear', 'happiness', 'neutral', 'sadness']


def by_hand(groups, truth, known):
    """All, Old and New of the matching that is right most often, by trying all of them."""
    numbers, names = sorted(set(groups)), sorted(set(truth))
    places = names + [None] * max(0, len(numbers) - len(names))
    best = max((np.array([dict(zip(numbers, order, strict=True))[g] == t
                          for g, t in zip(groups, truth, strict=True)])
                for order in permutations(places, len(numbers))), key=lambda right: right.sum())
    old = np.array([name in known for name in truth])
    return [100 * best.mean(), 100 * best[old].mean(), 100 * best[~old].mean()]


@pytest.mark.parametrize('num_groups', [2, 4, 6])
@pytest.mark.parametrize('seed', range(4))
def test_one_matching_is_the_best_of_all(num_groups, seed):
    # Sizes are powers of two, so that one matching is better than all others.
    rng = np.random.default_rng(seed)
    pairs = [(g, t) for g in range(num_groups) for t in NAMES[:4]]
    rng.shuffle(pairs)
    rows = [pair for i, pair in enumerate(pairs[:9]) for _ in range(2 ** i)]
    groups, truth = [int(g) for g, _ in rows], [str(t) for _, t in rows]
    known = NAMES[:2] if set(truth) & set(NAMES[:2]) else NAMES[2:]
    found = discovery_figures(groups, truth, known)
    np.testing.assert_allclose([found[key] for key in ('All', 'Old', 'New')],
                               by_hand(groups, truth, known))
    assert found['ARI'] == pytest.approx(100 * adjusted_rand_score(truth, groups))


def test_old_and_new_share_one_matching():
    # Group 0 holds four old and three new clips, group 1 one old clip. Matchings of their own
    # would call the new clips of group 0 right as well.
    groups, truth = [0] * 7 + [1], ['anger'] * 4 + ['fear'] * 3 + ['anger']
    found = discovery_figures(groups, truth, ['anger'])
    assert found['Old'] == pytest.approx(80) and found['New'] == 0
    assert found['All'] == pytest.approx(50)


def test_names_of_groups_and_order_of_clips_mean_nothing():
    rng = np.random.default_rng(0)
    groups, truth = rng.integers(0, 4, 50), rng.choice(NAMES, 50)
    before, order = discovery_figures(groups, truth, NAMES[:2]), rng.permutation(50)
    after = discovery_figures(np.array([7, 3, 11, 0])[groups][order], truth[order], NAMES[:2])
    assert after == pytest.approx(before)


def test_a_kind_of_clips_that_is_not_there_has_no_figure():
    assert discovery_figures([0, 1], ['anger', 'fear'], ['anger', 'fear'])['New'] is None
