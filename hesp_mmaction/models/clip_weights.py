"""Weights of CLIPs: finding them, reading them, and telling whether they are OpenAI's."""
import hashlib
from functools import cache, lru_cache
from pathlib import Path
from pickle import UnpicklingError

import open_clip
import torch

from ..errors import InputError
from .checkpoints import weights_of
from .clip_configs import EMBEDDED, ZOO, text_config
from .clip_layouts import open_clip_layout
from .clip_zoo.packing import unpack
from .weight_files import is_torchscript, read_file


def weight_file(pretrained, arch):
    """The file of a CLIP's weights. A tag of open_clip is downloaded.

    Args:
        pretrained (str): see ``load_clip``.
        arch (str): see ``load_clip``.

    Returns:
        tuple[Path, bool | None]: the file, and whether it needs QuickGELU; None if only the file
        can tell.

    Raises:
        InputError: there are no such weights, or they cannot be downloaded.
    """
    if pretrained == 'embedded':
        path = ZOO / f'{arch}.safetensors'
        if not path.is_file():
            raise InputError(f"pretrained='embedded' goes with arch={EMBEDDED!r}, not {arch!r}")
        return path, False
    path = Path(pretrained)
    return (path, None) if path.is_file() else _download(arch, pretrained)


def read_weights(pretrained, arch):
    """The state dict of a CLIP, and what says that it needs QuickGELU.

    Args:
        pretrained (str): see ``load_clip``.
        arch (str): see ``load_clip``.

    Returns:
        tuple[dict[str, Tensor], bool | str | None]: the second is True or False if that is certain,
        a reason (str) if QuickGELU is only likely, and None if nothing tells.

    Raises:
        InputError: there are no such weights, or the file holds no weights of a CLIP.
    """
    path, needs_quick = weight_file(pretrained, arch)
    if pretrained == 'embedded':
        return _read_file(str(path), _stamp(path), text_config(arch)['vocab_size'])
    weights, evidence = _read_file(str(path), _stamp(path))
    return weights, evidence if needs_quick is None else needs_quick


@lru_cache(maxsize=1)  # both towers of a model read the same file
def _read_file(path, stamp, packed_vocabulary=None):
    """As ``read_weights``; ``stamp`` changes when the file does."""
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
    """Free the weight file that was read last. Call it once a model's towers are built."""
    _read_file.cache_clear()


@cache
def openai_archives():
    """SHA-256 of the TorchScript archives that OpenAI published.

    open_clip knows them: they are in the addresses it downloads from.

    Returns:
        set[str]: in hex.
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
    except Exception as error:  # which error depends on the client in use
        raise InputError(f'the CLIP weights {tag!r} of {arch!r} could not be downloaded ({error}); '
                         'download the file elsewhere and give its path: clip.pretrained=FILE, or '
                         'use the CLIP of this package: clip.arch=small_face_clip '
                         'clip.pretrained=embedded image_size=96') from error
    return Path(path), bool(source.get('quick_gelu'))


def _openai_form(weights):
    """Evidence that a state dict holds OpenAI's weights, which need QuickGELU.

    OpenAI published half-precision weights beside float32 norms. Saved again as float32 these
    weights still have values of half precision, which other float32 weights do not have. Weights
    that were halved by others are half precision throughout, norms too.

    Args:
        weights (dict[str, Tensor]): as they are in the file.

    Returns:
        bool | str | None: True if an entry proves it, the reason (str) if it is only likely, None
        without evidence.
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


def file_digest(path):
    """SHA-256 of a file, computed once as long as the file does not change.

    Args:
        path (str | Path): of the file.

    Returns:
        str: in hex.
    """
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
