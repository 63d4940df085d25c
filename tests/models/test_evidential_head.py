"""DEAR: evidence, calibration, debiasing."""
import numpy as np
import pytest
import torch
from leaves import KNOWN, build, same_after_loading, samples, step
from mmengine.logging import MessageHub

from hesp_mmaction.models.heads import EvidentialHead
from hesp_mmaction.models.losses import calibration_loss, dirichlet, evidential_loss, uncertainty
from hesp_mmaction.models.necks import DebiasNeck
from hesp_mmaction.models.necks.debias_neck import hsic

B = 6


@pytest.fixture
def evidence():
    rng = np.random.default_rng(0)
    z = rng.normal(0, 2, size=(B, 3))
    z[0, 0], z[1, 1] = 50, -50  # clamped
    return z, np.array([0, 1, 2, 0, 1, 2])


def test_evidence_and_its_loss_equal_numpy(evidence):
    z, y = evidence
    alpha = np.exp(np.clip(z, -10, 10)) + 1
    np.testing.assert_allclose(dirichlet(torch.tensor(z)).numpy(), alpha, rtol=1e-12)
    u = [3 / sum(row) for row in alpha]
    np.testing.assert_allclose(uncertainty(torch.tensor(alpha)).numpy(), u, rtol=1e-12)
    expected = [np.log(sum(row)) - np.log(row[k]) for row, k in zip(alpha, y, strict=True)]
    found = evidential_loss(torch.tensor(alpha), torch.tensor(y)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.parametrize('progress', [0.0, 0.4, 1.0])
def test_calibration_equals_numpy(evidence, progress):
    z, y = evidence
    alpha = np.exp(np.clip(z, -10, 10)) + 1
    weight = 0.01 * np.exp(-np.log(0.01) * progress)  # as the paper writes it
    found = calibration_loss(torch.tensor(alpha), torch.tensor(y), progress).numpy()
    kinds = set()
    for row, k, value in zip(alpha, y, found, strict=True):
        p, u = max(row) / sum(row), 3 / sum(row)
        right = row.argmax() == k
        kinds.add(bool(right))
        expected = -weight * p * np.log(1 - u) if right else -(1 - weight) * (1 - p) * np.log(u)
        assert value == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert kinds == {True, False}


def test_head_scores_certainty_and_anneals_with_the_epoch(evidence):
    head = EvidentialHead(KNOWN, 4).double()
    f = torch.randn(B, 4, dtype=torch.float64)
    outputs = head(f)
    alpha = dirichlet(outputs['logits'])
    torch.testing.assert_close(outputs['probabilities'], alpha / alpha.sum(1, keepdim=True))
    torch.testing.assert_close(head.score(outputs), -3 / alpha.sum(1))
    labels = torch.tensor(evidence[1])
    hub = MessageHub.get_instance('test_dear')
    hub.update_info('epoch', 2)
    hub.update_info('max_epochs', 8)
    found = head.losses(outputs, labels)['loss_calibration']
    torch.testing.assert_close(found, calibration_loss(alpha, labels, 0.25).mean())
    assert found != calibration_loss(alpha, labels, 1.0).mean()
    MessageHub.get_instance('elsewhere')  # the current one again knows no epoch
    found = head.losses(outputs, labels)['loss_calibration']
    torch.testing.assert_close(found, calibration_loss(alpha, labels, 1.0).mean())


def test_hsic_equals_numpy_and_tells_dependence():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(B, 3)), rng.normal(size=(B, 2))

    def kernel(rows):
        return np.array([[np.exp(-((a - b) ** 2).sum() / (2 * len(a))) for b in rows]
                         for a in rows])

    centre = np.eye(B) - 1 / B
    expected = np.trace(kernel(x) @ centre @ kernel(y) @ centre) / (B - 1) ** 2
    found = hsic(torch.tensor(x), torch.tensor(y))
    assert float(found) == pytest.approx(expected, rel=1e-10)
    x = torch.randn(200, 2)
    assert hsic(x, x.flip(1)) > 10 * hsic(x, torch.randn(200, 2)) > 0
    assert hsic(x[:1], x[:1]) == 0


def test_the_branches_play_against_each_other():
    """The first goes down the dependence, the others up; all learn the labels."""
    torch.manual_seed(0)
    neck = DebiasNeck(3, in_channels=4).double().eval()  # no dropout
    maps = torch.randn(B, 4, 5, 6, 6, dtype=torch.float64)
    labels = torch.arange(B) % 3
    torch.manual_seed(1)
    order = torch.randperm(5)
    alphas = [dirichlet(branch(m)) for branch, m in (
        (neck.space_time, maps / maps.std()), (neck.shuffled, (maps / maps.std())[:, :, order]),
        (neck.space, maps / maps.std()))]
    torch.manual_seed(1)
    losses = neck.losses(maps, labels)
    expected = 0.1 * sum(evidential_loss(alpha, labels).mean() for alpha in alphas)
    torch.testing.assert_close(losses['loss_debias'], expected)
    torch.testing.assert_close(losses['loss_hsic'], torch.zeros((), dtype=torch.float64))
    plain = 0.1 * sum(hsic(alphas[0], other) for other in alphas[1:])
    for branch, sign in ((neck.space_time, 1), (neck.shuffled, -1), (neck.space, -1)):
        weights = list(branch.parameters())
        found = torch.autograd.grad(losses['loss_hsic'], weights, retain_graph=True)
        wanted = torch.autograd.grad(plain, weights, retain_graph=True)
        for a, b in zip(found, wanted, strict=True):
            torch.testing.assert_close(a, sign * b)


def test_the_neck_passes_features_on():
    neck = DebiasNeck(3, in_channels=4)
    x = torch.randn(2, 5, 4, 6, 6)
    feats, losses = neck(x, samples(2))
    assert set(losses) == {'loss_debias', 'loss_hsic'}
    torch.testing.assert_close(feats, x.mean((1, 3, 4)))
    feats, losses = neck.eval()(x)
    assert losses == {} and feats.shape == (2, 4)
    pooled = torch.randn(2, 5, 7)  # of a backbone that gives features beside the maps
    torch.testing.assert_close(neck((pooled, x))[0], pooled.mean(1))
    neck = DebiasNeck(3, in_channels=4, temporal=dict(type='TemporalFilter', num_frames=5)).eval()
    neck.temporal.weights.data = torch.tensor([0.0, 2, 0, 0, -1])
    torch.testing.assert_close(neck((pooled, x))[0], 2 * pooled[:, 1] - pooled[:, 4])
    torch.testing.assert_close(neck(x)[0], (2 * x[:, 1] - x[:, 4]).mean((2, 3)))
    neck = DebiasNeck(3, in_channels=4, channels_first=True)
    feats, losses = neck(x.transpose(1, 2), samples(2))
    assert torch.equal(feats, x.transpose(1, 2)) and len(losses) == 2


def test_the_leaf(clips):
    model, cfg = build('dear_afew_o34.py', clips['resnet'], image_size=64)
    assert cfg.model.neck.num_classes == 3
    losses, trained = step(model, 64)
    assert {'loss_evidence', 'loss_calibration', 'loss_debias', 'loss_hsic', 'acc'} == set(losses)
    assert {name.split('.')[0] for name in trained} == {'cls_head', 'neck'}
    same_after_loading(model, 'dear_afew_o34.py', 64, clips['resnet'], image_size=64)
