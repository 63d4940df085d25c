"""Official values by hand; tools/dev/check_metric_cases.py compares with the released code."""
import numpy as np
import pytest

from hesp_mmaction.evaluation import (
    auroc,
    detection_accuracy,
    official_auroc,
    official_detection,
    official_oscr,
    oscr,
)


def test_without_ties_by_hand():
    known, unknown = np.array([4., 3, 1]), np.array([2., 0])
    found = official_detection(known, unknown)
    # left as one after the other is rejected, from all: known 3 3 2 2 1 0, unknown 2 1 1 0 0 0
    assert found['AUROC'] == pytest.approx(5 / 6) == auroc(known, unknown)
    assert found['TNR'] == 0  # of the cuts with the TPR nearest to 95 %, the first: all accepted
    assert found['DTACC'] == pytest.approx((2 / 3 + 1) / 2) == detection_accuracy(known, unknown)
    # precision .5 (their start), 3/5, 3/4, 2/3, 1, 1, 0 over recall 1, 1, 1, 2/3, 2/3, 1/3, 0
    assert found['AUIN'] == pytest.approx((3 / 4 + 2 / 3) / 6 + (1 + 1) / 6 + (1 + 0) / 6)
    # of the rejected, unknown: 0 (their start), 1, 1/2, 2/3, 2/4, 2/5, .5 over
    # recall 0, 1/2, 1/2, 1, 1, 1, 1
    assert found['AUOUT'] == pytest.approx((0 + 1) / 4 + (1 / 2 + 2 / 3) / 4)


def test_a_tie_is_a_loss():
    assert official_auroc([1., 2.], [1.]) == 0.5 and auroc([1., 2.], [1.]) == 0.75
    same = official_detection(np.zeros(5), np.zeros(3))
    assert same['AUROC'] == 0 and same['DTACC'] == 0.5 and same['TNR'] == 0


def test_oscr_by_hand():
    known, correct, unknown = np.array([4., 3, 1]), np.array([True, False, True]), np.array([2., 0])
    # sorted: u0 k1 u2 k3 k4; known right after each and unknown from each on:
    # (2/3, 1), (1/3, 1/2), (1/3, 1/2), (1/3, 0), and their own points (1, 1) and (0, 0)
    assert official_oscr(known, correct, unknown) == pytest.approx(
        (2 / 3 + 1 / 3) / 4 + (1 / 3 + 1 / 3) / 4)
    assert oscr(known, correct, unknown) == pytest.approx((2 + 1) / 6)


def loop_oscr(known, correct, unknown):
    """As released: a loop over sorted scores, then trapezoids over sorted points."""
    order = np.concatenate([known, unknown]).argsort()
    right = np.concatenate([correct, np.zeros(len(unknown))])[order]
    novel = np.concatenate([np.zeros(len(known)), np.ones(len(unknown))])[order]
    points = [(1., 1.), (0., 0.)]
    for i in range(len(order) - 1):
        points.append((novel[i:].sum() / len(unknown), right[i + 1:].sum() / len(known)))
    points.sort(reverse=True)
    return sum((a[0] - b[0]) * (a[1] + b[1]) / 2
               for a, b in zip(points, points[1:], strict=False))


@pytest.mark.parametrize('seed', range(100))
def test_random_sets(seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 60, 2)
    known, unknown = (np.round(rng.normal(size=n), 1 + seed % 3).astype(np.float32) for n in sizes)
    correct = rng.random(sizes[0]) < 0.6
    assert official_oscr(known, correct, unknown) == pytest.approx(
        loop_oscr(known, correct, unknown), abs=1e-12)
    assert official_auroc(known, unknown) == pytest.approx(
        (known[:, None] > unknown).mean(), abs=1e-12)
    untied = rng.normal(size=sizes[0])
    assert official_oscr(untied, correct, unknown) <= oscr(untied, correct, unknown) + 1e-12
    assert oscr(untied, correct, unknown) - official_oscr(untied, correct, unknown) <= (
        1 / sizes[0] + 1e-12)


@pytest.mark.parametrize('metric', [
    official_detection, lambda k, u: official_oscr(k, np.ones(len(k)), u)])
@pytest.mark.parametrize('known, unknown', [([], [1.]), ([1.], []), ([np.nan], [1.])])
def test_bad_scores(metric, known, unknown):
    with pytest.raises(ValueError, match='known scores'):
        metric(known, unknown)
