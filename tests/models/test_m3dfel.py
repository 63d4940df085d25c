"""M3DFEL: instances, their aggregation."""
import numpy as np
import pytest
import torch
from leaves import build, same_after_loading, step
from numpy_clip import arrays, attention

from hesp_mmaction.errors import InputError
from hesp_mmaction.models.backbones import Instances
from hesp_mmaction.models.necks import InstanceAggregation
from hesp_mmaction.models.necks.instance_aggregation import DynamicNorm


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    return np.exp(x) / np.exp(x).sum()


def dynamic_norm(x, w):
    """(n, C): statistics of an instance, and of all its clip's, mixed."""
    mean = [row.mean() for row in x]
    variance = [row.var(ddof=1) for row in x]
    bag_mean = np.mean(mean)
    bag_variance = np.mean([v + m * m for v, m in zip(variance, mean, strict=True)]) - bag_mean ** 2
    a, b = softmax(w['mix_mean'])
    c, d = softmax(w['mix_variance'])
    rows = [(row - a * m - b * bag_mean) / np.sqrt(c * v + d * bag_variance + 1e-5)
            for row, m, v in zip(x, mean, variance, strict=True)]
    return np.array(rows) * w['weight'] + w['bias']


def lstm(x, w, layer, backward):
    """One direction of one layer: (n, C) to (n, H)."""
    end = f'_l{layer}' + ('_reverse' if backward else '')
    size = w[f'weight_hh{end}'].shape[1]
    h, c = np.zeros(size), np.zeros(size)
    found = []
    for row in x[::-1] if backward else x:
        gates = (w[f'weight_ih{end}'] @ row + w[f'bias_ih{end}']
                 + w[f'weight_hh{end}'] @ h + w[f'bias_hh{end}'])
        i, f, g, o = np.split(gates, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        found.append(h)
    return np.array(found[::-1] if backward else found)


def test_the_norm_equals_numpy():
    torch.manual_seed(0)
    norm = DynamicNorm(6).double()
    for parameter in norm.parameters():
        parameter.data = torch.randn_like(parameter)
    x = np.random.default_rng(0).normal(2, 3, size=(2, 4, 6))
    expected = [dynamic_norm(clip, arrays(norm)) for clip in x]
    np.testing.assert_allclose(norm(torch.tensor(x)).detach().numpy(), expected, rtol=1e-9)


def test_the_aggregation_equals_numpy():
    torch.manual_seed(0)
    neck = InstanceAggregation(num_instances=3, in_channels=5, hidden=4, heads=2).double()
    x = np.random.default_rng(0).normal(size=(2, 3, 5))
    recurrent, w = arrays(neck.lstm), arrays(neck)
    expected = []
    for clip in x:
        for layer in range(2):
            clip = np.concatenate([lstm(clip, recurrent, layer, back) for back in (False, True)], 1)
        query, key, value = np.split(clip @ w['qkv.weight'].T, 3, axis=1)
        gate = sigmoid(dynamic_norm(attention(query, key, value, 2), arrays(neck.norm)))
        gated = np.pad(clip * gate, ((0, 0), (1, 1)))
        expected.append([(w['merge.weight'][0] * gated[:, i:i + 3]).sum() + w['merge.bias'][0]
                         for i in range(8)])
    np.testing.assert_allclose(neck(torch.tensor(x)).detach().numpy(), expected, rtol=1e-9)


def test_an_instance_is_what_the_backbone_sees_alone():
    model, _ = build('m3dfel_afew_o34.py', image_size=32)
    backbone = model.backbone.double().eval()
    clip = torch.randn(2, 3, 8, 32, 32, dtype=torch.float64)
    with torch.no_grad():
        maps = backbone(clip)
        assert maps.shape[:3] == (2, 512, 4)
        alone = backbone.backbone(clip[1:, :, 4:6])
        torch.testing.assert_close(maps[1, :, 2], alone[0].mean(1))


def test_frames_that_do_not_divide_are_refused():
    backbone = Instances(dict(type='mmaction.ResNet3d', depth=18, pretrained=None), 4)
    with pytest.raises(InputError, match='4 instances need clips.*set num_frames'):
        backbone(torch.zeros(1, 3, 6, 32, 32))


@pytest.mark.ci
def test_the_leaf():
    name = 'm3dfel_afew_o34.py'
    model, _ = build(name, image_size=32)
    _, trained = step(model, 32)
    assert {key.split('.')[0] for key in trained} == {'backbone', 'neck', 'cls_head'}
    same_after_loading(model, name, 32, image_size=32)
