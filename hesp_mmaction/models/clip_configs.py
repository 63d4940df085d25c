"""Configs of CLIPs: of open_clip, of a JSON file, or of the CLIP in this package."""
import json
from pathlib import Path

import open_clip

from ..errors import InputError

ZOO = Path(__file__).parent / 'clip_zoo'
EMBEDDED = 'small_face_clip'  # the CLIP shipped in this package, trained on drawn faces


def feature_width(arch):
    """The width of a CLIP's features, without building it.

    Args:
        arch (str): see ``load_clip``.

    Returns:
        int: D.

    Raises:
        InputError: see ``read_config``.
    """
    return model_config(arch)['embed_dim']


def text_config(arch):
    """The settings of a CLIP's text tower.

    Args:
        arch (str): see ``load_clip``.

    Returns:
        dict: ``text_cfg`` of open_clip.

    Raises:
        InputError: see ``read_config``.
    """
    return model_config(arch)['text_cfg']


def model_config(arch):
    """The settings of both towers of a CLIP.

    Args:
        arch (str): see ``load_clip``.

    Returns:
        dict: a model config of open_clip.

    Raises:
        InputError: see ``read_config``.
    """
    return read_config(arch)[0]


def read_config(arch):
    """The settings of a CLIP and of its pixels.

    Args:
        arch (str): see ``load_clip``.

    Returns:
        tuple[dict, dict]: the model config of open_clip, and ``preprocess_cfg``, which may be
        empty.

    Raises:
        InputError: there is no such architecture or file, or the file is no config of a CLIP.
    """
    path = ZOO / f'{arch}.json'
    if not path.is_file() and str(arch).endswith('.json'):
        path = Path(arch)
        if not path.is_file():
            raise InputError(f'CLIP config {arch!r} does not exist')
    if path.is_file():
        return read_json(path)
    config = open_clip.get_model_config(arch)
    if config is None:
        raise InputError(f'no CLIP architecture {arch!r}: give a name of open_clip.list_models(), '
                         f'the path of a JSON config, or {EMBEDDED!r}')
    return config, {}


def read_json(path):
    """As ``read_config``, of a JSON file.

    Args:
        path (str | Path): of open_clip's or of Hugging Face's form.

    Returns:
        tuple[dict, dict]: see ``read_config``.

    Raises:
        InputError: it is no config of a CLIP.
    """
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
