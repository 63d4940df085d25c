"""Carries a setting of the command line to every part of a config that needs it."""
from collections.abc import Mapping, Sequence
from copy import deepcopy
from difflib import get_close_matches
from inspect import signature
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from ..datasets.emotions import canonical
from ..datasets.feature_file import is_feature_file
from ..datasets.splits import known_names
from ..errors import InputError
from .config_parts import DATALOADERS, datasets_of
from .emotion_wiring import use_emotions
from .feature_wiring import check_options
from .variables import VARIABLES


def override(cfg: Config, cfg_options: Mapping[str, Any] | None = None,
             known: Sequence[str] | None = None, split: int | None = None,
             openness: str | None = None) -> None:
    """Write the settings of a command line into a config, in place.

    Args:
        cfg (mmengine.Config): a config of this package.
        cfg_options (dict, optional): the settings of ``--cfg-options``, with dotted keys. Defaults
            to None.
        known (Sequence[str], optional): the emotions of ``--known``. Defaults to None.
        split (int, optional): the number of ``--split``, a published split of ``cfg.protocol``.
            Defaults to None.
        openness (str, optional): such as ``'5:2'``, in place of that of the protocol. Defaults to
            None.

    Raises:
        InputError: both ``known`` and ``split`` are given, the config names no protocol, or
            ``neck`` is given together with a setting of ``model.neck``.
    """
    options = cfg_options or {}
    own = [key for key in options if key == 'model.neck' or key.startswith('model.neck.')]
    if own and any(key.split('.')[0] == 'neck' for key in options):
        raise InputError(f'give neck or {own[0]}, not both: neck replaces model.neck')
    image_size = cfg.get('image_size')
    check_keys(cfg, options)
    try:
        cfg.merge_from_dict(deepcopy(options))  # merging takes `_delete_` out of what it is given
    except (KeyError, TypeError) as error:
        raise InputError(f'--cfg-options {" ".join(options)}: {error.args[0]}') from error
    _rename_recognizer(cfg)
    use_emotions(cfg, known)
    changed = {key.split('.')[0] for key in options} & set(VARIABLES)
    if known is not None and split is not None:
        raise InputError('give --known or --split, not both')
    if split is not None:
        if 'protocol' not in cfg:
            raise InputError('the config has no `protocol`, so it has no --split: use --known')
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
    datasets_of(cfg)  # a wrapper that is not known stops here
    hooks = [str(hook.get('type')) for hook in cfg.get('custom_hooks') or []]
    if cfg.get('train_dataloader') and hooks and not any('OpenSetHook' in name for name in hooks):
        raise InputError('custom_hooks has no OpenSetHook, because a list in a config takes the '
                         "place of its base's: write custom_hooks = [*_base_.custom_hooks, "
                         'dict(type=...)] to add a hook')


def check_keys(cfg: Config, options: Mapping[str, Any]) -> None:
    """Stop at a setting that is never read, such as a misspelt one.

    Only the first part of a key is checked. The classes refuse arguments that they do not know.

    Args:
        cfg (mmengine.Config): the config.
        options (dict): the settings of ``--cfg-options``, with dotted keys.

    Raises:
        InputError: the config has no such key. The message names the nearest one.
    """
    read = {*cfg, *VARIABLES, *signature(Runner).parameters, 'emotions', 'model_wrapper_cfg',
            'compile'}
    for key in options:
        name = key.split('.')[0]
        if name not in read:
            near = get_close_matches(name, read, 1)
            raise InputError(f'--cfg-options {key}: this config has no {name!r}'
                             + (f'; did you mean {near[0]!r}?' if near else ''))


def _rename_recognizer(cfg: Config) -> None:
    """Turn ``PromptedRecognizer`` into ``HESPRecognizer`` if it has parts that only that one takes.

    Older configs are written so, and a command line may add such a part.
    """
    model: Mapping[str, Any] = cfg.get('model') or {}
    parts = [model.get(key) for key in ('visual_prompt', 'negatives', 'grad_frames')]
    if model.get('type') == 'PromptedRecognizer' and any(part is not None for part in parts):
        cfg.model.type = 'HESPRecognizer'


def _expect_short_epochs(cfg: Config, options: Mapping[str, Any]) -> None:
    """Save fewer checkpoints on stored features, and use no worker processes.

    An epoch then takes some hundredths of a second. A checkpoint after each would take as long, and
    worker processes take longer to start and to ask than a row to read. Settings of the command
    line for checkpoints and workers are kept.
    """
    if ('max_epochs' in (cfg.get('train_cfg') or {})
            and not any(key.startswith('default_hooks.checkpoint') for key in options)):
        cfg.default_hooks.checkpoint.interval = max(1, cfg.train_cfg.max_epochs // 10)
    for name in DATALOADERS:
        if cfg.get(name) and not {f'{name}.num_workers', 'num_workers'} & set(options):
            cfg[name].update(num_workers=0, persistent_workers=False)
