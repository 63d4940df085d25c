import time

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from hesp_mmaction.evaluation import (
    aupr,
    auroc,
    ccr_at_fpr,
    detection_accuracy,
    fit_threshold,
    fpr_at_tpr,
    oscr,
    oscr_curve,
    roc_curve,
)


def brute_oscr(known, correct, unknown):
    total = 0.
    for score, right in zip(known, correct, strict=True):
        for other in unknown:
            total += right * ((score > other) + 0.5 * (score == other))
    return total / (len(known) * len(unknown))


def brute_auroc(known, unknown):
    return brute_oscr(known, [True] * len(known), unknown)


def case(seed, levels):
    """Random scores; few levels give many ties."""
    rng = np.random.default_rng(seed)
    num_known, num_unknown = rng.integers(1, 60, 2)
    known = rng.normal(0.7, 1, num_known)
    unknown = rng.normal(0, 1, num_unknown)
    if levels:
        known, unknown = np.round(known * levels) / levels, np.round(unknown * levels) / levels
    return known, rng.random(num_known) < 0.6, unknown


CASES = [case(seed, levels) for seed in range(15) for levels in (0, 1, 3)]
CASES += [(np.full(5, 2.), np.array([1, 0, 1, 0, 0], bool), np.full(3, 2.)),
          (np.array([1.]), np.array([True]), np.array([1.]))]


@pytest.mark.parametrize('known, correct, unknown', CASES)
def test_against_brute_force_with_invariants_and_curve_areas(known, correct, unknown):
    area, osc, acc = auroc(known, unknown), oscr(known, correct, unknown), correct.mean()
    assert area == pytest.approx(brute_auroc(known, unknown), abs=1e-12)
    assert osc == pytest.approx(brute_oscr(known, correct, unknown), abs=1e-12)
    assert max(0, acc + area - 1) - 1e-12 <= osc <= min(acc, area) + 1e-12
    fpr, ccr = oscr_curve(known, correct, unknown)
    assert np.trapezoid(ccr, fpr) == pytest.approx(osc, abs=1e-12)
    fpr, tpr = roc_curve(known, unknown)
    assert np.trapezoid(tpr, fpr) == pytest.approx(area, abs=1e-12)
    for x, y, top in ((fpr, ccr, acc), (fpr, tpr, 1)):
        assert x[0] == y[0] == 0 and x[-1] == 1 and y[-1] == pytest.approx(top)
        assert (np.diff(x) >= 0).all() and (np.diff(y) >= 0).all()


@pytest.mark.parametrize('known, correct, unknown', CASES[::3])
def test_only_the_order_matters(known, correct, unknown):
    def stretch(scores):
        return np.exp(3 * scores) + 5
    assert auroc(stretch(known), stretch(unknown)) == auroc(known, unknown)
    assert oscr(stretch(known), correct, stretch(unknown)) == oscr(known, correct, unknown)
    order = np.random.default_rng(0).permutation(len(known))
    assert oscr(known[order], correct[order], unknown[::-1]) == oscr(known, correct, unknown)


def test_special_cases():
    known, correct, unknown = case(3, 0)
    assert auroc(known + 100, unknown) == 1
    assert oscr(known + 100, correct, unknown) == pytest.approx(correct.mean())
    assert auroc(known - 100, unknown) == oscr(known - 100, correct, unknown) == 0
    everything = np.ones_like(correct)
    assert oscr(known, everything, unknown) == pytest.approx(auroc(known, unknown))
    assert oscr(known, ~everything, unknown) == 0
    same = np.zeros_like(known)
    assert auroc(same, np.zeros(9)) == 0.5
    assert oscr(same, correct, np.zeros(9)) == pytest.approx(correct.mean() / 2)
    assert auroc([3., 1.], [2.]) == 0.5 and oscr([3., 1.], [True, False], [2.]) == 0.5


def test_large_logits_keep_their_order():
    known, unknown = np.float32([25.2, 25.4]), np.float32([25.1, 25.3])
    assert auroc(known, unknown) == 0.75


@pytest.mark.parametrize('metric', [
    auroc, roc_curve, lambda k, u: oscr(k, np.ones(np.shape(k)), u),
    lambda k, u: oscr_curve(k, np.ones(np.shape(k)), u), aupr, fpr_at_tpr, detection_accuracy,
    lambda k, u: aupr(k, u, positive='unknown'), lambda k, u: fpr_at_tpr(k, u, positive='unknown'),
    lambda k, u: ccr_at_fpr(k, np.ones(np.shape(k)), u, 0.1)])
@pytest.mark.parametrize('known, unknown, message', [
    ([], [1.], 'known scores must be a non-empty'), ([1.], [], 'unknown scores must be'),
    ([[1.]], [1.], '1-D'), ([1., np.nan], [1.], 'known scores hold 1 NaN'),
    ([1.], [np.inf], 'unknown scores hold 1 NaN or infinite')])
def test_bad_scores(metric, known, unknown, message):
    with pytest.raises(ValueError, match=message):
        metric(known, unknown)


def test_length_mismatch_and_bad_options():
    for metric in (oscr, oscr_curve, lambda k, c, u: ccr_at_fpr(k, c, u, 0.1)):
        with pytest.raises(ValueError, match='correct has shape'):
            metric([1., 2.], [True], [0.])
    for metric in (aupr, fpr_at_tpr):
        with pytest.raises(ValueError, match="not 'both'"):
            metric([1.], [0.], positive='both')
    for fpr in (-0.1, 5):
        with pytest.raises(ValueError, match='fpr must be'):
            ccr_at_fpr([1.], [True], [0.], fpr)
    with pytest.raises(ValueError, match='tpr must be'):
        fpr_at_tpr([1.], [0.], tpr=95)


# --------------------------------------------------------- each definition, by trying every cut
def cuts(known, unknown):
    """Accepted (P, N_k) and (P, N_u) for every way to cut, from none to all."""
    scores = np.unique(np.r_[known, unknown])[::-1]
    cut = np.r_[np.inf, scores][:, None]
    return known >= cut, unknown >= cut


def brute_fpr(positives, negatives, tpr):
    for hits, others in zip(*cuts(positives, negatives), strict=True):
        if hits.mean() >= tpr - 1e-9:
            return others.mean()


def brute_ap(positives, negatives):
    area, recall = 0, 0
    for hits, others in zip(*cuts(positives, negatives), strict=True):
        area += (hits.mean() - recall) * hits.sum() / max(hits.sum() + others.sum(), 1)
        recall = hits.mean()
    return area


@pytest.mark.parametrize('count', [200, pytest.param(1000, marks=pytest.mark.slow)])
def test_all_on_random_sets(count):
    close = dict(abs=1e-12)
    for seed in range(count):
        known, correct, unknown = case(seed, seed % 4)
        wins = (known[:, None] > unknown) + (known[:, None] == unknown) / 2
        assert auroc(known, unknown) == pytest.approx(wins.mean(), **close)
        assert oscr(known, correct, unknown) == pytest.approx(
            (wins * correct[:, None]).mean(), **close)
        target, scores = [1] * len(known) + [0] * len(unknown), np.r_[known, unknown]
        assert auroc(known, unknown) == pytest.approx(roc_auc_score(target, scores), **close)
        assert aupr(known, unknown) == pytest.approx(
            average_precision_score(target, scores), **close)
        assert aupr(known, unknown) == pytest.approx(brute_ap(known, unknown), **close)
        assert aupr(known, unknown, 'unknown') == pytest.approx(
            brute_ap(-unknown, -known), **close)
        for tpr in (0.5, 0.95, 1):
            assert fpr_at_tpr(known, unknown, tpr) == brute_fpr(known, unknown, tpr)
            assert fpr_at_tpr(known, unknown, tpr, 'unknown') == brute_fpr(-unknown, -known, tpr)
        hits, others = cuts(known, unknown)
        assert detection_accuracy(known, unknown) == pytest.approx(
            np.max(hits.mean(1) + 1 - others.mean(1)) / 2, **close)
        for fpr in (0, 0.1, 0.29, 0.5, 1):
            allowed = others.mean(1) <= fpr + 1e-9
            assert ccr_at_fpr(known, correct, unknown, fpr) == pytest.approx(
                np.max((hits & correct)[allowed].mean(1)), **close)


def test_by_hand():
    known, unknown = np.array([5., 4, 2, 2]), np.array([3., 2, 1])
    assert aupr(known, unknown) == pytest.approx(1 / 2 + 1 / 2 * 4 / 6)  # the two of 2 in one step
    assert aupr(known, unknown, 'unknown') == pytest.approx((1 + 2 / 4 + 3 / 5) / 3)
    assert fpr_at_tpr(known, unknown) == pytest.approx(2 / 3)
    assert fpr_at_tpr(known, unknown, positive='unknown') == pytest.approx(2 / 4)
    assert fpr_at_tpr(known, unknown, 0.5) == 0
    assert detection_accuracy(known, unknown) == pytest.approx((0.5 + 1) / 2)
    correct = np.array([True, False, True, True])
    assert [ccr_at_fpr(known, correct, unknown, fpr) for fpr in (0, 0.34, 0.67, 1)] == [
        0.25, 0.25, 0.75, 0.75]


def test_the_two_fprs_differ():
    known, unknown = np.r_[np.full(96, 2.), np.full(4, 0.)], np.r_[np.full(90, 1.), np.full(10, 2.)]
    assert fpr_at_tpr(known, unknown) == pytest.approx(0.10)
    assert fpr_at_tpr(known, unknown, positive='unknown') == 1


def test_constant_scores():
    same, correct = np.zeros(4), np.array([True, False, False, True])
    assert aupr(same, np.zeros(12)) == 0.25 and aupr(same, np.zeros(12), 'unknown') == 0.75
    assert fpr_at_tpr(same, np.zeros(3)) == 1 and detection_accuracy(same, np.zeros(3)) == 0.5
    assert ccr_at_fpr(same, correct, np.zeros(3), 0.5) == 0
    assert ccr_at_fpr(same, correct, np.zeros(3), 1) == 0.5


@pytest.mark.slow
def test_a_million_scores_take_less_than_two_seconds():
    rng = np.random.default_rng(0)
    known, unknown = rng.normal(1, 1, 600_000), rng.normal(0, 1, 400_000)
    correct = rng.random(len(known)) < 0.7
    for metric in (auroc, aupr, fpr_at_tpr, detection_accuracy,
                   lambda k, u: oscr(k, correct, u), lambda k, u: ccr_at_fpr(k, correct, u, 0.1)):
        start = time.process_time()
        metric(known, unknown)
        assert time.process_time() - start < 2


@pytest.mark.parametrize('tpr', [0.01, 0.07, 0.5, 0.95, 0.999, 1])
@pytest.mark.parametrize('size, levels', [(1, 0), (7, 0), (20, 0), (100, 0), (100, 2)])
def test_threshold_is_the_largest_that_keeps_enough(tpr, size, levels):
    scores = np.random.default_rng(size).normal(size=size)
    if levels:
        scores = np.round(scores * levels)
    threshold = fit_threshold(scores, tpr)
    assert np.sum(scores >= threshold) >= tpr * size - 1e-9
    assert np.sum(scores > threshold) < tpr * size - 1e-9


def test_threshold_refuses():
    for tpr in (0, 1.1, 95):
        with pytest.raises(ValueError, match='tpr must be'):
            fit_threshold([1., 2.], tpr)
    with pytest.raises(ValueError, match='non-empty'):
        fit_threshold([])
