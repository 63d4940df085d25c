import numpy as np
import pytest
import torch

from hesp_mmaction.models.heads.hesp_functional import (
    cosine_logits,
    fused_loss,
    fused_probabilities,
    negative_logits,
)
from hesp_mmaction.models.losses import arpl_margin, clip_alignment, supervised_contrastive

B, K, D = 6, 3, 5


@pytest.fixture
def values():
    rng = np.random.default_rng(0)
    return dict(f=rng.normal(size=(B, D)), t=rng.normal(size=(K, D)), c=rng.normal(size=(K, D)),
                y=np.array([0, 1, 2, 0, 1, 0]))


def tensors(values, *names):
    return [torch.tensor(values[name]) for name in names]


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def close(tensor, expected):
    np.testing.assert_allclose(tensor.detach().numpy(), expected, rtol=1e-10, atol=1e-12)


def test_cosine_logits(values):
    f, t = tensors(values, 'f', 't')
    close(cosine_logits(f, t, 7.0), 7 * unit(values['f']) @ unit(values['t']).T)


def test_negative_logits(values):
    f, c = tensors(values, 'f', 'c')
    distance = np.array([[np.linalg.norm(a - b) for b in values['c']] for a in values['f']])
    close(negative_logits(f, c, 'euclidean'), distance)
    close(negative_logits(f, c, 'arpl'), distance ** 2 / D - values['f'] @ values['c'].T)


def test_distance_to_itself_has_a_finite_gradient():
    f = torch.ones(1, 3, requires_grad=True)
    negative_logits(f, torch.ones(1, 3), 'euclidean').sum().backward()
    assert torch.isfinite(f.grad).all()


def test_fusion(values):
    f, t, c, y = tensors(values, 'f', 't', 'c', 'y')
    z, zn = 5 * f @ t.T, f @ c.T
    p = (softmax(z.numpy()) + softmax(zn.numpy())) / 2
    close(fused_probabilities(z, zn), p)
    rows = np.arange(B)
    close(fused_loss(z, zn, y, 'prob'), -np.log(p[rows, values['y']]).mean())
    mean = softmax((z.numpy() + zn.numpy()) / 2)
    close(fused_loss(z, zn, y, 'logit'), -np.log(mean[rows, values['y']]).mean())
    shifted = fused_probabilities(z, zn + torch.arange(B)[:, None])
    close(shifted, p)  # a constant per sample does not change Eq. 13


def contrastive_by_loops(f, y, temperature):
    f, total, anchors = unit(f), 0.0, 0
    for i in range(len(f)):
        positives = [j for j in range(len(f)) if j != i and y[j] == y[i]]
        if positives:
            others = np.array([f[i] @ f[j] / temperature for j in range(len(f)) if j != i])
            norm = np.log(np.exp(others).sum())
            total += -np.mean([f[i] @ f[j] / temperature - norm for j in positives])
            anchors += 1
    return total / anchors


def test_supervised_contrastive(values):
    f, y = tensors(values, 'f', 'y')
    close(supervised_contrastive(f, y, 0.5), contrastive_by_loops(values['f'], values['y'], 0.5))


@pytest.mark.parametrize('labels', [[0], [0, 1, 2]])
def test_no_positive_gives_zero_and_a_zero_gradient(labels):
    f = torch.randn(len(labels), D, requires_grad=True)
    loss = supervised_contrastive(f, torch.tensor(labels))
    loss.backward()
    assert float(loss) == 0 and not f.grad.any()


def test_clip_alignment(values):
    c, t = tensors(values, 'c', 't')
    logits = 4 * unit(values['c']) @ unit(values['t']).T
    forward = -np.log(np.diag(softmax(logits))).mean()
    backward = -np.log(np.diag(softmax(logits.T))).mean()
    close(clip_alignment(c, t, 4.0), (forward + backward) / 2)
    close(clip_alignment(c, t, 4.0, symmetric=False), forward)


def test_arpl_margin(values):
    f, c, y = tensors(values, 'f', 'c', 'y')
    squares = ((values['f'] - values['c'][values['y']]) ** 2).mean(1)
    for radius in (0.0, 2.0):
        close(arpl_margin(f, c, y, torch.tensor(radius)), np.maximum(squares - radius + 1, 0))
