"""Checks what a run needs, before anything is built or printed."""
import os
from collections.abc import Sequence

from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ..datasets.wrappers import leaf_configs
from ..errors import InputError


def check_inputs(cfg: Config, loaders: Sequence[str]) -> None:
    """Stop if a file or folder does not exist, a name is wrong or a list cannot be read.

    It takes milliseconds, because it opens no clip and builds no model. Problems inside clips or
    weights are found later.

    Args:
        cfg (mmengine.Config): the config of a run.
        loaders (Sequence[str]): the loaders that the run uses, such as ``['test_dataloader']``.

    Raises:
        InputError: a name, a list or a setting of a data set cannot be used.
        FileNotFoundError: a checkpoint, a folder or a list does not exist.
    """
    checkpoint = cfg.get('load_from')
    if checkpoint and '://' not in checkpoint and not os.path.exists(
            os.path.expanduser(checkpoint)):
        raise FileNotFoundError(f'The checkpoint {checkpoint} does not exist.')
    init_default_scope('mmaction')
    for loader in loaders:
        if cfg.get(loader):
            _check_numbers(cfg[loader], loader)
        for settings in leaf_configs(cfg[loader].dataset) if cfg.get(loader) else ():
            dataset = DATASETS.build(dict(settings, lazy_init=True))
            if hasattr(dataset, 'check_lists'):
                dataset.check_lists()


def _check_numbers(loader, name):
    """Refuse sizes of a loader (a dict and its name) that torch would refuse only at the first
    step.
    """
    sizes = {f'{name}.batch_size': loader.get('batch_size', 1)}
    for settings in leaf_configs(loader.dataset):
        for step in settings.get('pipeline') or ():
            sizes |= {f'{step.get("type")}.{key} in the pipeline of {name}': step[key]
                      for key in ('clip_len', 'num_clips') if key in step}
    for key, value in sizes.items():
        if not isinstance(value, int) or value < 1:
            raise InputError(f'{key} must be a whole number from 1 on, not {value!r}')
