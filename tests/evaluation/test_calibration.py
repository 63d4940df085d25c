"""The temperature against a grid, an independent cross-entropy, and data of a known temperature."""
import numpy as np
import pytest
import torch

from hesp_mmaction.evaluation import fit_temperature
from hesp_mmaction.evaluation.calibration import smooth_nll


def samples(n, classes, scale, seed=0):
    """Logits and labels drawn from softmax(logits / scale)."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, classes)) * scale * 2
    p = np.exp(logits / scale)
    p /= p.sum(1, keepdims=True)
    return logits, np.array([rng.choice(classes, p=row) for row in p])


def test_nll_is_the_cross_entropy_with_platts_targets():
    logits, labels = samples(40, 3, 1.0)
    targets = np.full((40, 3), 1 / 43)
    targets[np.arange(40), labels] = 41 / 43
    expected = torch.nn.functional.cross_entropy(torch.tensor(logits / 1.7), torch.tensor(targets))
    assert smooth_nll(logits, labels, 1.7) == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize('n, classes, scale', [(50, 2, 1.0), (200, 7, 12.0), (30, 4, 0.05)])
def test_the_temperature_is_the_best_of_a_grid(n, classes, scale):
    logits, labels = samples(n, classes, scale)
    grid = np.geomspace(1e-3, 1e3, 20001)
    values = [smooth_nll(logits, labels, t) for t in grid]
    best = grid[np.argmin(values)]
    found = fit_temperature(logits, labels)
    assert found == pytest.approx(best, rel=1e-3)
    assert smooth_nll(logits, labels, found) <= min(values) + 1e-12


@pytest.mark.parametrize('scale', [0.2, 1.0, 5.0])
def test_it_finds_the_temperature_that_labels_were_drawn_with(scale):
    logits, labels = samples(20000, 4, scale)
    assert fit_temperature(logits, labels) == pytest.approx(scale, rel=0.05)


def test_it_scales_with_the_logits():
    logits, labels = samples(100, 3, 1.0)
    one = fit_temperature(logits, labels)
    assert fit_temperature(10 * logits, labels) == pytest.approx(10 * one, rel=1e-4)
    assert fit_temperature(logits + 5, labels) == pytest.approx(one, rel=1e-4)  # softmax ignores it


def test_samples_that_are_all_right_do_not_make_it_sure_of_everything():
    logits, labels = np.eye(3)[[0, 1, 2] * 10] * 2, np.array([0, 1, 2] * 10)
    p = np.exp(2 / fit_temperature(logits, labels))
    assert p / (p + 2) == pytest.approx(31 / 33, rel=1e-4)  # Platt's target


@pytest.mark.parametrize('wrong', [-np.inf, np.inf, np.nan])
def test_samples_that_are_not_finite_take_no_part(wrong):
    rng = np.random.default_rng(5)
    logits, labels = rng.normal(size=(50, 3)), rng.integers(0, 3, 50)
    spoilt = np.r_[logits, [[wrong, 0, 1]]]
    assert fit_temperature(spoilt, np.r_[labels, 1]) == fit_temperature(logits, labels)
    assert fit_temperature(spoilt[-1:], [1]) == 1
