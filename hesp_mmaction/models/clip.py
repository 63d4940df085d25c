"""Loading CLIP: one function for an open_clip name, a JSON config and every kind of weight file."""
import hashlib
import json
import logging
from functools import cache, lru_cache
from pathlib import Path
from pickle import UnpicklingError

import open_clip
import torch
from mmengine.logging import print_log
from open_clip.model import CLIP

from ..errors import InputError
from .checkpoints import weights_of
from .clip_layouts import open_clip_layout
from .clip_zoo.packing import unpack
from .weight_files import is_torchscript, read_file

ZOO = Path(__file__).parent / 'clip_zoo'
EMBEDDED = 'small_face_clip'  # the CLIP shipped in this package, trained on drawn faces
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
            ``'openai'`` (which downloads). ``None`` draws random weights.
        quick_gelu (bool, optional): the activation the weights were trained with. ``None`` finds
            out: a tag says it, and so does OpenAI's archive; for other files the config decides,
            unless they look like OpenAI's weights saved again, see :func:`_openai_form`. What is
            not certain is said in a warning.

    Returns:
        open_clip.model.CLIP

    Raises:
        InputError: the name, the file or the fit between weights and architecture is wrong.
    """
    config = _model_config(arch)
    if config['text_cfg'].get('hf_model_name'):
        raise InputError(f'{arch!r} has a text tower of Hugging Face: choose another clip.arch')
    if pretrained is None:
        print_log(f'CLIP {arch!r} has random weights (pretrained=None)', 'current', logging.WARNING)
        weights, evidence = None, None
    else:
        weights, evidence = _read_weights(str(pretrained), arch)
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


def feature_width(arch):
    """D of a CLIP, without building it. Args and errors as of :func:`load_clip`."""
    return _model_config(arch)['embed_dim']


def pixel_statistics(arch, pretrained=None):
    """Mean and standard deviation of the pixels a CLIP was trained with.

    Args:
        arch (str): see :func:`load_clip`; a JSON config may have a ``preprocess_cfg``.
        pretrained (str, optional): see :func:`load_clip`. A tag of open_clip has statistics, and
            so has an ``open_clip_config.json`` beside a file, as Hugging Face has it.

    Returns:
        tuple[tuple[float], tuple[float]]: of red, green, blue, 0..255. CLIP's own where nobody
        says otherwise, with a warning where a tag of the architecture does.
    """
    said = _read_config(arch)[1]
    if not said and pretrained not in (None, 'embedded'):
        beside = Path(pretrained).with_name('open_clip_config.json')
        if not Path(pretrained).is_file():
            said = open_clip.get_pretrained_cfg(arch, pretrained)
        elif beside.is_file():
            said = _read_json(beside)[1]
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
    if other and not _read_weights(str(pretrained), arch)[1]:
        value = ','.join(f'{255 * v:g}' for v in tags[other[0]]['mean'])
        print_log(f"{pretrained}: CLIP's own pixel statistics are taken. Should it be {other[0]!r} "
                  f'of open_clip, which was trained with others, set model.mean={value} and '
                  'model.std likewise, or give the tag', 'current', logging.WARNING)


def digest(arch, pretrained):
    """What tells the CLIP of two configs apart: its architecture and its weights, wherever they
    are.

    Args:
        arch (str): see :func:`load_clip`.
        pretrained (str, optional): see :func:`load_clip`.

    Returns:
        str | None: SHA-256 in hex; None for random weights, which are never the same.
    """
    if pretrained is None:
        return None
    weights = file_digest(_weight_file(str(pretrained), arch)[0])
    config = json.dumps(_read_config(arch), sort_keys=True)
    return hashlib.sha256(f'{config}{weights}'.encode()).hexdigest()


def file_digest(path):
    """SHA-256 of a file (str, hex), computed once as long as the file does not change."""
    return _sha256(str(path), _stamp(path))


def _stamp(path):
    stat = Path(path).stat()
    return stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=256)
def _sha256(path, stamp):
    found = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(1 << 22):
            found.update(block)
    return found.hexdigest()


def text_config(arch):
    """``text_cfg`` (dict) of an architecture. Args and errors as of :func:`load_clip`."""
    return _model_config(arch)['text_cfg']


def _model_config(arch):
    return _read_config(arch)[0]


def _read_config(arch):
    """The model config of an architecture and its ``preprocess_cfg`` (dicts)."""
    path = ZOO / f'{arch}.json'
    if not path.is_file() and str(arch).endswith('.json'):
        path = Path(arch)
        if not path.is_file():
            raise InputError(f'CLIP config {arch!r} does not exist')
    if path.is_file():
        return _read_json(path)
    config = open_clip.get_model_config(arch)
    if config is None:
        raise InputError(f'no CLIP architecture {arch!r}: give a name of open_clip.list_models(), '
                         f'the path of a JSON config, or {EMBEDDED!r}')
    return config, {}


def _read_json(path):
    """As :func:`_read_config`, of a file of open_clip or of Hugging Face's."""
    try:
        config = json.loads(Path(path).read_text(encoding='utf-8'))
        pixels = config.pop('preprocess_cfg', None) or {}
        config = config.get('model_cfg', config)
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f'CLIP config {str(path)!r} is no JSON of a model ({error})') from error
    if not {'embed_dim', 'vision_cfg', 'text_cfg'} <= set(config):
        raise InputError(f'CLIP config {str(path)!r} is no model config of open_clip: it needs '
                         'embed_dim, vision_cfg and text_cfg')
    return config, pixels


def _weight_file(pretrained, arch):
    """Path of the weights, and whether they need QuickGELU (None if only the file can tell)."""
    if pretrained == 'embedded':
        path = ZOO / f'{arch}.safetensors'
        if not path.is_file():
            raise InputError(f"pretrained='embedded' goes with arch={EMBEDDED!r}, not {arch!r}")
        return path, False
    path = Path(pretrained)
    return (path, None) if path.is_file() else _download(arch, pretrained)


def _read_weights(pretrained, arch):
    """The state dict of a CLIP, and what says that it needs QuickGELU.

    Returns:
        tuple[dict[str, Tensor], bool | str | None]: True, False, a text where it is only likely,
        or None where nothing tells.
    """
    path, needs_quick = _weight_file(pretrained, arch)
    if pretrained == 'embedded':
        return _read_file(str(path), _stamp(path), _model_config(arch)['text_cfg']['vocab_size'])
    weights, evidence = _read_file(str(path), _stamp(path))
    return weights, evidence if needs_quick is None else needs_quick


@lru_cache(maxsize=1)  # the image and the text tower of one model read one file
def _read_file(path, stamp, packed_vocabulary=None):
    """As :func:`_read_weights`, of a file as it is at the time of its ``stamp``."""
    if packed_vocabulary is not None:
        return unpack(read_file(path)['state_dict'], packed_vocabulary), None
    if is_torchscript(path):
        if file_digest(path) not in openai_archives():
            raise InputError(
                f'{path} is a TorchScript archive, which is a program, and its SHA-256 is none of '
                "OpenAI's; if it should be OpenAI's, fetch it again; if you trust whoever made it, "
                f'save its weights: torch.save(torch.jit.load({str(path)!r}).state_dict(), '
                '"weights.pt")')
        weights = torch.jit.load(path, map_location='cpu').state_dict()
        return open_clip_layout(weights, path), True
    try:
        weights = weights_of(read_file(path, 'file of CLIP weights'), path)
    except UnpicklingError as error:
        raise InputError(str(error)) from error
    return open_clip_layout(weights, path), _openai_form(weights)


def forget_weights():
    """Free the weight file that was read last (to be called when a model's towers are built)."""
    _read_file.cache_clear()


@cache
def openai_archives():
    """SHA-256 (set of str, hex) of the TorchScript archives that OpenAI published.

    open_clip knows them: they are in the addresses it downloads from.
    """
    urls = [open_clip.get_pretrained_url(arch, tag) for arch, tag in open_clip.list_pretrained()]
    return {url.split('/')[-2] for url in urls if 'openaipublic' in url}


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


def _openai_form(weights):
    """What says that a state dict holds OpenAI's weights, which need QuickGELU.

    OpenAI published half-precision weights beside float32 norms. Saved again as float32 their
    values are still exactly those of half precision, which nobody else's float32 weights are.
    Weights that somebody else halved are half precision throughout, norms too.

    Args:
        weights (dict[str, Tensor]): as they are in the file.

    Returns:
        bool | str | None: True where their marks are there, a text where it is only likely, None
        where nothing says so.
    """
    if any(key.split('.')[-1] == 'input_resolution' for key in weights):
        return True
    matrices = [value for key, value in weights.items()
                if key.endswith(('mlp.c_fc.weight', 'mlp.fc1.weight'))]
    norms = [value for key, value in weights.items()
             if key.endswith(('ln_final.weight', 'final_layer_norm.weight'))]
    if not matrices or any(value.dtype == torch.float16 for value in norms):
        return None
    if all(torch.equal(m.float(), m.half().float()) for m in matrices):
        return 'its matrices are exactly half precision and its norms are not stored so'
    return None


def _activation(config, arch, pretrained, evidence, asked):
    """Whether to build with QuickGELU; says what was taken where that is not certain."""
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
