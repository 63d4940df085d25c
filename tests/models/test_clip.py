import copy
import hashlib
import json
import logging
from pathlib import Path

import open_clip
import pytest
import tiny
import torch
from mmaction.registry import MODELS
from mmengine.registry import init_default_scope
from mmengine.runner.checkpoint import load_state_dict as mmengine_load
from safetensors.torch import save_file
from torch import nn

from hesp_mmaction.errors import InputError
from hesp_mmaction.models import clip as clip_module
from hesp_mmaction.models import clip_weights
from hesp_mmaction.models.attention import PIECE, run_mlp
from hesp_mmaction.models.backbones import CLIPImageTower
from hesp_mmaction.models.backbones.faster_layers import PatchConv
from hesp_mmaction.models.clip import CLIP_MEAN, CLIP_STD, load_clip, pixel_statistics
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
    monkeypatch.setattr(clip_weights, 'openai_archives', lambda: {found})


@pytest.mark.ci
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


def said_by(monkeypatch):
    """The list that collects (message, level) of what loading a CLIP says."""
    said = []
    monkeypatch.setattr(clip_module, 'print_log', lambda message, logger=None, level=logging.INFO:
                        said.append((message, level)))
    return said


def plain_vit(tmp_path):
    """The path of a tiny config that does not say its activation."""
    arch = tmp_path / 'plain.json'
    arch.write_text(json.dumps({k: v for k, v in tiny.VIT.items() if k != 'quick_gelu'}))
    return str(arch)


def is_quick(model):
    found = {type(block.mlp.gelu).__name__ for block in (
        *model.visual.transformer.resblocks, *model.transformer.resblocks)}
    assert len(found) == 1  # both towers
    return found == {'QuickGELU'}


HALVED = 'halved by somebody'


@pytest.mark.parametrize('form, quick, level', [
    ('marks', True, logging.INFO), ('float32 again', True, logging.WARNING),
    (HALVED, False, logging.WARNING), ('float32', False, logging.WARNING)])
def test_the_activation_follows_from_what_the_file_shows(
        tmp_path, clips, monkeypatch, form, quick, level):
    """Half precision alone is no sign of OpenAI: anybody may halve a file to save space."""
    weights = torch.load(clips['vit']['pretrained'], weights_only=True)
    if form == HALVED:
        weights = {key: value.half() for key, value in weights.items()}
    elif form != 'float32':  # OpenAI's own norms are float32
        weights = {key: value if 'ln_' in key else value.half() for key, value in weights.items()}
    if form == 'float32 again':
        weights = {key: value.float() for key, value in weights.items()}
    if form == 'marks':
        weights |= dict(input_resolution=torch.tensor(32), context_length=torch.tensor(40))
    torch.save(weights, tmp_path / 'w.pt')
    said = said_by(monkeypatch)
    assert is_quick(load_clip(plain_vit(tmp_path), str(tmp_path / 'w.pt'))) is quick
    (message, found), = said
    assert found == level and ('QuickGELU' if quick else 'with GELU') in message
    assert level == logging.INFO or f'set clip.quick_gelu={not quick}' in message
    said.clear()
    other = load_clip(plain_vit(tmp_path), str(tmp_path / 'w.pt'), quick_gelu=not quick)
    assert is_quick(other) is not quick and not said
    named = dict(tiny.VIT, quick_gelu=False)
    (tmp_path / 'named.json').write_text(json.dumps(named))
    model = load_clip(str(tmp_path / 'named.json'), str(tmp_path / 'w.pt'))
    assert is_quick(model) is (form == 'marks')  # the config's own word, but for OpenAI's marks


def to_hugging_face(weights):
    """The inverse of what is tested, tensor by tensor, from transformers' modeling_clip.py."""
    found = {'logit_scale': weights['logit_scale'],
             'text_model.embeddings.position_ids': torch.arange(40)[None],
             'visual_projection.weight': weights['visual.proj'].T,
             'text_projection.weight': weights['text_projection'].T,
             'text_model.embeddings.token_embedding.weight': weights['token_embedding.weight'],
             'text_model.embeddings.position_embedding.weight': weights['positional_embedding'],
             'vision_model.embeddings.class_embedding': weights['visual.class_embedding'],
             'vision_model.embeddings.patch_embedding.weight': weights['visual.conv1.weight'],
             'vision_model.embeddings.position_embedding.weight':
                 weights['visual.positional_embedding']}
    for kind in ('weight', 'bias'):
        for theirs, ours in (('text_model.final_layer_norm', 'ln_final'),
                             ('vision_model.pre_layrnorm', 'visual.ln_pre'),
                             ('vision_model.post_layernorm', 'visual.ln_post')):
            found[f'{theirs}.{kind}'] = weights[f'{ours}.{kind}']
        for theirs, ours in (('text_model', ''), ('vision_model', 'visual.')):
            for i in range(2):
                a, b = (f'{theirs}.encoder.layers.{i}.', f'{ours}transformer.resblocks.{i}.')
                for name, part in zip('qkv', weights[f'{b}attn.in_proj_{kind}'].chunk(3),
                                      strict=True):
                    found[f'{a}self_attn.{name}_proj.{kind}'] = part
                for x, y in (('self_attn.out_proj', 'attn.out_proj'), ('layer_norm1', 'ln_1'),
                             ('layer_norm2', 'ln_2'), ('mlp.fc1', 'mlp.c_fc'),
                             ('mlp.fc2', 'mlp.c_proj')):
                    found[f'{a}{x}.{kind}'] = weights[f'{b}{y}.{kind}']
    return {key: value.contiguous() for key, value in found.items()}


def custom_text(weights):
    """As open_clip's CustomTextCLIP has it."""
    return {key if key.startswith('visual.') or key == 'logit_scale' else f'text.{key}': value
            for key, value in weights.items()}


LAYOUTS = {
    'compiled': lambda w: {f'_orig_mod.{k}': v for k, v in w.items()},
    'compiled tower': lambda w: {k.replace('visual.', 'visual._orig_mod.'): v
                                 for k, v in w.items()},
    'parallel': lambda w: {f'module.{k}': v for k, v in w.items()},
    'parallel and compiled': lambda w: {f'module._orig_mod.{k}': v for k, v in w.items()},
    'Lightning': lambda w: dict(epoch=3, global_step=9, state_dict={
        f'model.{k}': v for k, v in w.items()}, hyper_parameters=dict(lr=0.1)),
    'an owner': lambda w: dict(model={f'clip_model.{k}': v for k, v in w.items()}),
    'training of open_clip': lambda w: dict(
        epoch=1, name='run', state_dict={f'module.{k}': v for k, v in w.items()},
        optimizer=dict(state={0: dict(step=torch.tensor(3.))}, param_groups=[dict(lr=1e-3)])),
    'Hugging Face': to_hugging_face,
    'an owner of Hugging Face': lambda w: {f'clip.{k}': v for k, v in to_hugging_face(w).items()},
    'custom text': custom_text,
}


@pytest.mark.parametrize('suffix', ['.pt', '.safetensors'])
@pytest.mark.parametrize('layout', LAYOUTS)
def test_layouts_of_others_are_read(tmp_path, clips, layout, suffix):
    weights = torch.load(clips['vit']['pretrained'], weights_only=True)
    theirs, path = LAYOUTS[layout](weights), tmp_path / f'w{suffix}'
    if suffix == '.pt':
        torch.save(theirs, path)
    else:
        save_file(theirs.get('state_dict') or theirs.get('model') or theirs, path)
    model = load_clip(clips['vit']['arch'], str(path)).state_dict()
    assert set(model) == set(weights)
    for key, value in weights.items():
        assert torch.equal(model[key], value), key


def test_what_else_is_in_a_file_is_named(tmp_path, clips):
    weights = torch.load(clips['vit']['pretrained'], weights_only=True)
    face = to_hugging_face(weights)
    del face['vision_model.encoder.layers.1.self_attn.k_proj.weight']
    for content, words in (
            ({f'model.{k}': v for k, v in weights.items()} | {'loss.scale': torch.ones(1)},
             'first: loss.scale is not known there'),
            (face, r'visual.transformer.resblocks.1.attn.in_proj_weight is missing'),
            ({k: v for k, v in weights.items() if k.startswith('visual')}, 'no text tower in it'),
            ({f'{name}.{k}': v for k, v in weights.items() for name in 'ab'}, '2 text towers'),
            (dict(epoch=3, lr=0.1), "more than weights, such as 'epoch'"),
            ([torch.ones(1)], 'holds no weights'), ({}, 'holds no weights')):
        torch.save(content, tmp_path / 'w.pt')
        with pytest.raises(InputError, match=words):
            load_clip(clips['vit']['arch'], str(tmp_path / 'w.pt'))


@pytest.mark.parametrize('suffix', ['.pt', '.bin', '.pth', '.safetensors'])
@pytest.mark.parametrize('fault', ['empty', 'cut', 'git-lfs', 'page', 'one byte'])
def test_a_file_that_is_not_whole_is_one_line(tmp_path, clips, suffix, fault):
    whole, path = tmp_path / f'whole{suffix}', tmp_path / f'w{suffix}'
    weights = torch.load(clips['vit']['pretrained'], weights_only=True)
    (save_file if suffix == '.safetensors' else torch.save)(weights, whole)
    content = whole.read_bytes()
    path.write_bytes({
        'empty': b'', 'cut': content[:len(content) // 2], 'one byte': content[:1],
        'page': b'<html>Sign in to download</html>', 'git-lfs':
            b'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 605143884\n'}[fault])
    strange = 'damaged|is no file of weights'
    words = {'page': strange, 'one byte': strange, 'git-lfs': 'git lfs pull'}.get(fault, 'damaged')
    with pytest.raises(InputError, match=words) as error:
        load_clip(clips['vit']['arch'], str(path))
    assert str(path) in str(error.value) and '\n' not in str(error.value).strip()


def test_only_openais_own_archives_are_run(vit_b32, monkeypatch):
    """TorchScript is a program; which ones are OpenAI's is told by the SHA-256 of their names."""
    folder, _ = vit_b32
    assert len(clip_weights.openai_archives()) == 9
    assert '40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af' in (
        clip_weights.openai_archives())  # ViT-B/32
    ran = []
    monkeypatch.setattr(torch.jit, 'load', lambda *a, **b: ran.append(a))
    with pytest.raises(InputError, match="none of OpenAI's.*torch.jit.load.*weights.pt"):
        load_clip('ViT-B-32', str(folder / 'archive.pt'))
    assert not ran


def test_a_file_replaced_under_its_name_is_read_anew_and_none_is_kept(tmp_path, clips):
    weights = torch.load(clips['vit']['pretrained'], weights_only=True)
    path, arch = tmp_path / 'w.pt', clips['vit']['arch']
    torch.save(weights, path)
    first = clip_module.digest(arch, str(path))
    load_clip(arch, str(path))
    torch.save({key: value + 1 for key, value in weights.items()}, path)
    again = load_clip(arch, str(path))
    assert torch.equal(again.logit_scale, weights['logit_scale'] + 1)
    assert clip_module.digest(arch, str(path)) != first
    CLIPImageTower(arch, str(path))
    assert clip_weights._read_file.cache_info().currsize == 1  # for the text tower of the model
    CLIPTextTower(arch, str(path))
    assert clip_weights._read_file.cache_info().currsize == 0


def test_the_digest_is_of_contents_not_of_places(tmp_path, clips):
    arch, path = clips['vit']['arch'], clips['vit']['pretrained']
    moved = tmp_path / 'other.pt'
    moved.write_bytes(Path(path).read_bytes())
    (tmp_path / 'other.json').write_text(Path(arch).read_text())
    assert clip_module.digest(str(tmp_path / 'other.json'), str(moved)) == (
        clip_module.digest(arch, path))
    config = json.loads(Path(arch).read_text())
    config['vision_cfg']['head_width'] = 4
    (tmp_path / 'other.json').write_text(json.dumps(config))
    assert clip_module.digest(str(tmp_path / 'other.json'), str(moved)) != (
        clip_module.digest(arch, path))
    assert clip_module.digest(arch, None) is None


def test_pixel_statistics_come_with_the_weights(tmp_path, clips):
    """Those of a tag of open_clip and of a config, in 0..255; the config of a run goes first."""
    half = ((127.5,) * 3,) * 2
    assert pixel_statistics('ViT-L-14', 'laion2b_s32b_b82k') == half
    assert pixel_statistics('ViT-B-32', 'openai') == pixel_statistics('ViT-B-32') == (
        CLIP_MEAN, CLIP_STD)
    assert pixel_statistics('small_face_clip', 'embedded') == (CLIP_MEAN, CLIP_STD)
    arch = tmp_path / 'open_clip_config.json'  # as Hugging Face has it
    arch.write_text(json.dumps(dict(model_cfg=tiny.VIT, preprocess_cfg=dict(
        mean=[0.5] * 3, std=[0.5] * 3, interpolation='bicubic'))))
    assert pixel_statistics(str(arch), clips['vit']['pretrained']) == half
    model = dict(type='PromptedRecognizer', known=['anger', 'fear'], cls_head=dict(
        type='LinearHead', in_channels=12), backbone=dict(
        type='CLIPImageTower', arch=str(arch), pretrained=clips['vit']['pretrained']))
    init_default_scope('mmaction')
    for more, mean in (({}, 0.5), (dict(mean=(25.5,) * 3), 0.1)):
        built = MODELS.build(model | more)
        assert built.mean.flatten().tolist() == pytest.approx([mean] * 3)
        assert built.std.flatten().tolist() == pytest.approx([0.5] * 3)
    usual = MODELS.build(dict(model, backbone=dict(type='CLIPImageTower', **clips['vit'])))
    assert torch.equal(usual.mean.flatten(), torch.tensor(CLIP_MEAN) / 255)


def test_a_file_of_an_architecture_with_two_statistics_is_asked_about(
        tmp_path, clips, monkeypatch):
    """ViT-L-14 is OpenAI's and LAION's; a file says which, or a config beside it."""
    path = tmp_path / 'w.pt'
    path.write_bytes(Path(clips['vit']['pretrained']).read_bytes())
    said = said_by(monkeypatch)
    assert pixel_statistics('ViT-L-14', str(path)) == (CLIP_MEAN, CLIP_STD)
    (message, level), = said
    assert level == logging.WARNING and 'model.mean=127.5,127.5,127.5' in message
    assert pixel_statistics('ViT-B-32', str(path)) == (CLIP_MEAN, CLIP_STD) and len(said) == 1
    weights = torch.load(path, weights_only=True) | dict(input_resolution=torch.tensor(224))
    torch.save(weights, tmp_path / 'openai.pt')
    assert pixel_statistics('ViT-L-14', str(tmp_path / 'openai.pt')) == (CLIP_MEAN, CLIP_STD)
    (tmp_path / 'open_clip_config.json').write_text(json.dumps(dict(
        model_cfg=tiny.VIT, preprocess_cfg=dict(mean=[0.5] * 3, std=[0.5] * 3))))
    assert pixel_statistics('ViT-L-14', str(path)) == ((127.5,) * 3,) * 2 and len(said) == 1


def small(config):
    """An architecture of open_clip with the same parts, tiny."""
    vision, form = dict(config['vision_cfg']), config['vision_cfg'].get('layers')
    vision |= (tiny.RESNET if isinstance(form, list) else tiny.VIT)['vision_cfg']
    return dict(config, embed_dim=12, vision_cfg=vision, text_cfg=config['text_cfg'] | tiny.TEXT)


def architectures():
    """Every kind of open_clip's architectures, as far as they are CLIPs, and more kinds of ViT."""
    found = {}
    for name in open_clip.list_models():
        config = open_clip.get_model_config(name)
        if not ({'timm_model_name'} & set(config['vision_cfg']) or 'multimodal_cfg' in config
                or 'hf_model_name' in config['text_cfg']):
            found.setdefault(json.dumps(small(config)), name)
    found = {name: json.loads(config) for config, name in found.items()}
    for key, value in dict(
            ls_init_value=0.1, patch_dropout=0.5, no_ln_pre=True, pos_embed_type='sin_cos_2d',
            pool_type='avg', final_ln_after_pool=True, output_tokens=True, mlp_ratio=2.0,
            attentional_pool=True, norm_kwargs=dict(eps=0.1), image_size=[32, 32],
            act_kwargs=dict(approximate='tanh'), block_type='custom', qk_norm=True,
            scaled_cosine_attn=True, scale_heads=True, scale_attn_inner=True, scale_attn=True,
            scale_fc=True).items():
        vision = tiny.VIT['vision_cfg'] | {key: value, 'attn_pooler_heads': 2}
        found[key] = dict(tiny.VIT, vision_cfg=vision, quick_gelu=False,
                          text_cfg=dict(tiny.TEXT, layers=1, vocab_size=300))  # not looked at
    return found


REFUSED = {'block_type', 'qk_norm', 'scaled_cosine_attn', 'scale_heads', 'scale_attn_inner',
           'scale_attn', 'scale_fc'}


@pytest.mark.ci
def test_every_architecture_of_open_clip_is_computed_or_refused(tmp_path):
    """Oracle: open_clip's own forward pass, for images and texts."""
    computed, refused, texts = set(), set(), set()
    ids = open_clip.tokenizer.SimpleTokenizer(context_length=40)(['a happy face', 'fear'])
    for name, config in architectures().items():
        arch = tmp_path / 'arch.json'
        arch.write_text(json.dumps(config))
        torch.manual_seed(0)
        model = open_clip.model.CLIP(**{k: v for k, v in config.items() if k != 'custom_text'})
        for parameter in model.parameters():  # norms, scales and biases off their neutral values
            parameter.data += 0.1 * torch.randn_like(parameter)
        torch.save(model.eval().state_dict(), tmp_path / 'w.pt')
        frames = torch.randn(2, 3, *2 * [model.visual.image_size if isinstance(
            model.visual.image_size, int) else model.visual.image_size[0]])
        given = dict(arch=str(arch), pretrained=str(tmp_path / 'w.pt'))
        with torch.no_grad():
            try:
                ours = CLIPImageTower(**given)(frames)
            except InputError as error:
                assert 'choose another clip.arch' in str(error)
                refused.add(name)
            else:
                theirs = model.visual(frames)
                theirs = theirs[0] if isinstance(theirs, tuple) else theirs  # with tokens
                torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4, msg=name)
                computed.add(name)
            if config['text_cfg']['vocab_size'] == 300:
                continue
            try:
                ours = CLIPTextTower(**given).encode_text(['a happy face', 'fear'])
            except InputError as error:
                assert "not CLIP's own" in str(error)
            else:
                torch.testing.assert_close(ours, model.encode_text(ids), atol=1e-4, rtol=1e-4)
                texts.add(name)
    assert refused == REFUSED
    assert {'RN50', 'ViT-B-16', 'ViT-B-16-quickgelu', 'ViT-M-16-alt'} < computed & texts
    assert any('CLIPA' in name for name in computed - texts)


@pytest.mark.parametrize('vision, more, words', [
    (dict(image_size=[32, 64]), {}, 'not squares'), (dict(pool_type='none'), {}, 'gives tokens'),
    (dict(attentional_pool='parallel', attn_pooler_heads=2), {}, 'gives tokens'),
    (dict(attentional_pool=True, attn_pooler_heads=2), dict(dense=True), 'no features'),
    (dict(patch_dropout=0.5), dict(frozen=False), 'drops patches'),
    (dict(attentional_pool=True, attn_pooler_heads=5), {}, 'cannot be built'),
    (dict(timm_model_name='resnet18', image_size=32), {}, "neither CLIP's ViT nor its ResNet")])
def test_an_image_tower_that_cannot_serve_is_refused(tmp_path, vision, more, words):
    path = tmp_path / 'other.json'
    path.write_text(json.dumps(dict(tiny.VIT, vision_cfg=tiny.VIT['vision_cfg'] | vision)))
    with pytest.raises(InputError, match=words):
        CLIPImageTower(str(path), **more)


@pytest.mark.parametrize('content, words', [
    ('{', 'is no JSON'), ('[]', 'is no JSON'), ('{}', 'needs embed_dim')])
def test_a_config_that_is_none_is_said(tmp_path, content, words):
    (tmp_path / 'a.json').write_text(content)
    with pytest.raises(InputError, match=words):
        load_clip(str(tmp_path / 'a.json'))


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
                                   dict(pool_type='last'), dict(hf_tokenizer_name='bert'),
                                   dict(vocab_size=300)])
def test_a_text_tower_of_another_kind_is_refused(tmp_path, other):
    """Rather than read as CLIP's own, with other features than open_clip gives."""
    path = tmp_path / 'other.json'
    path.write_text(json.dumps(dict(tiny.VIT, text_cfg=tiny.TEXT | other)))
    with pytest.raises(InputError, match="not CLIP's own"):
        CLIPTextTower(str(path))
