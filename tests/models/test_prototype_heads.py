"""GCPL and the base it shares with ARPL (which has a file of its own)."""
import numpy as np
import pytest
import torch
from leaves import KNOWN, build, same_after_loading, step

from hesp_mmaction.models.heads import ARPLHead, GCPLHead, PrototypeHead
from hesp_mmaction.models.heads.prototype_head import point_logits


def test_near_is_minus_the_squared_distance():
    rng = np.random.default_rng(0)
    f, p = rng.normal(size=(4, 5)), rng.normal(size=(3, 5))
    expected = [[-((a - b) ** 2).sum() for b in p] for a in f]
    found = point_logits(torch.tensor(f), torch.tensor(p), 'near')
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


def test_gcpl_equals_numpy_whatever_the_scale_of_the_features():
    rng = np.random.default_rng(0)
    f, y = rng.normal(1, 3, size=(4, 5)), np.array([0, 2, 1, 0])
    head = GCPLHead(KNOWN, 5).double()
    outputs = head(torch.tensor(f))
    p = head.points.detach().numpy()
    unit = (f - f.mean(1, keepdims=True)) / np.sqrt(f.var(1, keepdims=True) + 1e-5)
    z = np.array([[-((a - b) ** 2).sum() for b in p] for a in unit])
    np.testing.assert_allclose(outputs['logits'].detach().numpy(), z, rtol=1e-9)
    np.testing.assert_allclose(head.score(outputs).detach().numpy(), z.max(1), rtol=1e-9)
    losses = head.losses(outputs, torch.tensor(y))
    entropy = np.mean([np.log(np.exp(row).sum()) - row[k] for row, k in zip(z, y, strict=True)])
    pull = np.mean([-row[k] for row, k in zip(z, y, strict=True)])
    assert float(losses['loss_known'].detach()) == pytest.approx(entropy, rel=1e-9)
    assert float(losses['loss_prototype'].detach()) == pytest.approx(0.001 * pull, rel=1e-9)
    torch.testing.assert_close(head(torch.tensor(50 * f))['logits'], outputs['logits'],
                               rtol=1e-4, atol=1e-5)


def test_far_from_every_prototype_is_less_known():
    head = GCPLHead(KNOWN, 6)
    with torch.no_grad():
        near = torch.nn.functional.layer_norm(torch.randn(3, 6), (6,))
        head.points.copy_(near)
        scores = head.score(head(torch.cat([near, -near])))
    assert scores[:3].min() > scores[3:].max()


def test_the_base_leaves_only_the_losses_open():
    assert PrototypeHead.__abstractmethods__ == {'losses'}
    assert issubclass(ARPLHead, PrototypeHead)


def test_the_leaf(clips):
    model, _ = build('gcpl_afew_o34.py', clips['vit'], image_size=32)
    _, trained = step(model, 32)
    assert trained == {'cls_head.points'}
    same_after_loading(model, 'gcpl_afew_o34.py', 32, clips['vit'], image_size=32)
