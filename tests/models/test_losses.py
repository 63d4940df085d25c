"""Corners of the losses; their equations are in test_hesp_equations.py."""
import numpy as np
import pytest
import torch

from hesp_mmaction.models.heads.prototype_head import point_logits
from hesp_mmaction.models.losses import arpl_margin, supervised_contrastive


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
