"""One place from which an override on the command line reaches every part of a config.

A config file wires its own variables (``known``, ``data_root``, ``image_size``, ``prompt_size``,
``num_frames``, ``clip``, ``vis_backends`` and others, see ``VARIABLES``) when it is read. Changed
afterwards, they would change nothing: this does it again. ``neck`` is a variable that no config
has: it gives any method the same neck (:mod:`.equal_terms`).
"""
import os
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from difflib import get_close_matches
from functools import partial
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from mmaction.registry import DATASETS, MODELS, VISBACKENDS
from mmengine.config import Config
from mmengine.registry import VISBACKENDS as ALL_BACKENDS
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from ..datasets.emotions import canonical
from ..datasets.feature_file import is_feature_file
from ..datasets.splits import known_names
from ..datasets.wrappers import leaf_configs
from ..errors import InputError
from ..models.backbones import CLIPImageTower
from .equal_terms import set_neck
from .feature_wiring import check_options, use_feature_file

DATALOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def override(cfg: Config, cfg_options: Mapping[str, Any] | None = None,
             known: Sequence[str] | None = None, split: int | None = None,
             openness: str | None = None) -> None:
    """Merge what the command line says into a config, in place.

    Args:
        cfg (mmengine.Config): a config of this package.
        cfg_options (dict, optional): of ``--cfg-options``, dotted keys.
        known (Sequence[str], optional): of ``--known``.
        split (int, optional): of ``--split``, one of the published splits named by
            ``cfg.protocol``.
        openness (str, optional): such as ``'5:2'``, in place of the protocol's own.

    Raises:
        InputError: both were given, or the config names no protocol; or ``neck`` is given
            together with a setting of ``model.neck``.
    """
    options = cfg_options or {}
    own = [key for key in options if key == 'model.neck' or key.startswith('model.neck.')]
    if own and any(key.split('.')[0] == 'neck' for key in options):
        raise InputError(f'give neck or {own[0]}, not both: neck takes the place of model.neck')
    image_size = cfg.get('image_size')
    check_keys(cfg, options)
    try:
        cfg.merge_from_dict(deepcopy(options))  # merging takes `_delete_` out of what it is given
    except (KeyError, TypeError) as error:
        raise InputError(f'--cfg-options {" ".join(options)}: {error.args[0]}') from error
    _rename_recognizer(cfg)
    changed = {key.split('.')[0] for key in options} & set(VARIABLES)
    if known is not None and split is not None:
        raise InputError('give --known or --split, not both')
    if split is not None:
        if 'protocol' not in cfg:
            raise InputError('the config has no `protocol`, so --split means nothing: use --known')
        known = known_names(cfg.protocol.dataset, openness or cfg.protocol.openness, split)
    if known is not None:
        cfg.known = [canonical(name) for name in known]
        changed.add('known')
    if 'image_size' in changed and 'prompt_size' not in options and 'prompt_size' in cfg:
        cfg.prompt_size = cfg.prompt_size * cfg.image_size // image_size  # 56 of 224, 24 of 96
        changed.add('prompt_size')
    if is_feature_file(options.get('features')):
        check_options(options['features'], options)
    if options.get('features'):
        _expect_short_epochs(cfg, options)
    for key, carry in VARIABLES.items():
        if key in changed:
            carry(cfg, cfg[key])
    _datasets(cfg)  # a wrapper that is not known stops here
    hooks = [str(hook.get('type')) for hook in cfg.get('custom_hooks') or []]
    if cfg.get('train_dataloader') and hooks and not any('OpenSetHook' in name for name in hooks):
        raise InputError('custom_hooks has no OpenSetHook, because a list in a config takes the '
                         "place of its base's: write custom_hooks = [*_base_.custom_hooks, "
                         'dict(type=...)] to add a hook')
    for name in DATALOADERS:
        if cfg.get(name):  # faster copies to a GPU; a warning without one
            cfg[name].setdefault('pin_memory', torch.cuda.is_available())


def check_keys(cfg: Config, options: Mapping[str, Any]) -> None:
    """Stop at a setting that nobody reads, such as a misspelt one.

    Deeper names need no look: a class refuses an argument that it does not know.

    Args:
        cfg (mmengine.Config): the config.
        options (dict): of ``--cfg-options``, dotted keys.

    Raises:
        InputError: the config has no such key; the message says which is nearest.
    """
    read = {*cfg, *VARIABLES, *signature(Runner).parameters, 'model_wrapper_cfg', 'compile'}
    for key in options:
        name = key.split('.')[0]
        if name not in read:
            near = get_close_matches(name, read, 1)
            raise InputError(f'--cfg-options {key}: this config has no {name!r}'
                             + (f'; did you mean {near[0]!r}?' if near else ''))


def _rename_recognizer(cfg: Config) -> None:
    """Configs that give :class:`PromptedRecognizer` what belongs to :class:`HESPRecognizer` mean
    that one: older ones say so, and a command line may add such a part."""
    model: Mapping[str, Any] = cfg.get('model') or {}
    parts = [model.get(key) for key in ('visual_prompt', 'negatives', 'grad_frames')]
    if model.get('type') == 'PromptedRecognizer' and any(part is not None for part in parts):
        cfg.model.type = 'HESPRecognizer'


def _expect_short_epochs(cfg: Config, options: Mapping[str, Any]) -> None:
    """On stored features an epoch takes some hundredths of a second: a checkpoint after each would
    be as long, and worker processes take longer to start and to ask than a row to read.

    What the command line says of checkpoints or of a loader's workers stays.
    """
    if ('max_epochs' in (cfg.get('train_cfg') or {})
            and not any(key.startswith('default_hooks.checkpoint') for key in options)):
        cfg.default_hooks.checkpoint.interval = max(1, cfg.train_cfg.max_epochs // 10)
    for name in DATALOADERS:
        if cfg.get(name) and not {f'{name}.num_workers', 'num_workers'} & set(options):
            cfg[name].update(num_workers=0, persistent_workers=False)


def clips_of_config(cfg: Config) -> dict[str, str]:
    """Sample id to path (dict) of all clips of a config's data sets: both parts, all emotions."""
    init_default_scope('mmaction')
    clips: dict[str, str] = {}
    for dataset in _datasets(cfg):
        clips |= DATASETS.build(dict(dataset, pipeline=[], cache=None, lazy_init=True)).every_clip()
    return clips


def clip_of_run(folder: str | Path, config: str | None = None,
                cfg_options: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The CLIP of a run.

    Args:
        folder (str | Path): work dir of the run, in which a training leaves its config.
        config (str, optional): path of the config. Defaults to the only one in the folder.
        cfg_options (Mapping[str, Any], optional): changes to it, see :func:`override`.

    Returns:
        dict[str, Any]: arguments of :class:`~hesp_mmaction.models.prompts.text.CLIPTextTower`.

    Raises:
        InputError: the folder holds no config or several, or the config names no CLIP.
    """
    found = [config] if config else list(Path(folder).glob('*.py'))
    if len(found) != 1:
        raise InputError(f'{folder} holds {len(found)} configs, so its CLIP is not known: name the '
                         'config with --config')
    cfg = Config.fromfile(found[0])
    override(cfg, cfg_options)
    if 'clip' not in cfg:
        raise InputError(f'{found[0]} names no `clip`, so there are no texts to compare with')
    return cfg.clip.to_dict()


def _datasets(cfg: Config) -> list:
    return [leaf for name in DATALOADERS if cfg.get(name)
            for leaf in leaf_configs(cfg[name].dataset)]


def _necks(cfg: Config) -> list:
    """The neck of a model, and the one over time that it may hold."""
    neck = cfg.model.get('neck') or {}
    return [part for part in (neck, neck.get('temporal')) if part]


def _set_known(cfg: Config, known: Sequence[str]) -> None:
    ours = cfg.model if 'known' in cfg.model else cfg.model.cls_head  # MMAction2's recognizers
    ours.known = known
    for neck in _necks(cfg):
        if 'num_classes' in neck:
            neck.num_classes = len(known)
    for dataset in _datasets(cfg):
        dataset.known = known


def _set_of_dataset(cfg: Config, value: Any, key: str, everywhere: bool = False) -> None:
    for dataset in _datasets(cfg):
        if not everywhere and key not in dataset:
            raise InputError(f'{key} means nothing to {dataset.type}, the data set of this config')
        dataset[key] = value


def _set_image_size(cfg: Config, image_size: int) -> None:
    for dataset in _datasets(cfg):
        for transform in dataset.pipeline:
            if transform.type == 'Resize':
                transform.scale = (image_size, image_size)
    for part in ('visual_prompt', 'negatives', 'backbone'):
        if cfg.model.get(part) and 'image_size' in cfg.model[part]:
            cfg.model[part].image_size = image_size


def _set_prompt_size(cfg: Config, prompt_size: int) -> None:
    if cfg.model.get('visual_prompt'):
        cfg.model.visual_prompt['size'] = prompt_size


def _set_num_frames(cfg: Config, num_frames: int) -> None:
    for dataset in _datasets(cfg):
        for transform in dataset.pipeline:
            if transform.type == 'SampleFrames':
                transform.num_clips = num_frames
            elif transform.type == 'UniformSample':  # of clips instead of frames
                transform.clip_len = num_frames
    for neck in _necks(cfg):
        if 'num_frames' in neck:
            neck.num_frames = num_frames


def _set_features(cfg: Config, features: str | None) -> None:
    """A store is an argument of the data sets; a file takes their place."""
    if features is None or not is_feature_file(features):
        _set_of_dataset(cfg, features, 'features', everywhere=True)
        return
    use_feature_file(cfg, features, DATALOADERS)
    _set_num_frames(cfg, cfg.num_frames)


def _set_cache(cfg: Config, cache: str | None) -> None:
    """A store of frames, or ``none``."""
    cfg.cache = None if cache in (None, 'none') else os.path.expanduser(cache)
    _set_of_dataset(cfg, cfg.cache, 'cache', everywhere=True)


def _set_num_workers(cfg: Config, number: int) -> None:
    for name in DATALOADERS:
        if cfg.get(name):
            cfg[name].update(num_workers=number, persistent_workers=number > 0)


def _set_clip(cfg: Config, clip: dict) -> None:
    tower = MODELS.get(cfg.model.backbone.type)
    if isinstance(tower, type) and issubclass(tower, CLIPImageTower):
        cfg.model.backbone.update(clip)
    for part in (cfg.model.get('cls_head', {}), *_necks(cfg)):
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
