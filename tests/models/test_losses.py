"""Corners of the losses; their equations are in test_hesp_equations.py."""
import numpy as np
import pytest
import torch

from hesp_mmaction.models.heads.prototype_head import point_logits
from hesp_mmaction.models.losses import (
    arpl_margin,
    diversity,
    opposite_texts,
    supervised_contrastive,
)


def test_distance_to_itself_has_a_finite_gradient():
    f = torch.ones(1, 3, requires_grad=True)
    point_logits(f, torch.ones(1, 3), 'euclidean').sum().backward()
    assert torch.isfinite(f.grad).all()


@pytest.mark.parametrize('labels', [[0], [0, 1, 2]])
def test_no_positive_gives_zero_and_a_zero_gradient(labels):
    f = torch.randn(len(labels), 5, requires_grad=True)
    loss = supervised_contrastive(f, torch.tensor(labels))
    loss.backward()
    assert float(loss.detach()) == 0 and not f.grad.any()


def test_arpl_margin():
    rng = np.random.default_rng(0)
    f, c, y = rng.normal(size=(6, 5)), rng.normal(size=(3, 5)), np.array([0, 1, 2, 0, 1, 0])
    squares = ((f - c[y]) ** 2).mean(1)
    for radius in (0.0, 2.0):
        found = arpl_margin(*map(torch.tensor, (f, c, y, radius)))
        np.testing.assert_allclose(found.numpy(), np.maximum(squares - radius + 1, 0), rtol=1e-10)


@pytest.mark.parametrize('classes', [2, 4])
def test_opposite_texts(classes):
    """Cross-entropy against a target of 1 / (K - 1) on the other classes, by loops."""
    rng = np.random.default_rng(0)
    z, y = 3 * rng.normal(size=(6, classes)), rng.integers(0, classes, 6)
    expected = []
    for row, label in zip(z, y, strict=True):
        p = np.exp(row) / np.exp(row).sum()
        target = [0 if k == label else 1 / (classes - 1) for k in range(classes)]
        expected.append(-sum(t * np.log(q) for t, q in zip(target, p, strict=True)))
    found = opposite_texts(torch.tensor(z), torch.tensor(y)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    assert (found > np.log(classes - 1)).all()


def test_opposite_texts_is_least_where_the_own_negative_text_does_not_match():
    z = torch.zeros(1, 4, dtype=torch.float64)
    z[0, 2] = -40
    assert float(opposite_texts(z, torch.tensor([2]))) == pytest.approx(np.log(3), abs=1e-12)
    assert float(opposite_texts(-z, torch.tensor([2]))) > 39
    extreme = torch.tensor([[1e4, -1e4, 0]], requires_grad=True)
    loss = opposite_texts(extreme, torch.tensor([0]))
    loss.sum().backward()
    assert torch.isfinite(loss).all() and torch.isfinite(extreme.grad).all()


def test_diversity():
    rng = np.random.default_rng(0)
    c = rng.normal(size=(4, 5))
    cosines = [np.dot(c[i], c[j]) / np.linalg.norm(c[i]) / np.linalg.norm(c[j])
               for i in range(4) for j in range(4) if i != j]
    found = float(diversity(torch.tensor(c)))
    assert found == pytest.approx(np.mean(np.square(cosines)), rel=1e-10)
    assert float(diversity(torch.eye(3))) == 0
    assert float(diversity(torch.tensor([[1.0, 2], [-3, -6]]))) == pytest.approx(1)


def test_diversity_pushes_points_apart_whatever_their_length():
    torch.manual_seed(0)
    points = (1 + 0.1 * torch.randn(3, 4)).requires_grad_()
    optimizer = torch.optim.SGD([points], lr=1.0)
    first = diversity(points).item()
    assert first == pytest.approx(diversity(9 * points).item()) and first > 0.9
    for _ in range(100):
        loss = diversity(points)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert diversity(points).item() < 0.01
