"""One place from which an override on the command line reaches every part of a config."""
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
from .feature_wiring import check_options
from .variables import VARIABLES


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
    datasets_of(cfg)  # a wrapper that is not known stops here
    hooks = [str(hook.get('type')) for hook in cfg.get('custom_hooks') or []]
    if cfg.get('train_dataloader') and hooks and not any('OpenSetHook' in name for name in hooks):
        raise InputError('custom_hooks has no OpenSetHook, because a list in a config takes the '
                         "place of its base's: write custom_hooks = [*_base_.custom_hooks, "
                         'dict(type=...)] to add a hook')


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
