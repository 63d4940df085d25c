"""Linear probe, fine-tuning, IAL."""
import numpy as np
import pytest
import torch
from leaves import KNOWN, build, same_after_loading, step

from hesp_mmaction.errors import InputError
from hesp_mmaction.models.heads import IALHead, LinearHead
from hesp_mmaction.models.losses import intensity_aware_loss

B, C = 5, 7


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    return rng.normal(3, 40, size=(B, C)), np.array([0, 1, 2, 0, 1])


def logits_of(head, f):
    weight, bias = (p.detach().numpy() for p in head.classifier.parameters())
    rows = (f - f.mean(1, keepdims=True)) / np.sqrt(f.var(1, keepdims=True) + 1e-5)
    return rows @ weight.T + bias


@pytest.mark.parametrize('smoothing', [0.0, 0.1])
def test_linear_head_equals_numpy(batch, smoothing):
    f, y = batch
    head = LinearHead(KNOWN, C, label_smoothing=smoothing).double()
    outputs = head(torch.tensor(f))
    z = logits_of(head, f)
    np.testing.assert_allclose(outputs['logits'].detach().numpy(), z, rtol=1e-9)
    np.testing.assert_allclose(head.score(outputs).detach().numpy(), z.max(1), rtol=1e-9)
    expected = 0
    for row, k in zip(z, y, strict=True):
        log_p = row - np.log(np.exp(row).sum())
        expected -= ((1 - smoothing) * log_p[k] + smoothing * log_p.mean()) / B
    loss = head.losses(outputs, torch.tensor(y))['loss_known']
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-9)
    # The scale of features does not matter.
    torch.testing.assert_close(head(torch.tensor(20 * f))['logits'], outputs['logits'],
                               rtol=1e-4, atol=1e-5)


def test_the_intensity_loss_sees_the_strongest_rival_alone():
    rng = np.random.default_rng(1)
    z, y = rng.normal(size=(B, 4)), np.array([0, 1, 2, 3, 1])
    found = intensity_aware_loss(torch.tensor(z), torch.tensor(y)).numpy()
    for row, k, value in zip(z, y, found, strict=True):
        rival = max(row[j] for j in range(4) if j != k)
        expected = -np.log(np.exp(row[k]) / (np.exp(row[k]) + np.exp(rival)))
        assert value == pytest.approx(expected, rel=1e-12)
    far = intensity_aware_loss(torch.tensor([[900.0, -900.0]]), torch.tensor([1]))
    assert far.item() == 1800  # no overflow


def test_ial_adds_a_tenth_of_it(batch):
    f, y = batch
    head = IALHead(KNOWN, C).double()
    outputs, labels = head(torch.tensor(f)), torch.tensor(y)
    losses = head.losses(outputs, labels)
    assert float(losses['loss_intensity'].detach()) == pytest.approx(
        0.1 * float(intensity_aware_loss(outputs['logits'], labels).mean()))
    plain = LinearHead(KNOWN, C).double()
    plain.load_state_dict(head.state_dict())
    assert torch.equal(losses['loss_known'], plain.losses(outputs, labels)['loss_known'])


def test_the_width_must_be_known():
    with pytest.raises(InputError, match='LinearHead needs `in_channels`'):
        LinearHead(KNOWN)


@pytest.mark.parametrize('name, parts', [
    ('linear_probe_afew_o34.py', {'cls_head'}),
    ('finetune_afew_o34.py', {'cls_head', 'backbone'}),
    ('finetune_temporal_afew_o34.py', {'cls_head', 'backbone', 'neck'}),
    ('ial_afew_o34.py', {'cls_head', 'neck'})])
def test_leaves_train_what_they_say(clips, name, parts):
    model, _ = build(name, clips['vit'], image_size=32)
    _, trained = step(model, 32)
    assert {key.split('.')[0] for key in trained} == parts
    saved = same_after_loading(model, name, 32, clips['vit'], image_size=32)
    assert {key.split('.')[0] for key in saved} == parts
