import copy
import hashlib
import json
import logging

import open_clip
import pytest
import tiny
import torch
from mmengine.runner.checkpoint import load_state_dict as mmengine_load
from safetensors.torch import save_file
from torch import nn

from hesp_mmaction.errors import InputError
from hesp_mmaction.models import clip as clip_module
from hesp_mmaction.models.attention import PIECE, run_mlp
from hesp_mmaction.models.backbones import CLIPImageTower
from hesp_mmaction.models.backbones.clip_image_tower import PatchConv
from hesp_mmaction.models.clip import load_clip
from hesp_mmaction.models.prompts import CLIPTextTower


class OpenAILayout(nn.Module):
    """What an OpenAI archive holds: CLIP's weights in half precision plus three numbers."""

    def __init__(self, clip):
        super().__init__()
        self.visual, self.transformer = clip.visual, clip.transformer
        self.token_embedding, self.ln_final = clip.token_embedding, clip.ln_final
        self.positional_embedding = clip.positional_embedding
        self.text_projection, self.logit_scale = clip.text_projection, clip.logit_scale
        for name, value in dict(input_resolution=clip.visual.image_size[0],
                                context_length=clip.context_length,
                                vocab_size=clip.vocab_size).items():
            self.register_buffer(name, torch.tensor(value))

    def forward(self, x):
        return self.visual(x)


@pytest.fixture(scope='module')
def vit_b32(tmp_path_factory):
    """The same random ViT-B/32 weights as archive, plain state dict and safetensors."""
    folder = tmp_path_factory.mktemp('vit_b32')
    torch.manual_seed(0)
    clip = open_clip.model.CLIP(**open_clip.get_model_config('ViT-B-32-quickgelu')).eval()
    for parameter in clip.parameters():  # OpenAI's weights are half precision
        parameter.data = parameter.data.half().float()
    torch.save(clip.state_dict(), folder / 'plain.pt')
    with torch.no_grad():
        traced = torch.jit.trace(OpenAILayout(clip), torch.zeros(1, 3, 224, 224),
                                 check_trace=False)
    traced.save(str(folder / 'archive.pt'))
    return folder, clip


def as_openais(monkeypatch, path):
    """Let a file count as one of OpenAI's archives."""
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(clip_module, 'openai_archives', lambda: {found})


def test_archive_and_state_dict_give_equal_features(vit_b32, monkeypatch):
    folder, clip = vit_b32
    as_openais(monkeypatch, folder / 'archive.pt')
    frames = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        expected = clip.visual(frames)
        for name in ('plain.pt', 'archive.pt'):
            tower = CLIPImageTower('ViT-B-32', str(folder / name))  # GELU by its name
            torch.testing.assert_close(tower(frames), expected, atol=1e-5, rtol=1e-5)
        wrong = CLIPImageTower('ViT-B-32', str(folder / 'plain.pt'), quick_gelu=False)
        assert (wrong(frames) - expected).abs().max() > 1e-3  # the activation does matter


def test_weights_that_do_not_tell_are_built_as_named_with_a_warning(tmp_path, clips, monkeypatch):
    said = []
    monkeypatch.setattr('hesp_mmaction.models.clip.print_log',
                        lambda message, *args: said.append((message, *args)))
    config = tiny.VIT | dict()
    config.pop('quick_gelu')
    arch = tmp_path / 'plain.json'
    arch.write_text(json.dumps(config))
    model = load_clip(str(arch), clips['vit']['pretrained'])
    assert isinstance(model.visual.transformer.resblocks[0].mlp.gelu, nn.GELU)
    assert 'quick_gelu=True' in said[0][0] and said[0][2] == logging.WARNING
    quick = load_clip(str(arch), clips['vit']['pretrained'], quick_gelu=True)
    assert not isinstance(quick.visual.transformer.resblocks[0].mlp.gelu, nn.GELU)


def test_safetensors_equal_torch_file(tmp_path, clips):
    weights = torch.load(clips['vit']['pretrained'], weights_only=True)
    save_file(weights, tmp_path / 'w.safetensors')
    a = load_clip(clips['vit']['arch'], str(tmp_path / 'w.safetensors'))
    for key, value in a.state_dict().items():
        assert torch.equal(value, weights[key])


def test_parts_of_masked_image_training_are_passed_over(tmp_path, clips):
    """The form of FaRL's file: a dict with a state dict, which holds more than a CLIP."""
    weights = torch.load(clips['vit']['pretrained'], weights_only=True)
    more = {'visual.mask_token': torch.zeros(1), 'visual.ln_lm.weight': torch.zeros(2),
            'visual.lm_transformer.resblocks.0.ln_1.bias': torch.zeros(2),
            'visual.lm_head.weight': torch.zeros(3)}
    torch.save(dict(state_dict=weights | more), tmp_path / 'farl.pth')
    model = load_clip(clips['vit']['arch'], str(tmp_path / 'farl.pth'))
    for key, value in model.state_dict().items():
        assert torch.equal(value, weights[key]), key


@pytest.mark.parametrize('arch, pretrained, said', [
    ('ViT-Z-99', None, 'ViT-Z-99'),
    ('nowhere.json', None, 'nowhere.json'),
    ('small_face_clip', 'nowhere.pt', 'nowhere.pt'),
    ('ViT-B-32', 'embedded', 'small_face_clip'),
])
def test_what_cannot_be_found_is_named(arch, pretrained, said):
    with pytest.raises(InputError, match=said):
        load_clip(arch, pretrained)


def test_a_tag_says_what_activation_it_needs_and_a_failed_download_what_to_do(
        vit_b32, monkeypatch):
    asked = []
    monkeypatch.setattr(open_clip, 'download_pretrained',
                        lambda source: asked.append(source) or str(vit_b32[0] / 'plain.pt'))
    model = load_clip('ViT-B-32', 'openai')
    assert asked and not isinstance(model.visual.transformer.resblocks[0].mlp.gelu, nn.GELU)

    def fail(source):
        raise OSError('no route to host')
    monkeypatch.setattr(open_clip, 'download_pretrained', fail)
    with pytest.raises(InputError, match='no route to host.*clip.pretrained=FILE'):
        load_clip('ViT-B-16', 'openai')


def test_weights_of_another_architecture_are_refused(clips):
    with pytest.raises(InputError, match='do not fit'):
        load_clip(clips['vit']['arch'], clips['resnet']['pretrained'])


def test_a_pickle_is_not_executed(tmp_path, clips):
    class Bad:
        def __reduce__(self):
            return (tmp_path.joinpath('ran').touch, ())
    torch.save(dict(state_dict=Bad()), tmp_path / 'bad.pt')
    with pytest.raises(InputError, match='bad.pt'):
        load_clip(clips['vit']['arch'], str(tmp_path / 'bad.pt'))
    assert not (tmp_path / 'ran').exists()


@pytest.mark.parametrize('form', ['vit', 'resnet'])
def test_tower_equals_open_clip_and_is_frozen(clips, form):
    tower = CLIPImageTower(**clips[form])
    frames = torch.randn(3, 3, tiny.SIZES[form], tiny.SIZES[form])
    tower.train()
    assert not any(m.training for m in tower.modules())
    assert not any(p.requires_grad for p in tower.parameters())
    reference = load_clip(**clips[form]).visual
    torch.testing.assert_close(tower(frames), reference(frames), atol=1e-5, rtol=1e-5)
    frames.requires_grad_()
    tower(frames).sum().backward()
    assert frames.grad.abs().sum() > 0  # pixels still learn


@pytest.mark.parametrize('form', ['vit', 'resnet'])
def test_frozen_tower_is_neither_saved_nor_missed(clips, form):
    holder = nn.ModuleDict(dict(tower=CLIPImageTower(**clips[form]), other=nn.Linear(2, 2)))
    saved = holder.state_dict()
    assert set(saved) == {'other.weight', 'other.bias'}
    fresh = copy.deepcopy(holder)
    assert fresh.load_state_dict(saved, strict=True) is not None
    mmengine_load(fresh, saved, strict=True)
    for a, b in zip(holder.parameters(), fresh.parameters(), strict=True):
        assert torch.equal(a, b)


def test_unfrozen_tower_trains_and_is_saved(clips):
    tower = CLIPImageTower(**clips['vit'], frozen=False)
    assert tower.eval().train().training and all(p.requires_grad for p in tower.parameters())
    assert tower.state_dict()


@pytest.mark.parametrize('dtype, limit', [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize('quick', [True, False])
@pytest.mark.parametrize('recompute', [False, True])
def test_the_lean_vit_equals_open_clips(clips, dtype, limit, quick, recompute):
    """Features, with a gradient and without, and gradients to the pixels, whatever is left out or
    computed again. More images than go through an MLP at once."""
    arguments = dict(clips['vit'], quick_gelu=quick)
    frames = torch.randn(PIECE + 2, 3, 32, 32, dtype=dtype)
    weights = torch.randn(PIECE + 2, 12, dtype=dtype)
    found = []
    for run in (load_clip(**arguments).visual, CLIPImageTower(**arguments, recompute=recompute)):
        x = frames.clone().requires_grad_()
        feature = run.to(dtype)(x)
        found.append((feature, *torch.autograd.grad((feature * weights).sum(), x)))
        with torch.no_grad():
            found[-1] += (run(x),)
    for theirs, ours in zip(*found, strict=True):
        assert (ours - theirs).abs().max() <= limit * theirs.abs().max()


def test_patches_by_a_product_of_matrices_equal_the_convolution():
    """Also of images that are no multiple of the patch; of oblong patches, with a bias."""
    conv = torch.nn.Conv2d(3, 5, (4, 6), (4, 6), dtype=torch.float64)
    x = torch.randn(2, 3, 14, 20, dtype=torch.float64)
    state = torch.get_rng_state()
    ours = PatchConv.of(conv)
    assert torch.equal(state, torch.get_rng_state()) and ours.weight is conv.weight
    torch.testing.assert_close(ours(x), conv(x), rtol=1e-12, atol=1e-12)


def test_the_mlp_keeps_one_wide_tensor_for_its_gradient():
    """Values and gradients, to weights too, as open_clip's own; its weights frozen, it keeps of
    four times the width only what the activation read."""
    theirs = open_clip.transformer
    block = theirs.ResidualAttentionBlock(8, 2, act_layer=theirs.QuickGELU).double()
    x = torch.randn(15, 8, dtype=torch.float64, requires_grad=True)
    into = [x, *block.ln_2.parameters(), *block.mlp.parameters()]
    weights = torch.randn(15, 8, dtype=torch.float64)
    for pair in zip(*(torch.autograd.grad((y * weights).sum(), into) for y in
                      (run_mlp(block, x), block.mlp(block.ln_2(x)))), strict=True):
        torch.testing.assert_close(*pair, rtol=1e-12, atol=1e-12)
    kept = []
    block.requires_grad_(False)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t,
                                                  lambda t: t):
        y = run_mlp(block, x)
    assert max(kept) == 15 * 32 and kept.count(15 * 32) == 1
    torch.testing.assert_close(y, block.mlp(block.ln_2(x)), rtol=1e-13, atol=1e-13)


def test_wrong_image_size_is_named(clips):
    with pytest.raises(InputError, match='32 x 32'):
        CLIPImageTower(**clips['vit'])(torch.zeros(1, 3, 64, 64))


@pytest.mark.parametrize('form', ['vit', 'resnet'])
def test_activation_map_is_the_effect_of_each_place(clips, form):
    """Oracle: finite differences; a place of the grid is made a little stronger, in float64."""
    tower = CLIPImageTower(**clips[form]).double()
    frames = torch.randn(2, 3, tiny.SIZES[form], tiny.SIZES[form], dtype=torch.float64)
    text = tower(frames) - tower(torch.zeros_like(frames))  # what the frames' content adds
    text = torch.nn.functional.normalize(text, dim=-1)
    maps = tower.activation_map(frames, text)
    assert maps.shape == (2, 4, 4) and (maps >= 0).all() and maps.flatten(1).any(1).all()
    with torch.no_grad():  # works inside no_grad, alone equals in a batch
        alone = tower.activation_map(frames[1:], text)
    torch.testing.assert_close(alone, maps[1:], atol=1e-9, rtol=1e-6)

    def stronger(row, column, by):
        def hook(module, inputs):
            x = inputs[0].clone()
            x[:, :, row, column] *= 1 + by
            return (x,)

        def hook_behind(module, inputs, x):
            x = x.clone()
            x[:, 1 + 4 * row + column] *= 1 + by
            return x
        visual = tower.visual
        if form == 'resnet':
            handle = visual.layer4.register_forward_pre_hook(hook)
        else:  # what the last block reads; a norm would take away what is put before it
            handle = visual.transformer.resblocks[-1].ln_1.register_forward_hook(hook_behind)
        cosines = torch.nn.functional.normalize(visual(frames), dim=-1) @ text.T
        handle.remove()
        return cosines.max(1).values

    for row, column in ((0, 0), (1, 3), (2, 2)):
        effect = (stronger(row, column, 1e-5) - stronger(row, column, -1e-5)) / 2e-5
        torch.testing.assert_close(maps[:, row, column], effect.clamp_min(0), atol=1e-8, rtol=1e-5)


def test_features_of_places_are_what_the_tower_pools(clips):
    """With an attention that is the same everywhere, the ResNet form's feature is their mean."""
    tower = CLIPImageTower(**clips['resnet'], dense=True).double()
    frames = torch.randn(2, 3, tiny.SIZES['resnet'], tiny.SIZES['resnet'], dtype=torch.float64)
    for part in (tower.visual.attnpool.q_proj.weight, tower.visual.attnpool.q_proj.bias,
                 tower.visual.attnpool.positional_embedding):
        part.data.zero_()
    with torch.no_grad():
        feature, places = tower(frames)
        torch.testing.assert_close(feature, tower.visual(frames))
        torch.testing.assert_close(places.mean((2, 3)), feature)
    assert places.shape[1] == tower.out_channels

    tower = CLIPImageTower(**clips['vit'], dense=True).double()
    frames = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    with torch.no_grad():
        tokens = tower.visual.transformer(tower.visual._embeds(frames))
        place = tower.visual.ln_post(tokens[:, 1 + 4 * 2 + 3]) @ tower.visual.proj
        feature, places = tower(frames)
        torch.testing.assert_close(places[:, :, 2, 3], place)
        torch.testing.assert_close(feature, tower.visual(frames))


def test_text_tower_equals_open_clip_and_cut_changes_nothing(clips):
    tower = CLIPTextTower(**clips['vit']).double()
    clip = load_clip(**clips['vit']).double()
    sentences = ['This video is not angry.', 'happy']
    ids = tower.tokenizer(sentences)
    assert ids.shape[1] == 40 and tower.tokenize(sentences).shape[1] < 10
    expected = clip.encode_text(ids)  # all 40 positions
    torch.testing.assert_close(tower.encode_text(sentences), expected, atol=1e-12, rtol=1e-12)


def test_long_sentence_is_named(clips):
    with pytest.raises(InputError, match='40 tokens'):
        CLIPTextTower(**clips['vit']).encode_text(['happy ' * 50])


@pytest.mark.parametrize('other', [dict(no_causal_mask=True), dict(ls_init_value=0.1),
                                   dict(pool_type='last')])
def test_a_text_tower_of_another_kind_is_refused(tmp_path, other):
    """Rather than read as CLIP's own, with other features than open_clip gives."""
    path = tmp_path / 'other.json'
    path.write_text(json.dumps(dict(tiny.VIT, text_cfg=tiny.TEXT | other)))
    with pytest.raises(InputError, match="not CLIP's own"):
        CLIPTextTower(str(path))
