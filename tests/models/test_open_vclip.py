"""Open-VCLIP: the temporal view, interpolated weights, patching."""
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from leaves import build, same_after_loading, samples, step
from mmaction.registry import MODELS
from numpy_clip import arrays, block, norm, pooled

from hesp_mmaction.engine.hooks import WeightPatchHook
from hesp_mmaction.errors import InputError
from hesp_mmaction.models.attention import pool_tokens
from hesp_mmaction.models.backbones import TemporalViewTower

LEAF = 'open_vclip_afew_o34.py'


def with_ends(frames):
    """Each frame with the next and the previous one, None beyond the ends."""
    frames = [None, *frames, None]
    return [(frames[t], frames[t + 1], frames[t - 1]) for t in range(1, len(frames) - 1)]


def test_a_vit_with_the_view_equals_numpy(clips):
    torch.manual_seed(0)
    tower = TemporalViewTower(**clips['vit']).double()
    clip = torch.randn(2, 3, 4, 32, 32, dtype=torch.float64)
    visual, w = tower.visual, arrays(tower.visual)
    expected = []
    for frames in clip.transpose(1, 2):
        x = list(visual._embeds(frames).detach().numpy())
        for layer in visual.transformer.resblocks:
            x = [block(own, arrays(layer), 2, others) for own, *others in with_ends(x)]
        expected.append([norm(tokens[0], w, 'ln_post') @ w['proj'] for tokens in x])
    found = tower(clip).detach().numpy()
    assert found.shape == (2, 4, 12)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_the_resnet_form_with_the_view_equals_numpy(clips):
    tower = TemporalViewTower(**clips['resnet']).double()
    clip = torch.randn(1, 3, 3, 64, 64, dtype=torch.float64)
    pool = tower.visual.attnpool
    with torch.no_grad():
        x = pool_tokens(pool, tower.resnet_maps(clip[0].transpose(0, 1))).numpy()
    expected = [pooled(own, arrays(pool), pool.num_heads, [after, before, own])
                for own, after, before in with_ends(x)]
    np.testing.assert_allclose(tower(clip)[0].detach().numpy(), expected, rtol=1e-9, atol=1e-12)


def test_frames_are_refused(clips):
    with pytest.raises(InputError, match='model.clip_input=True'):
        TemporalViewTower(**clips['vit'])(torch.zeros(2, 3, 32, 32))


def test_a_recomputation_would_not_see_the_mixed_weights(clips):
    tower = dict(type='CLIPImageTower', frozen=False, recompute=True, **clips['vit'])
    head = dict(type='ARPLHead', in_channels=12)
    with pytest.raises(InputError, match='model.backbone.recompute'):
        MODELS.build(dict(type='InterpolatedRecognizer', known=['anger', 'fear'], backbone=tower,
                          cls_head=head))


def test_the_gradient_is_that_of_both_places(clips, monkeypatch):
    """Gradient at theta plus half the gradient of the loss at a CLIP + (1 - a) theta."""
    model, _ = build(LEAF, clips['vit'], image_size=32)
    model = model.double().eval()
    with torch.no_grad():
        for parameter in model.backbone.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    clip = torch.randint(0, 256, (3, 8, 3, 32, 32)).double()
    monkeypatch.setattr(torch, 'rand', lambda *size: torch.tensor(0.5))  # a = 0.3
    losses = model(clip, samples(3), mode='loss')
    assert set(losses) == {'loss_known', 'loss_known_between', 'acc'}
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    found = {name: p.grad.clone() for name, p in model.backbone.named_parameters()
             if p.grad is not None}
    ours = {name: p.detach().clone() for name, p in model.backbone.named_parameters()}
    clips_own = dict(model.pretrained.named_parameters())
    expected, values = {}, []
    for share, weight in ((0.0, 1.0), (0.3, 0.5)):
        with torch.no_grad():
            for name, parameter in model.backbone.named_parameters():
                parameter.copy_(share * clips_own[name] + (1 - share) * ours[name])
        model.zero_grad()
        loss = model.cls_head.loss(*model.extract_feat(clip)[:1], samples(3))['loss_known']
        values.append(weight * loss.item())
        loss.backward()
        for name, parameter in model.backbone.named_parameters():
            if parameter.grad is not None:
                expected[name] = expected.get(name, 0) + weight * parameter.grad
    assert [losses['loss_known'].item(), losses['loss_known_between'].item()] == pytest.approx(
        values)
    assert set(found) == set(expected) and len(found) > 20
    for name in found:
        torch.testing.assert_close(found[name], expected[name])


def test_patching_mixes_clip_into_the_mean_over_epochs():
    backbone, pretrained = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    runner = SimpleNamespace(model=SimpleNamespace(backbone=backbone, pretrained=pretrained),
                             max_epochs=3, _resume=True)
    hook, passed = WeightPatchHook(ratio=0.25), []
    for epoch in range(3):
        backbone.weight.data = torch.randn(2, 2)
        passed.append(backbone.weight.detach().clone())
        runner.epoch = epoch
        if epoch == 2:  # resumed in between: a new hook goes on
            checkpoint = {}
            hook.before_save_checkpoint(runner, checkpoint)
            hook = WeightPatchHook(ratio=0.25)
            hook.after_load_checkpoint(runner, checkpoint)
        hook.after_train_epoch(runner)
        if epoch < 2:
            assert torch.equal(backbone.weight, passed[-1])
    expected = 0.25 * pretrained.weight + 0.75 * sum(passed) / 3
    torch.testing.assert_close(backbone.weight, expected)


@pytest.mark.parametrize('form, size', [('vit', 32), ('resnet', 64)])
def test_the_leaf(clips, form, size):
    model, _ = build(LEAF, clips[form], image_size=size)
    losses, trained = step(model, size)
    assert 'loss_known_between' in losses
    assert {name.split('.')[0] for name in trained} == {'backbone'}
    saved = same_after_loading(model, LEAF, size, clips[form], image_size=size)
    assert {name.split('.')[0] for name in saved} == {'backbone', 'cls_head'}  # not CLIP again
