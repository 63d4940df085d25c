import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from hesp_mmaction.evaluation import (
    calibration_error,
    decide,
    open_set_f1,
    openness,
    per_class_recall,
    uar,
    war,
)


def test_openness():
    assert openness(7, 9) == pytest.approx(0.34, abs=0.005)  # the paper's O(7:9)
    assert openness(7, 5) == pytest.approx(0.24, abs=0.005)
    assert openness(3, 0) == 0
    for counts in ((0, 3), (3, -1)):
        with pytest.raises(ValueError, match='openness needs'):
            openness(*counts)


def test_recalls_by_hand():
    label, pred = [0, 0, 0, 1, 1, 3], [0, 0, 1, 1, 0, 2]
    assert war(label, pred) == 0.5
    assert uar(label, pred) == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)  # class 2 has no sample
    np.testing.assert_allclose(per_class_recall(label, pred, 5), [2 / 3, 1 / 2, np.nan, 0, np.nan])


@pytest.mark.parametrize('seed', range(50))
def test_recalls_against_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    label = np.r_[np.arange(4), rng.integers(0, 4, rng.integers(0, 40))]
    pred = rng.integers(0, 4, len(label))
    assert uar(label, pred) == pytest.approx(balanced_accuracy_score(label, pred))
    assert uar(label, pred) == pytest.approx(per_class_recall(label, pred, 4).mean())
    assert war(label, pred) == (label == pred).mean()


def brute_ece(confidence, correct, num_bins):
    total = 0
    for b in range(num_bins):
        inside = (confidence > b / num_bins) & (confidence <= (b + 1) / num_bins)
        inside |= (confidence == 0) & (b == 0)
        if inside.any():
            total += inside.mean() * abs(correct[inside].mean() - confidence[inside].mean())
    return total


@pytest.mark.parametrize('seed', range(50))
@pytest.mark.parametrize('num_bins', [1, 4, 15])
def test_calibration_error_against_brute_force(seed, num_bins):
    rng = np.random.default_rng(seed)
    confidence = np.r_[0, 1, 0.25, 0.5, rng.random(rng.integers(1, 80))]  # ends of bins of 4
    correct = rng.random(len(confidence)) < confidence
    assert calibration_error(confidence, correct, num_bins) == pytest.approx(
        brute_ece(confidence, correct, num_bins))


def test_calibration_error_by_hand():
    assert calibration_error([0.75] * 4, [1, 1, 1, 0]) == 0
    assert calibration_error([0.9] * 4, [0] * 4) == pytest.approx(0.9)
    assert calibration_error([0.9, 0.6], [1, 0]) == pytest.approx((0.1 + 0.6) / 2)


def test_decisions_and_f1_by_hand():
    label, pred = np.array([0, 0, 1, -1, -1, -1]), np.array([0, 0, 1, 0, 1, 1])
    score = np.array([3., 1, 2, 2, 1, 0])
    assert decide(pred, score, 2).tolist() == [0, -1, 1, 0, -1, -1]  # at the threshold: known
    f1 = [2 / (2 + 1 + 1), 2 / 2, 2 * 2 / (2 * 2 + 1 + 1)]  # 2 TP / (2 TP + FP + FN)
    assert open_set_f1(label, pred, score, 2) == pytest.approx(np.mean(f1))
    assert open_set_f1(label, pred, score, 9) == pytest.approx(2 * 3 / (2 * 3 + 3) / 3)
    everything = [2 * 2 / (2 * 2 + 1), 2 / (2 + 2), 0]
    assert open_set_f1(label, pred, score, -9) == pytest.approx(np.mean(everything))


@pytest.mark.parametrize('seed', range(50))
def test_f1_against_counts(seed):
    rng = np.random.default_rng(seed)
    label, pred = rng.integers(-1, 3, 40), rng.integers(0, 3, 40)
    score = np.round(rng.normal(size=40), 1)
    said = [p if s >= 0.2 else -1 for p, s in zip(pred, score, strict=True)]
    f1 = []
    for k in {*label, *said}:
        hits = sum(a == b == k for a, b in zip(label, said, strict=True))
        f1.append(2 * hits / (list(label).count(k) + said.count(k)))
    assert open_set_f1(label, pred, score, 0.2) == pytest.approx(np.mean(f1))


@pytest.mark.parametrize('call, message', [
    (lambda: uar([], []), 'non-empty'), (lambda: war([0, 1], [0]), 'one length'),
    (lambda: uar([0.5], [1]), 'labels must be integers'),
    (lambda: per_class_recall([0], [np.nan], 2), 'predictions must be integers'),
    (lambda: calibration_error([], []), 'non-empty'),
    (lambda: calibration_error([0.5], [1, 0]), 'one length'),
    (lambda: calibration_error([1.5], [1]), 'probabilities'),
    (lambda: calibration_error([np.nan], [1]), 'probabilities'),
    (lambda: open_set_f1([0], [0], [np.nan], 0), 'finite'),
    (lambda: open_set_f1([0], [0], [1.], np.nan), 'finite')])
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
