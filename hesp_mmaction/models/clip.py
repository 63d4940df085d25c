"""Loading CLIP: one function for an open_clip name, a JSON config and every kind of weight file."""
import hashlib
import json
import logging
from pathlib import Path

import open_clip
from mmengine.logging import print_log
from open_clip.model import CLIP

from ..errors import InputError
from .clip_configs import EMBEDDED, feature_width, model_config, read_config, read_json, text_config
from .clip_weights import (
    file_digest,
    forget_weights,
    openai_archives,
    read_weights,
    weight_file,
)

__all__ = ['CLIP_MEAN', 'CLIP_STD', 'EMBEDDED', 'digest', 'feature_width', 'file_digest',
           'forget_weights', 'load_clip', 'openai_archives', 'pixel_statistics', 'text_config']

# CLIP's pixel statistics in MMAction2's units of 0..255.
CLIP_MEAN = (122.7709383, 116.7460125, 104.09373615)
CLIP_STD = (68.5005327, 66.6321579, 70.32316305)


def load_clip(arch, pretrained=None, quick_gelu=None):
    """Build a CLIP with both towers, float32, in eval mode, on the CPU.

    Args:
        arch (str): a name of open_clip (``'ViT-B-32'``), the path of an open_clip model config in
            JSON, or ``'small_face_clip'``, the CLIP embedded in this package.
        pretrained (str, optional): path of a state dict (of torch.save or safetensors, in the
            layout of open_clip, OpenAI or Hugging Face), path of an OpenAI TorchScript archive,
            ``'embedded'`` for the weights of this package, or a tag of open_clip such as
            ``'openai'`` (which downloads). Defaults to None, random weights.
        quick_gelu (bool, optional): the activation the weights were trained with. Defaults to None,
            which finds out: a tag says it, and so does OpenAI's archive. For other files the config
            decides, unless they look like OpenAI's weights saved again, see ``clip_weights``. What
            is not certain is said in a warning.

    Returns:
        open_clip.model.CLIP: the model.

    Raises:
        InputError: the name or the file is wrong, or the weights do not fit the architecture.
    """
    config = model_config(arch)
    if config['text_cfg'].get('hf_model_name'):
        raise InputError(f'{arch!r} has a text tower of Hugging Face: choose another clip.arch')
    if pretrained is None:
        print_log(f'CLIP {arch!r} has random weights (pretrained=None)', 'current', logging.WARNING)
        weights, evidence = None, None
    else:
        weights, evidence = read_weights(str(pretrained), arch)
    config['quick_gelu'] = _activation(config, arch, pretrained, evidence, quick_gelu)
    config.pop('custom_text', None)
    try:
        model = CLIP(**config)
    except TypeError as error:
        raise InputError(f'{arch!r} is not a CLIP with a plain text tower: {error}') from error
    except (AssertionError, ValueError, RuntimeError) as error:
        raise InputError(f'CLIP {arch!r} cannot be built from its config: {error}') from error
    if weights is not None:
        _load(model, weights, arch, pretrained)
    return model.float().eval()


def pixel_statistics(arch, pretrained=None):
    """Mean and standard deviation of the pixels a CLIP was trained with.

    Args:
        arch (str): see ``load_clip``; a JSON config may have a ``preprocess_cfg``.
        pretrained (str, optional): see ``load_clip``. A tag of open_clip has statistics, and so has
            an ``open_clip_config.json`` beside a file, as on Hugging Face. Defaults to None.

    Returns:
        tuple[tuple[float], tuple[float]]: of red, green and blue, 0 to 255. CLIP's own if nothing
        says otherwise, with a warning if a tag of the architecture has others.

    Raises:
        InputError: a statistic in ``preprocess_cfg`` is not three numbers.
    """
    said = read_config(arch)[1]
    if not said and pretrained not in (None, 'embedded'):
        beside = Path(pretrained).with_name('open_clip_config.json')
        if not Path(pretrained).is_file():
            said = open_clip.get_pretrained_cfg(arch, pretrained)
        elif beside.is_file():
            said = read_json(beside)[1]
        else:
            _say_other_pixels(arch, pretrained)
    found = []
    for key, usual in (('mean', CLIP_MEAN), ('std', CLIP_STD)):
        value = tuple(255 * v for v in said.get(key) or ())
        if value and len(value) != 3:
            raise InputError(f'{arch}: {key} in preprocess_cfg must be three numbers')
        same = not value or all(abs(a - b) < 1e-3 for a, b in zip(value, usual, strict=True))
        found.append(usual if same else value)
    return tuple(found)


def _say_other_pixels(arch, pretrained):
    """Warn if a file may be of a tag of open_clip that was trained with other statistics."""
    tags = {tag: open_clip.get_pretrained_cfg(arch, tag) for tag in
            open_clip.list_pretrained_tags_by_model(arch)}
    other = [tag for tag, source in tags.items()
             if tuple(source['mean']) != open_clip.OPENAI_DATASET_MEAN]
    if other and not read_weights(str(pretrained), arch)[1]:
        value = ','.join(f'{255 * v:g}' for v in tags[other[0]]['mean'])
        print_log(f"{pretrained}: CLIP's own pixel statistics are taken. Should it be {other[0]!r} "
                  f'of open_clip, which was trained with others, set model.mean={value} and '
                  'model.std likewise, or give the tag', 'current', logging.WARNING)


def digest(arch, pretrained):
    """A digest of a CLIP's architecture and weights, wherever its files are.

    Args:
        arch (str): see ``load_clip``.
        pretrained (str, optional): see ``load_clip``.

    Returns:
        str | None: SHA-256 in hex; None for random weights, which are never the same.
    """
    if pretrained is None:
        return None
    weights = file_digest(weight_file(str(pretrained), arch)[0])
    config = json.dumps(read_config(arch), sort_keys=True)
    return hashlib.sha256(f'{config}{weights}'.encode()).hexdigest()


def _activation(config, arch, pretrained, evidence, asked):
    """Whether to build with QuickGELU; warns if that is not certain."""
    if asked is not None:
        return asked
    named = config.get('quick_gelu')
    if evidence is True and not named:
        print_log(f'{pretrained} holds OpenAI weights: {arch!r} is built with QuickGELU',
                  'current')
        return True
    if pretrained is None or evidence is False or named is not None:
        return bool(named)
    taken, other = ('QuickGELU', False) if evidence else ('GELU', True)
    why = (f'{evidence}, as in OpenAI weights' if evidence else
           "nothing says that they are OpenAI's, which need QuickGELU")
    print_log(f'{pretrained}: {arch!r} is built with {taken} ({why}); if that is wrong, set '
              f'clip.quick_gelu={other}', 'current', logging.WARNING)
    return not other


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
