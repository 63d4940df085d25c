"""Loading CLIP: one function for an open_clip name, a JSON config and every kind of weight file."""
import json
import logging
import zipfile
from functools import lru_cache, partial
from pathlib import Path

import open_clip
import torch
from mmengine.logging import print_log
from open_clip.model import CLIP
from safetensors.torch import load_file
from torch import nn

from ..errors import InputError
from .clip_zoo.packing import unpack

ZOO = Path(__file__).parent / 'clip_zoo'
# What FaRL's file (CLIP ViT-B/16 trained on faces) holds for its masked-image loss alone.
MASKED_IMAGE_PARTS = {'mask_token', 'ln_lm', 'lm_transformer', 'lm_head'}
EMBEDDED = 'small_face_clip'  # the CLIP shipped in this package, trained on drawn faces


def load_clip(arch, pretrained=None, quick_gelu=None):
    """Build a CLIP with both towers, float32, in eval mode, on the CPU.

    Args:
        arch (str): a name of open_clip (``'ViT-B-32'``), the path of an open_clip model config in
            JSON, or ``'small_face_clip'``, the CLIP embedded in this package.
        pretrained (str, optional): path of a state dict (``.pt``, ``.safetensors``), path of an
            OpenAI TorchScript archive, ``'embedded'`` for the weights of this package, or a tag
            of open_clip such as ``'openai'`` (which downloads). ``None`` draws random weights.
        quick_gelu (bool, optional): the activation the weights were trained with. ``None`` finds
            out: OpenAI's weights need QuickGELU and say so by their form (an archive, or weights
            that are exactly half precision); for others the config decides, with a warning where
            the two readings differ.

    Returns:
        open_clip.model.CLIP

    Raises:
        InputError: the name, the file or the fit between weights and architecture is wrong.
    """
    config = _model_config(arch)
    if pretrained is None:
        print_log(f'CLIP {arch!r} has random weights (pretrained=None)', 'current', logging.WARNING)
        weights, needs_quick = None, None
    else:
        weights, needs_quick = _read_weights(str(pretrained), arch)
    config['quick_gelu'] = _activation(config, arch, pretrained, needs_quick, quick_gelu)
    config.pop('custom_text', None)
    try:
        model = CLIP(**config)
    except TypeError as error:
        raise InputError(f'{arch!r} is not a CLIP with a plain text tower: {error}') from error
    if weights is not None:
        _load(model, weights, arch, pretrained)
    return model.float().eval()


def feature_width(arch):
    """D of a CLIP, without building it. Args and errors as of :func:`load_clip`."""
    return _model_config(arch)['embed_dim']


def width_of(owner, in_channels=None, clip=None):
    """Width of a backbone's features: as given, or that of the CLIP it is.

    Args:
        owner (object): who asks, named in the error. in_channels (int, optional). clip (dict,
        optional): with ``arch``, see :func:`load_clip`.
    """
    if in_channels is None and clip is None:
        raise InputError(f"{type(owner).__name__} needs `in_channels`, the width of the backbone's "
                         'features, or the `clip` it is')
    return in_channels or feature_width(clip['arch'])


def _model_config(arch):
    path = ZOO / f'{arch}.json'
    if not path.is_file() and str(arch).endswith('.json'):
        path = Path(arch)
        if not path.is_file():
            raise InputError(f'CLIP config {arch!r} does not exist')
    if path.is_file():
        return json.loads(path.read_text(encoding='utf-8'))
    config = open_clip.get_model_config(arch)
    if config is None:
        raise InputError(f'no CLIP architecture {arch!r}: give a name of open_clip.list_models(), '
                         f'the path of a JSON config, or {EMBEDDED!r}')
    return config


@lru_cache(maxsize=1)  # the image and the text tower of one model read one file
def _read_weights(pretrained, arch):
    """(state dict, True / False / None = needs QuickGELU / does not / the file does not tell)."""
    if pretrained == 'embedded':
        path = ZOO / f'{arch}.safetensors'
        if not path.is_file():
            raise InputError(f"pretrained='embedded' goes with arch={EMBEDDED!r}, not {arch!r}")
        packed = load_file(path)
        return unpack(packed, _model_config(arch)['text_cfg']['vocab_size']), None
    path, needs_quick = Path(pretrained), None
    if not path.is_file():
        path, needs_quick = _download(arch, pretrained)
    if path.suffix == '.safetensors':
        weights = load_file(path)
    elif _is_torchscript(path):
        weights = torch.jit.load(path, map_location='cpu').state_dict()
        return _plain(weights), True
    else:
        try:
            weights = torch.load(path, map_location='cpu', weights_only=True)
        except Exception as error:
            raise InputError(f'{path} is not a file of CLIP weights (a state dict saved by '
                             'torch.save or safetensors, or an OpenAI TorchScript archive); '
                             'nothing but tensors is read from it') from error
    weights = weights.get('state_dict', weights)
    if needs_quick is None and _is_openai(weights):
        needs_quick = True
    return _plain(weights), needs_quick


def forget_weights():
    """Free the weight file that was read last (to be called when a model's towers are built)."""
    _read_weights.cache_clear()


def _download(arch, tag):
    """Fetch the weights open_clip knows under a tag: (path, whether they need QuickGELU)."""
    tags = open_clip.list_pretrained_tags_by_model(arch)
    if tag not in tags:
        raise InputError(f'CLIP weights {tag!r}: no such file, and open_clip has no such tag for '
                         f'{arch!r} (it has: {", ".join(tags) or "none"})')
    source = open_clip.get_pretrained_cfg(arch, tag)
    try:
        path = open_clip.download_pretrained(source)
    except Exception as error:  # whatever the client in use raises
        raise InputError(f'the CLIP weights {tag!r} of {arch!r} could not be downloaded ({error}); '
                         'download the file elsewhere and give its path: clip.pretrained=FILE, or '
                         'use the CLIP of this package: clip.arch=small_face_clip '
                         'clip.pretrained=embedded image_size=96') from error
    return Path(path), bool(source.get('quick_gelu'))


def _is_torchscript(path):
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith('constants.pkl') for name in archive.namelist())


def _is_openai(weights):
    """Whether a plain state dict holds OpenAI's weights: their marks, or exactly half precision."""
    if 'input_resolution' in weights:
        return True
    matrices = [value for key, value in weights.items() if key.endswith('c_fc.weight')]
    return bool(matrices) and all(torch.equal(m.float(), m.half().float()) for m in matrices)


def _plain(weights):
    weights = {key.removeprefix('module.'): value for key, value in weights.items()
               if not MASKED_IMAGE_PARTS & set(key.split('.'))}
    for key in ('input_resolution', 'context_length', 'vocab_size', 'attn_mask'):
        weights.pop(key, None)
    return weights


def _activation(config, arch, pretrained, needs_quick, asked):
    named = config.get('quick_gelu', False)
    if asked is not None:
        return asked
    if needs_quick and not named:
        print_log(f'{pretrained} holds OpenAI weights: {arch!r} is built with QuickGELU',
                  'current')
        return True
    if pretrained is not None and needs_quick is None and 'quick_gelu' not in config:
        print_log(f'{arch!r} is built with GELU; should {pretrained} come from OpenAI, '
                  'set quick_gelu=True', 'current', logging.WARNING)
    return named


def _load(model, weights, arch, pretrained):
    own = model.state_dict()
    wrong = [f'{key} has shape {tuple(weights[key].shape)}, not {tuple(own[key].shape)}'
             for key in own if key in weights and weights[key].shape != own[key].shape]
    wrong += [f'{key} is missing' for key in own
              if key not in weights and not key.endswith('num_batches_tracked')]
    wrong += [f'{key} is not known there' for key in weights if key not in own]
    if wrong:
        raise InputError(f'the weights of {pretrained} do not fit CLIP {arch!r} '
                         f'({len(wrong)} differences, first: {wrong[0]}); name the architecture '
                         'they were made for')
    model.load_state_dict(weights, strict=False)


def freeze(module):
    """Freeze a tower: no gradients, and no copy of it in checkpoints.

    A checkpoint without the tower's weights loads as if it held them: they are taken from the
    tower itself, so neither torch nor mmengine reports them missing.
    """
    module.requires_grad_(False)
    names = tuple(module.state_dict())
    module._register_state_dict_hook(partial(_drop_keys, names))
    module.register_load_state_dict_pre_hook(partial(_fill_keys, names))
    return module


def _drop_keys(names, module, state_dict, prefix, _):
    for name in names:
        state_dict.pop(prefix + name, None)


def _fill_keys(names, module, state_dict, prefix, *_):
    tensors = dict(module.named_parameters()) | dict(module.named_buffers())
    for name in names:
        state_dict.setdefault(prefix + name, tensors[name].detach())


class FrozenTower(nn.Module):
    """Base of the towers: ``frozen`` ones stay in eval mode while the rest of a model trains."""

    def __init__(self, frozen):
        super().__init__()
        self.frozen = frozen

    def freeze_if_asked(self):
        """To be called when every weight is in place."""
        if self.frozen:
            freeze(self)
            self.eval()

    def train(self, mode=True):
        if self.frozen and not self.training:
            return self  # every epoch asks, and a walk through all layers takes milliseconds
        return super().train(mode and not self.frozen)
