import numpy as np
import pytest

from hesp_mmaction.evaluation import auroc, fit_threshold, openness, oscr, oscr_curve, roc_curve


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
    lambda k, u: oscr_curve(k, np.ones(np.shape(k)), u)])
@pytest.mark.parametrize('known, unknown, message', [
    ([], [1.], 'known scores must be a non-empty'), ([1.], [], 'unknown scores must be'),
    ([[1.]], [1.], '1-D'), ([1., np.nan], [1.], 'known scores hold 1 NaN'),
    ([1.], [np.inf], 'unknown scores hold 1 NaN or infinite')])
def test_bad_scores(metric, known, unknown, message):
    with pytest.raises(ValueError, match=message):
        metric(known, unknown)


def test_length_mismatch():
    with pytest.raises(ValueError, match='correct has shape'):
        oscr([1., 2.], [True], [0.])


def test_openness():
    assert openness(7, 9) == pytest.approx(0.34, abs=0.005)  # the paper's O(7:9)
    assert openness(7, 5) == pytest.approx(0.24, abs=0.005)
    assert openness(3, 0) == 0
    for counts in ((0, 3), (3, -1)):
        with pytest.raises(ValueError, match='openness needs'):
            openness(*counts)


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
