"""From frame features to the video feature."""
import math

import numpy as np
import pytest
import torch
from leaves import build, same_after_loading, step
from numpy_clip import arrays, attention, norm

from hesp_mmaction.errors import InputError
from hesp_mmaction.models.necks import (
    AttentionPooling,
    TemporalConvolution,
    TemporalDifferenceAdapter,
    TemporalFilter,
    TemporalMean,
    TemporalTransformer,
)


@pytest.mark.parametrize('neck', [
    TemporalFilter(8, hold=0.0), AttentionPooling(in_channels=16),
    TemporalDifferenceAdapter(in_channels=16), TemporalConvolution(in_channels=16, channels=6)],
    ids=lambda neck: type(neck).__name__)
def test_it_starts_as_the_mean_and_every_part_learns(neck):
    x = np.random.default_rng(0).normal(size=(3, 8, 16)).astype('float32')
    np.testing.assert_allclose(neck(torch.tensor(x)).detach(), x.mean(1), atol=1e-6, rtol=0)
    np.testing.assert_allclose(TemporalMean()(torch.tensor(x)), x.mean(1), atol=1e-6, rtol=0)
    optimizer = torch.optim.SGD(neck.parameters(), lr=0.1)
    for _ in range(3):  # what a part at zero holds back at first
        loss = (neck(torch.tensor(x)) - 1).square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    still = [name for name, p in neck.named_parameters() if not p.grad.abs().sum() > 0]
    assert not still


def test_the_adapter_equals_the_recurrence_written_out():
    """GRU and gate by loops over clips and frames, in float64."""
    torch.manual_seed(0)
    neck = TemporalDifferenceAdapter(in_channels=16).double()
    assert neck.gru.hidden_size == 2  # an eighth
    for parameter in neck.parameters():
        parameter.data = torch.randn_like(parameter)
    w = arrays(neck)
    x = np.random.default_rng(1).normal(size=(3, 5, 16))

    def sigmoid(a):
        return 1 / (1 + np.exp(-a))

    expected, gates = [], []
    for clip in x:
        hidden, rows = np.zeros(2), []
        for frame in clip:
            normed = norm(frame[None], w, 'norm')[0]
            low = w['down.weight'] @ normed + w['down.bias']
            a = w['gru.weight_ih_l0'] @ low + w['gru.bias_ih_l0']
            b = w['gru.weight_hh_l0'] @ hidden + w['gru.bias_hh_l0']
            reset, update = sigmoid(a[:2] + b[:2]), sigmoid(a[2:4] + b[2:4])
            new = np.tanh(a[4:] + reset * b[4:])
            hidden = (1 - update) * new + update * hidden
            gelu = hidden * (1 + np.vectorize(math.erf)(hidden / 2 ** 0.5)) / 2
            gates.append(max(0, (w['gate.weight'] @ normed + w['gate.bias'])[0]))
            rows.append(frame + gates[-1] * (w['up.weight'] @ gelu + w['up.bias']))
        expected.append(np.mean(rows, 0))
    assert 0 < np.count_nonzero(gates) < len(gates)  # both sides of the ReLU
    np.testing.assert_allclose(neck(torch.tensor(x)).detach().numpy(), expected, rtol=1e-9)


def test_the_adapter_reads_a_clip_in_order_and_no_other_clip():
    torch.manual_seed(0)
    neck = TemporalDifferenceAdapter(in_channels=16)
    torch.nn.init.normal_(neck.up.weight)
    x = torch.randn(3, 6, 16)
    torch.testing.assert_close(neck(x)[1:2], neck(x[1:2]))
    assert not torch.allclose(neck(x), neck(x.flip(1)), atol=1e-3)


def test_the_convolution_equals_sums_written_out():
    """Frame by frame with zeros beyond both ends; and only the mean and the ends count."""
    torch.manual_seed(0)
    neck = TemporalConvolution(in_channels=7, channels=4).double()
    for parameter in neck.parameters():
        parameter.data = torch.randn_like(parameter)
    w = arrays(neck)
    x = np.random.default_rng(1).normal(size=(2, 5, 7))
    expected = []
    for clip in x:
        low = [w['down.weight'] @ frame + w['down.bias'] for frame in clip]
        low = [np.zeros(4), *low, np.zeros(4)]
        rows = []
        for t, frame in enumerate(clip):
            mixed = sum(w['convolution.weight'][:, 0, i] * low[t + i] for i in range(3))
            rows.append(frame + w['up.weight'] @ (mixed + w['convolution.bias']) + w['up.bias'])
        expected.append(np.mean(rows, 0))
    found = neck(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    shuffled = neck(torch.tensor(x[:, [0, 3, 1, 2, 4]])).detach().numpy()
    np.testing.assert_allclose(shuffled, found, rtol=1e-9)
    assert not np.allclose(neck(torch.tensor(x[:, ::-1].copy())).detach().numpy(), found)


@pytest.mark.parametrize('neck', [TemporalDifferenceAdapter, TemporalConvolution])
def test_a_neck_without_a_width_is_refused(neck):
    with pytest.raises(InputError, match=f'{neck.__name__} needs `in_channels`'):
        neck()


def test_the_filter_is_a_weighted_sum_over_frames():
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    neck = TemporalFilter(3).double().eval()
    weights = [-0.5, 0.25, 2.0]
    with torch.no_grad():
        neck.weights.copy_(torch.tensor(weights))
    expected = sum(w * x[:, t] for t, w in enumerate(weights))
    assert np.allclose(neck(torch.tensor(x)).detach().numpy(), expected, atol=1e-12)


def test_the_filter_learns_to_take_off_what_a_clip_keeps():
    """The class is in the second frame only; a person of far larger variance is in both."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(64) % 2
    person = 10 * torch.randn(64, 1, 6, generator=generator)
    x = person.repeat(1, 2, 1)
    x[:, 1, 0] += 2 * labels - 1
    neck, line = TemporalFilter(2, hold=0.0), torch.tensor([1.0, 0, 0, 0, 0, 0])
    optimizer = torch.optim.SGD(neck.parameters(), lr=0.01)
    for _ in range(500):
        loss = torch.nn.functional.soft_margin_loss(neck(x) @ line, 2.0 * labels - 1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    first, second = neck.weights.tolist()
    assert second > 0.3 and first == pytest.approx(-second, rel=0.1)


def test_the_filter_is_held_to_the_mean_in_training_alone():
    neck, x = TemporalFilter(4, hold=0.5).double(), torch.ones(2, 4, 3, dtype=torch.float64)
    assert float(neck(x)[1]['loss_filter'].detach()) == 0
    weights = np.array([-0.5, 0.25, 0.75, 0.5])
    with torch.no_grad():
        neck.weights.copy_(torch.tensor(weights))
    feature, losses = neck(x)
    expected = 0.5 * ((4 * weights - 1) ** 2).mean()
    assert float(losses['loss_filter'].detach()) == pytest.approx(expected, rel=1e-12)
    assert torch.equal(neck.eval()(x), feature)
    losses['loss_filter'].backward()
    assert (neck.weights.grad.sign() == torch.tensor(weights - 0.25).sign()).all()


def test_the_transformer_equals_attention_written_out():
    """Two blocks, heads and positions by loops, in float64."""
    torch.manual_seed(0)
    neck = TemporalTransformer(3, in_channels=6, depth=2, heads=2, dim_head=4, mlp_dim=10).double()
    for parameter in neck.parameters():
        parameter.data = torch.randn_like(parameter)
    weights = {name: p.detach().numpy() for name, p in neck.named_parameters()}
    x = np.random.default_rng(0).normal(size=(2, 3, 6))

    def norm(rows, name):
        mean, std = rows.mean(1, keepdims=True), rows.var(1, keepdims=True)
        return (rows - mean) / np.sqrt(std + 1e-5) * weights[f'{name}.weight'] + weights[
            f'{name}.bias']

    def linear(rows, name):
        return rows @ weights[f'{name}.weight'].T + weights.get(f'{name}.bias', 0)

    expected = []
    for clip in x:
        rows = np.concatenate([weights['token'][0], clip]) + weights['positions'][0]
        for i in range(2):
            qkv = linear(norm(rows, f'blocks.{i}.norm'), f'blocks.{i}.qkv')
            heads = []
            for h in range(2):
                q, k, v = (qkv[:, 8 * part + 4 * h:8 * part + 4 * h + 4] for part in range(3))
                scores = np.exp(q @ k.T / 2)  # sqrt(dim_head)
                heads.append(scores / scores.sum(1, keepdims=True) @ v)
            rows = rows + linear(np.concatenate(heads, 1), f'blocks.{i}.out')
            inner = linear(norm(rows, f'blocks.{i}.mlp.0'), f'blocks.{i}.mlp.1')
            inner = inner * (1 + np.vectorize(math.erf)(inner / 2 ** 0.5)) / 2
            rows = rows + linear(inner, f'blocks.{i}.mlp.3')
        expected.append(rows[0])
    np.testing.assert_allclose(neck(torch.tensor(x)).detach().numpy(), expected, rtol=1e-9)


def test_a_transformer_of_depth_zero_is_the_mean_and_has_no_parameters():
    neck = TemporalTransformer(4, in_channels=6, depth=0)
    x = torch.randn(2, 4, 6)
    assert not list(neck.parameters()) and torch.equal(neck(x), x.mean(1))


def test_another_number_of_frames_is_refused():
    with pytest.raises(InputError, match='made for 8 frames and got 4.*num_frames'):
        TemporalTransformer(8, in_channels=8)(torch.zeros(1, 4, 8))
    with pytest.raises(InputError, match='made for 8 frames and got 4.*num_frames'):
        TemporalFilter(8)(torch.zeros(1, 4, 2))


def test_attention_pooling_starts_as_the_mean_and_equals_numpy():
    torch.manual_seed(0)
    neck = AttentionPooling(in_channels=6, heads=2).double()
    x = np.random.default_rng(0).normal(size=(2, 3, 6))
    torch.testing.assert_close(neck(torch.tensor(x)), torch.tensor(x).mean(1))
    for parameter in neck.parameters():
        parameter.data = torch.randn_like(parameter)
    w = arrays(neck)
    expected = []
    for clip in x:
        query, key, value = np.split(norm(clip, w, 'norm') @ w['qkv.weight'].T + w['qkv.bias'], 3,
                                     axis=1)
        out = attention(query, key, value, 2) @ w['out.weight'].T + w['out.bias']
        expected.append((clip + out).mean(0))
    np.testing.assert_allclose(neck(torch.tensor(x)).detach().numpy(), expected, rtol=1e-9)


def test_the_leaf_of_hesp_with_attention_pooling(clips):
    name = 'hesp_attention_pooling_afew_o34.py'
    model, _ = build(name, clips['vit'], image_size=32)
    _, trained = step(model, 32)
    assert {'neck.out.weight', 'cls_head.prompts.contexts', 'visual_prompt.delta'} <= trained
    same_after_loading(model, name, 32, clips['vit'], image_size=32)
