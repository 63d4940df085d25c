"""VPT, VP, and HESP with either in place of its visual prompt."""
import numpy as np
import pytest
import torch
from leaves import build, same_after_loading, step
from numpy_clip import arrays, block, norm, pooled
from open_clip.transformer import ResidualAttentionBlock

from hesp_mmaction.models.attention import pool_tokens, run_block, run_pool
from hesp_mmaction.models.backbones import CLIPImageTower, VPTTower


def test_opened_layers_are_clips_own(clips):
    """Without anything to widen, features and gradients equal open_clip's."""
    vit = CLIPImageTower(**clips['vit']).double().visual
    layer, x = vit.transformer.resblocks[0], torch.randn(3, 17, 16, dtype=torch.float64)
    found = []
    for run in (layer, lambda x: run_block(layer, x)):
        leaf = x.clone().requires_grad_()
        y = run(leaf)
        found.append((y, *torch.autograd.grad(y.square().sum(), leaf)))
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
    pool = CLIPImageTower(**clips['resnet']).double().visual.attnpool
    maps = torch.randn(3, 256, 2, 2, dtype=torch.float64)
    torch.testing.assert_close(run_pool(pool, pool_tokens(pool, maps)), pool(maps))


def test_opened_layers_keep_their_layer_scale():
    """With a gradient and without, where the MLP adds in place."""
    layer = ResidualAttentionBlock(16, 2, ls_init_value=0.1).double().requires_grad_(False)
    layer.ls_2.gamma.data *= 3
    x = torch.randn(3, 5, 16, dtype=torch.float64)
    torch.testing.assert_close(run_block(layer, x), layer(x), rtol=1e-12, atol=1e-12)
    with torch.no_grad():
        torch.testing.assert_close(run_block(layer, x), layer(x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize('deep', [False, True])
def test_tokens_in_a_vit_equal_numpy(clips, deep):
    torch.manual_seed(0)
    tower = VPTTower(**clips['vit'], num_tokens=3, deep=deep).double()
    tower.tokens.data = torch.randn_like(tower.tokens)
    assert tower.tokens.shape == (2 if deep else 1, 3, 16)
    frames = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    visual = tower.visual
    expected = []
    for x in visual._embeds(frames).detach().numpy():
        tokens = tower.tokens.detach().numpy()
        x = np.concatenate([x[:1], tokens[0], x[1:]])
        x = block(x, arrays(visual.transformer.resblocks[0]), 2)
        if deep:
            x[1:4] = tokens[1]
        x = block(x, arrays(visual.transformer.resblocks[1]), 2)
        w = arrays(visual)
        expected.append(norm(x[0], w, 'ln_post') @ w['proj'])
    np.testing.assert_allclose(tower(frames).detach().numpy(), expected, rtol=1e-9, atol=1e-12)


def test_tokens_in_the_resnet_form_join_its_pooling(clips):
    torch.manual_seed(0)
    tower = VPTTower(**clips['resnet'], num_tokens=3).double()
    tower.tokens.data = torch.randn_like(tower.tokens)
    frames = torch.randn(2, 3, 64, 64, dtype=torch.float64)
    pool = tower.visual.attnpool
    maps = tower.resnet_maps(frames).detach()
    tokens = tower.tokens[0].detach().numpy()
    expected = [pooled(x, arrays(pool), pool.num_heads, [x, tokens])
                for x in pool_tokens(pool, maps).detach().numpy()]
    np.testing.assert_allclose(tower(frames).detach().numpy(), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize('form, size', [('vit', 32), ('resnet', 64)])
@pytest.mark.parametrize('name, trained', [
    ('vpt_afew_o34.py', {'backbone.tokens'}),
    ('vp_afew_o34.py', {'visual_prompt.delta'}),
    ('hesp_vpt_afew_o34.py', {'backbone.tokens', 'cls_head.prompts.contexts', 'negatives.images',
                              'neck.weights'}),
    ('hesp_padding_afew_o34.py', {'visual_prompt.delta', 'cls_head.prompts.contexts',
                                  'negatives.images', 'neck.weights'})])
def test_the_leaves(clips, name, trained, form, size):
    model, cfg = build(name, clips[form], image_size=size)
    _, found = step(model, size)
    assert found == trained
    same_after_loading(model, name, size, clips[form], image_size=size)
    if 'visual_prompt.delta' in trained:  # the border is an eighth of the image, at any size
        gradient = model.visual_prompt.delta.grad[0].abs().sum(0)
        inner = gradient[size // 8:-size // 8, size // 8:-size // 8]
        assert model.visual_prompt.width == size // 8 and inner.eq(0).all()
        assert gradient[:size // 8].gt(0).all()
