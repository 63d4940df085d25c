"""HESP's equations one by one, each against numpy in float64, and their sum through the model."""
import math

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample

from hesp_mmaction.models.heads import HESPHead
from hesp_mmaction.models.heads.functional import cosine_logits
from hesp_mmaction.models.heads.hesp_functional import fused_loss, fused_probabilities
from hesp_mmaction.models.heads.prototype_head import point_logits
from hesp_mmaction.models.losses import clip_alignment, mean_cross_entropy, supervised_contrastive
from hesp_mmaction.models.prompts import VisualPrompt

KNOWN = ('anger', 'happiness', 'sadness')
B, K, D = 6, 3, 5
ROWS = np.arange(B)


@pytest.fixture
def values():
    rng = np.random.default_rng(0)
    return dict(f=rng.normal(size=(B, D)), t=rng.normal(size=(K, D)), c=rng.normal(size=(K, D)),
                z=4 * rng.normal(size=(B, K)), zn=2 * rng.normal(size=(B, K)),
                y=np.array([0, 1, 2, 0, 1, 0]))


def tensors(values, *names):
    return [torch.tensor(values[name]) for name in names]


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def close(tensor, expected, **tolerance):
    np.testing.assert_allclose(tensor.detach().numpy(), expected,
                               **dict(rtol=1e-10, atol=1e-12) | tolerance)


# ------------------------------------------------------------------ CLIP's text tower in numpy
def layer_norm(x, weights, name):
    centred = x - x.mean(-1, keepdims=True)
    x = centred / np.sqrt((centred ** 2).mean(-1, keepdims=True) + 1e-5)
    return x * weights[f'{name}.weight'] + weights[f'{name}.bias']


def causal_attention(x, weights, name, heads):
    rows = x @ weights[f'{name}.in_proj_weight'].T + weights[f'{name}.in_proj_bias']
    result = np.zeros_like(x)
    for head in np.split(np.arange(x.shape[1]), heads):
        q, k, v = (part[:, head] for part in np.split(rows, 3, axis=1))
        for i in range(len(x)):  # a token sees itself and those before it
            share = softmax(q[i] @ k[:i + 1].T / math.sqrt(len(head)))
            result[i, head] = share @ v[:i + 1]
    return result @ weights[f'{name}.out_proj.weight'].T + weights[f'{name}.out_proj.bias']


def gelu(x):
    return x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2


def quick_gelu(x):
    return x / (1 + np.exp(-1.702 * x))


def text_feature(tower, tokens, activation=quick_gelu):
    """Embeddings (L, W) of one text, the last of its end-of-text token, to its feature (D,)."""
    weights = {name: p.detach().double().numpy() for name, p in tower.named_parameters()}
    x = tokens + weights['positional_embedding'][:len(tokens)]
    for layer in range(2):
        name = f'transformer.resblocks.{layer}'
        x = x + causal_attention(layer_norm(x, weights, f'{name}.ln_1'), weights,
                                 f'{name}.attn', heads=2)
        hidden = (layer_norm(x, weights, f'{name}.ln_2') @ weights[f'{name}.mlp.c_fc.weight'].T
                  + weights[f'{name}.mlp.c_fc.bias'])
        x = x + (activation(hidden) @ weights[f'{name}.mlp.c_proj.weight'].T
                 + weights[f'{name}.mlp.c_proj.bias'])
    return layer_norm(x, weights, 'ln_final')[-1] @ weights['text_projection']


def embeddings(tower, *words):
    """Embeddings of words, one after the other; '[SOS]' and '[EOT]' are CLIP's last two ids."""
    special = {'[SOS]': [49406], '[EOT]': [49407]}
    ids = [i for word in words for i in special.get(word) or tower.tokenizer.encode(word)]
    return tower.token_embedding.weight.detach().double().numpy()[ids]


@pytest.mark.parametrize('class_specific', [True, False])
@pytest.mark.parametrize('activation', [quick_gelu, gelu])
def test_eq04_05_prompts_through_the_text_tower(clips, activation, class_specific):
    clip = clips['vit'] | dict(quick_gelu=activation is quick_gelu)
    head = HESPHead(KNOWN, clip, num_contexts=4, class_specific=class_specific,
                    words=dict(sadness='very very sad')).double()
    contexts = head.prompts.contexts.detach().numpy()
    assert contexts.shape == (3 if class_specific else 1, 4, 16)
    expected = []
    for k, words in enumerate((['angry'], ['happy'], ['very', 'very', 'sad'])):
        tokens = np.concatenate([embeddings(head.text, '[SOS]'), contexts[k % len(contexts)],
                                 embeddings(head.text, *words, '.', '[EOT]')])
        expected.append(text_feature(head.text, tokens, activation))
    close(head.class_text(), np.array(expected))


@pytest.mark.parametrize('num_frames', [1, 3])
@pytest.mark.parametrize('mode', ['add', 'replace'])
def test_eq06_07_visual_prompt_by_pixels(mode, num_frames):
    size, side, windows = 7, 3, [(0, 4), (2, 1)]
    prompt = VisualPrompt(size, side, mode, num_frames=num_frames).double()
    rng = np.random.default_rng(0)
    delta, frames = rng.random((num_frames, 3, side, side)), rng.random((2, 3, 3, size, size))
    prompt.delta.data = torch.tensor(delta)
    expected = np.empty_like(frames)
    for b, t, c, row, column in np.ndindex(frames.shape):
        pixel, (top, left) = frames[b, t, c, row, column], windows[b]
        if top <= row < top + side and left <= column < left + side:
            patch = delta[t if num_frames > 1 else 0, c, row - top, column - left]
            pixel = pixel + patch if mode == 'add' else patch
        expected[b, t, c, row, column] = pixel
    close(prompt(torch.tensor(frames), torch.tensor(windows)), expected)


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


def test_eq08_cross_entropy_and_contrastive(values):
    f, z, y = tensors(values, 'f', 'z', 'y')
    close(mean_cross_entropy(z, y), -np.log(softmax(values['z'])[ROWS, values['y']]).mean())
    close(supervised_contrastive(f, y), contrastive_by_loops(values['f'], values['y'], 0.5))
    close(supervised_contrastive(f, y, 0.2), contrastive_by_loops(values['f'], values['y'], 0.2))


def test_eq09_known_logits(values, clips):
    f, t = tensors(values, 'f', 't')
    close(cosine_logits(f, t, 7.0), 7 * unit(values['f']) @ unit(values['t']).T)
    weights = torch.load(clips['vit']['pretrained'], weights_only=True)
    assert HESPHead(KNOWN, clips['vit']).text.logit_scale == pytest.approx(
        math.exp(weights['logit_scale']), rel=1e-6)


def test_eq10_negative_texts(clips):
    head = HESPHead(KNOWN, clips['vit'])
    expected = [text_feature(head.text, embeddings(
        head.text, '[SOS]', 'This', 'video', 'is', 'not', word, '.', '[EOT]'))
        for word in ('angry', 'happy', 'sad')]
    close(head.negative_text, expected, rtol=1e-4, atol=1e-5)  # encoded once, in float32
    assert not head.negative_text.requires_grad


@pytest.mark.parametrize('kind', ['euclidean', 'arpl'])
def test_eq11_negative_logits(values, kind):
    f, c = tensors(values, 'f', 'c')
    expected = np.empty((B, K))
    for i, k in np.ndindex(B, K):
        square = sum((values['f'][i, d] - values['c'][k, d]) ** 2 for d in range(D))
        inner = sum(values['f'][i, d] * values['c'][k, d] for d in range(D))
        expected[i, k] = math.sqrt(square) if kind == 'euclidean' else square / D - inner
    close(point_logits(f, c, kind), expected)


def alignment(c, t, scale, symmetric):
    logits = scale * unit(c) @ unit(t).T
    forward, backward = (-np.log(np.diag(softmax(x))).mean() for x in (logits, logits.T))
    return (forward + backward) / 2 if symmetric else forward


@pytest.mark.parametrize('symmetric', [True, False])
def test_eq12_cross_entropy_and_alignment(values, symmetric):
    c, t, zn, y = tensors(values, 'c', 't', 'zn', 'y')
    close(mean_cross_entropy(zn, y), -np.log(softmax(values['zn'])[ROWS, values['y']]).mean())
    close(clip_alignment(c, t, 4.0, symmetric), alignment(values['c'], values['t'], 4, symmetric))


def fuse(z, zn, fusion):
    return (softmax(z) + softmax(zn)) / 2 if fusion == 'prob' else softmax((z + zn) / 2)


@pytest.mark.parametrize('fusion', ['prob', 'logit'])
def test_eq13_fused_probabilities(values, clips, fusion):
    z, zn = tensors(values, 'z', 'zn')
    expected = fuse(values['z'], values['zn'], fusion)
    if fusion == 'prob':
        close(fused_probabilities(z, zn), expected)
    head = HESPHead(KNOWN, clips['vit'], fusion=fusion).double()
    f, c = (torch.tensor(np.random.default_rng(i).normal(size=(n, 12)))
            for i, n in enumerate((B, K)))
    outputs = head(f, points=c)
    close(outputs['probabilities'], fuse(*(outputs[f'logits_{name}'].detach().numpy()
                                           for name in ('known', 'negative')), fusion))


@pytest.mark.parametrize('fusion', ['prob', 'logit'])
def test_eq14_fused_loss(values, fusion):
    z, zn, y = tensors(values, 'z', 'zn', 'y')
    p = fuse(values['z'], values['zn'], fusion)[ROWS, values['y']]
    close(fused_loss(z, zn, y, fusion), -np.log(p).mean())


@pytest.mark.parametrize('symmetric', [True, False])
@pytest.mark.parametrize('fusion', ['prob', 'logit'])
@pytest.mark.parametrize('kind', ['euclidean', 'arpl'])
def test_total_is_the_weighted_sum_through_the_whole_model(clips, kind, fusion, symmetric):
    """From the features on everything anew: L_KN + L_NE + L_H, and ARPL's margin where asked."""
    torch.manual_seed(0)
    model = MODELS.build(dict(
        type='HESPRecognizer', known=KNOWN,
        backbone=dict(type='CLIPImageTower', **clips['vit']),
        visual_prompt=dict(type='VisualPrompt', image_size=32, size=8),
        negatives=dict(type='NegativeVisuals', image_size=32),
        cls_head=dict(type='HESPHead', clip=clips['vit'], negative_kind=kind, negative_scale=0.7,
                      feature_length=None, fusion=fusion, score_kind=fusion, symmetric=symmetric,
                      loss_weights=dict(margin=0.1)))).double()
    model.cls_head.radius.data += 0.3
    y = np.array([0, 1, 2, 0, 1, 0])
    samples = [ActionDataSample(metainfo=dict(sample_id=str(i))).set_gt_label(int(label))
               for i, label in enumerate(y)]
    inputs = 255 * torch.rand(B, 2, 3, 32, 32, dtype=torch.float64)
    losses = model(inputs, samples, mode='loss')
    total = model.parse_losses(dict(losses))[0]

    head = model.cls_head
    outputs = model.extract_feat(inputs, stage='head', data_samples=samples)[0]
    f, c = (outputs[name].detach().numpy() for name in ('feature', 'points'))
    text, scale = head.class_text().detach().numpy(), head.text.logit_scale
    z = scale * unit(f) @ unit(text).T
    squares = (f[:, None] - c[None]) ** 2
    zn = 0.7 * (np.sqrt(squares.sum(2)) if kind == 'euclidean' else squares.mean(2) - f @ c.T)
    p = fuse(z, zn, fusion)
    close(outputs['probabilities'], p, rtol=1e-9)
    close(head.score(outputs), p.max(1) if fusion == 'prob' else ((z + zn) / 2).max(1), rtol=1e-9)
    expected = dict(
        loss_known=-np.log(softmax(z)[ROWS, y]).mean(),
        loss_contrastive=0.5 * contrastive_by_loops(f, y, 0.5),
        loss_negative=-np.log(softmax(zn)[ROWS, y]).mean(),
        loss_margin=0.1 * np.maximum(squares.mean(2)[ROWS, y] - 0.3 + 1, 0).mean(),
        loss_hold=2 * ((unit(text) - unit(head.template_text.numpy())) ** 2).sum(1).mean(),
        loss_alignment=alignment(c, head.negative_text.numpy(), scale, symmetric),
        loss_fused=-np.log(p[ROWS, y]).mean())
    assert set(losses) == set(expected) | {'acc'}
    for name, value in expected.items():
        assert float(losses[name].detach()) == pytest.approx(value, rel=1e-9), name
    assert float(total.detach()) == pytest.approx(sum(expected.values()), rel=1e-9)
    assert float(losses['acc']) == pytest.approx((p.argmax(1) == y).mean())
