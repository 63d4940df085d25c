"""CoOp, CoCoOp, CLIPER's descriptors, DFER-CLIP: one prompt learner, four methods."""
import numpy as np
import pytest
import torch
from leaves import KNOWN, build, same_after_loading, step

from hesp_mmaction.models.heads import CLIPERHead, CLIPZeroShotHead, CoCoOpHead, CoOpHead
from hesp_mmaction.models.heads.cliper_head import hardest_logits

B = 5


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def entropy(z, y):
    """Mean cross-entropy by loops."""
    return np.mean([np.log(np.exp(row - row[k]).sum()) for row, k in zip(z, y, strict=True)])


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    return rng.normal(size=(B, 12)), np.array([0, 1, 2, 0, 1])


@pytest.mark.parametrize('settings', [
    dict(), dict(class_specific=True, descriptions=True, num_contexts=8), dict(position='middle')])
def test_coop_is_cosine_with_the_learned_prompts(clips, batch, settings):
    f, y = batch
    head = CoOpHead(KNOWN, clips['vit'], **settings).double()
    head.prompts.contexts.data = torch.randn_like(head.prompts.contexts)
    outputs = head(torch.tensor(f))
    text = head.text(*head.prompts()).detach().numpy()
    z = head.text.logit_scale * unit(f) @ unit(text).T
    np.testing.assert_allclose(outputs['logits'].detach().numpy(), z, rtol=1e-10)
    np.testing.assert_allclose(head.score(outputs).detach().numpy(), z.max(1), rtol=1e-10)
    loss = head.losses(outputs, torch.tensor(y))['loss_known']
    assert float(loss.detach()) == pytest.approx(entropy(z, y), rel=1e-10)


def test_cocoop_as_one_batch_equals_one_sample_at_a_time(clips, batch):
    f, _ = batch
    head = CoCoOpHead(KNOWN, clips['vit']).double()
    f = torch.tensor(f)
    with torch.no_grad():
        found = head(3 * f)['logits']  # the length of a feature does not matter
        for row, z in zip(f, found, strict=True):
            first, _, second = head.meta_net
            hidden = (first.weight @ (row / row.norm()) + first.bias).clamp_min(0)
            shift = second.weight @ hidden + second.bias
            prompts, end = head.prompts()
            prompts = prompts.clone()
            prompts[:, 1:5] += shift
            text = head.text(prompts, end)
            cosine = (text @ row) / text.norm(dim=1) / row.norm()
            torch.testing.assert_close(z, head.text.logit_scale * cosine)


def test_cliper_takes_the_hardest_descriptors():
    rng = np.random.default_rng(1)
    each, y = rng.normal(size=(B, 3, 4)), np.array([0, 1, 2, 0, 1])
    found = hardest_logits(torch.tensor(each), torch.tensor(y)).numpy()
    for b in range(B):
        for k in range(3):
            values = each[b, k]
            assert found[b, k] == (min(values) if k == y[b] else max(values))


def test_cliper_means_over_descriptors_of_the_same_class(clips, batch):
    f, y = batch
    head = CLIPERHead(KNOWN, clips['vit'], num_descriptors=2).double()
    head.prompts.contexts.data = torch.randn_like(head.prompts.contexts)
    outputs = head(torch.tensor(f))
    text = head.text(*head.prompts()).detach().numpy()  # anger, anger, fear, fear, ...
    each = head.text.logit_scale * unit(f) @ unit(text).T
    z = np.stack([(each[:, 2 * k] + each[:, 2 * k + 1]) / 2 for k in range(3)], 1)
    np.testing.assert_allclose(outputs['logits'].detach().numpy(), z, rtol=1e-10)
    words = head.prompts.fixed[:, 5]
    assert torch.equal(words[0], words[1]) and not torch.equal(words[1], words[2])
    losses = head.losses(outputs, torch.tensor(y))
    assert float(losses['loss_known'].detach()) == pytest.approx(entropy(z, y), rel=1e-10)
    assert losses['loss_margin'] >= losses['loss_known']  # every term is harder


def test_an_ensemble_is_the_mean_of_normalised_texts(clips):
    sentences = ['a photo of a {} expression', 'a {} face']
    words = ('angry', 'fearful', 'happy')
    head = CLIPZeroShotHead(KNOWN, clips['vit'], template=sentences)
    each = [unit(head.text.encode_text([s.format(w) for w in words]).detach().numpy())
            for s in sentences]
    text = unit(np.mean(each, axis=0))
    f = np.random.default_rng(2).normal(size=(B, 12)).astype(np.float32)
    z = head.text.logit_scale * unit(f) @ text.T
    np.testing.assert_allclose(head(torch.tensor(f))['logits'].numpy(), z, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('name, expected', [
    ('coop_afew_o34.py', {'cls_head.prompts.contexts'}),
    ('cocoop_afew_o34.py', {'cls_head.prompts.contexts', 'cls_head.meta_net.0.weight',
                            'cls_head.meta_net.0.bias', 'cls_head.meta_net.2.weight',
                            'cls_head.meta_net.2.bias'}),
    ('cliper_afew_o34.py', {'cls_head.prompts.contexts'})])
def test_leaves_train_the_prompts_alone(clips, name, expected):
    model, _ = build(name, clips['vit'], image_size=32)
    losses, trained = step(model, 32)
    assert 'loss_known' in losses and trained == expected
    saved = same_after_loading(model, name, 32, clips['vit'], image_size=32)
    assert saved == expected | {'cls_head.temperature', 'cls_head.threshold'}


@pytest.mark.parametrize('form, size', [('vit', 32), ('resnet', 64)])
def test_dfer_clip_trains_tower_transformer_and_prompts(clips, form, size):
    model, cfg = build('dfer_clip_afew_o34.py', clips[form], image_size=size)
    _, trained = step(model, size)
    assert {name.split('.')[0] for name in trained} == {'backbone', 'neck', 'cls_head'}
    assert {name for name in trained if name.startswith('cls_head')} == {
        'cls_head.prompts.contexts'}
    assert model.cls_head.prompts.contexts.shape == (3, 8, 16)
    saved = same_after_loading(model, 'dfer_clip_afew_o34.py', size, clips[form], image_size=size)
    assert any(key.startswith('backbone.visual') for key in saved)  # it is trained, so it is saved
    rates = {key: 1e-3 * value['lr_mult']
             for key, value in cfg.optim_wrapper.paramwise_cfg.custom_keys.items()}
    assert cfg.optim_wrapper.optimizer.lr == 1e-3  # the prompts'
    assert rates == pytest.approx(dict(backbone=1e-5, neck=1e-2))


def test_dfer_clip_on_a_closed_set(clips):
    model, cfg = build('dfer_clip_mafw_closed.py', clips['vit'], image_size=32)
    assert cfg.test_dataloader.dataset.closed_set
    step(model, 32)
