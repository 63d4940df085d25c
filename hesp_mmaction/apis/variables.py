"""The variables of a config that a command line can set, and how each reaches all of its parts.

A config file passes its own variables (``known``, ``data_root``, ``image_size``, ``prompt_size``,
``num_frames``, ``clip``, ``vis_backends`` and others) to its parts when it is read. A later change
of a variable would change nothing else. ``VARIABLES`` passes it on again. ``neck`` is a variable
that no config has. It puts any method on the same neck (``equal_terms``).
"""
import os
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from typing import Any

from mmaction.registry import MODELS, VISBACKENDS
from mmengine.config import Config
from mmengine.registry import VISBACKENDS as ALL_BACKENDS

from ..datasets.feature_file import is_feature_file
from ..errors import InputError
from ..models.backbones import CLIPImageTower
from .config_parts import DATALOADERS, datasets_of, necks_of
from .equal_terms import set_neck
from .feature_wiring import use_feature_file


def _set_known(cfg: Config, known: Sequence[str]) -> None:
    ours = cfg.model if 'known' in cfg.model else cfg.model.cls_head  # MMAction2's recognizers
    ours.known = known
    for neck in necks_of(cfg):
        if 'num_classes' in neck:
            neck.num_classes = len(known)
    for dataset in datasets_of(cfg):
        dataset.known = known


def _set_of_dataset(cfg: Config, value: Any, key: str, everywhere: bool = False) -> None:
    for dataset in datasets_of(cfg):
        if not everywhere and key not in dataset:
            raise InputError(f'{dataset.type}, the data set of this config, has no {key}: leave '
                             'it out')
        dataset[key] = value


def _set_image_size(cfg: Config, image_size: int) -> None:
    """Sets what squeezes a frame to a square; a Resize that keeps the ratio of the sides stays."""
    for dataset in datasets_of(cfg):
        for transform in dataset.pipeline:
            if transform.type == 'Resize' and not transform.get('keep_ratio', True):
                transform.scale = (image_size, image_size)
    for part in ('visual_prompt', 'negatives', 'backbone'):
        if cfg.model.get(part) and 'image_size' in cfg.model[part]:
            cfg.model[part].image_size = image_size


def _set_prompt_size(cfg: Config, prompt_size: int) -> None:
    if cfg.model.get('visual_prompt'):
        cfg.model.visual_prompt['size'] = prompt_size


def _set_num_frames(cfg: Config, num_frames: int) -> None:
    for dataset in datasets_of(cfg):
        for transform in dataset.pipeline:
            if transform.type == 'SampleFrames':
                transform.num_clips = num_frames
            elif transform.type == 'UniformSample':  # of clips instead of frames
                transform.clip_len = num_frames
    for neck in necks_of(cfg):
        if 'num_frames' in neck:
            neck.num_frames = num_frames


def _set_features(cfg: Config, features: str | None) -> None:
    """A store is an argument of the data sets; a file takes their place."""
    if features is None or not is_feature_file(features):
        _set_of_dataset(cfg, features, 'features', everywhere=True)
        return
    use_feature_file(cfg, features)
    _set_num_frames(cfg, cfg.num_frames)


def _set_cache(cfg: Config, cache: str | None) -> None:
    """A store of frames, or ``none``."""
    if cache is not None and (not isinstance(cache, str) or not cache.strip()):
        raise InputError(f'cache must be a folder, or none, and not {cache!r}')
    cfg.cache = None if cache is None or cache.lower() == 'none' else os.path.expanduser(cache)
    _set_of_dataset(cfg, cfg.cache, 'cache', everywhere=True)


def _set_num_workers(cfg: Config, number: int) -> None:
    for name in DATALOADERS:
        if cfg.get(name):
            cfg[name].update(num_workers=number, persistent_workers=number > 0)


def _set_clip(cfg: Config, clip: dict) -> None:
    tower = MODELS.get(cfg.model.backbone.type)
    if isinstance(tower, type) and issubclass(tower, CLIPImageTower):
        cfg.model.backbone.update(clip)
    for part in (cfg.model.get('cls_head', {}), *necks_of(cfg)):
        if 'clip' in part:
            part.clip = clip


def _set_vis_backends(cfg: Config, backends: Any) -> None:
    """Names, as ``--cfg-options vis_backends=LocalVisBackend,TensorboardVisBackend`` gives them, or
    dicts."""
    backends = [backends] if isinstance(backends, (str, dict)) else backends
    backends = [dict(type=b) if isinstance(b, str) else b for b in backends]
    for name in (backend['type'] for backend in backends):
        if VISBACKENDS.get(name) is None:
            raise InputError(f'vis_backends: there is no {name!r}; there are '
                             f'{", ".join(sorted(ALL_BACKENDS.module_dict))}')
        package = name.removesuffix('VisBackend').lower()
        if package in ('tensorboard', 'wandb') and find_spec(package) is None:
            raise InputError(f'{name} needs {package}: pip install {package}')
    cfg.visualizer.vis_backends = backends


# By name: a function that sets the value in all parts of a config, in place.
VARIABLES: dict[str, Callable[[Config, Any], None]] = dict(
    known=_set_known, image_size=_set_image_size, prompt_size=_set_prompt_size,
    num_frames=_set_num_frames, clip=_set_clip, vis_backends=_set_vis_backends, neck=set_neck,
    cache=_set_cache, num_workers=_set_num_workers)
VARIABLES |= {key: partial(_set_of_dataset, key=key)
              for key in ('data_root', 'mafw_root', 'fold', 'faces')}
VARIABLES |= {key: partial(_set_of_dataset, key=key, everywhere=True)
              for key in ('lists', 'id_order', 'classes', 'views', 'labelled_half',
                          'device_transforms')}
VARIABLES['features'] = _set_features  # last: a file takes the place of data sets as they are
