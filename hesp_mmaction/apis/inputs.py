"""A look at what a run needs, in the moment before anything is built or printed."""
import os
from collections.abc import Iterator, Sequence
from typing import Any

from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import init_default_scope


def check_inputs(cfg: Config, loaders: Sequence[str]) -> None:
    """Stop where a file or folder is not there, a name is wrong or a list cannot be read.

    No clip is opened and no model is built, so that it takes milliseconds; what only these can
    show comes later.

    Args:
        cfg (mmengine.Config): of a run.
        loaders (Sequence[str]): those that the run uses, such as ``['test_dataloader']``.

    Raises:
        InputError: a name, a list or a setting of a data set cannot be used.
        FileNotFoundError: a checkpoint, a folder or a list is not there.
    """
    checkpoint = cfg.get('load_from')
    if checkpoint and '://' not in checkpoint and not os.path.exists(
            os.path.expanduser(checkpoint)):
        raise FileNotFoundError(f'The checkpoint {checkpoint} does not exist.')
    init_default_scope('mmaction')
    for loader in loaders:
        for settings in inner_datasets((cfg.get(loader) or {}).get('dataset')):
            dataset = DATASETS.build(dict(settings, lazy_init=True))
            if hasattr(dataset, 'check_lists'):
                dataset.check_lists()


def inner_datasets(settings: Any) -> Iterator[dict]:
    """The data sets of a config's ``dataset``, which may be wrapped (repeated, joined, balanced).

    Args:
        settings (dict | None): ``type`` and arguments.

    Yields:
        dict: settings of a data set that reads clips itself.
    """
    if not isinstance(settings, dict):
        return
    inside = settings.get('datasets', [settings[key] for key in ('dataset',) if key in settings])
    for part in inside:
        yield from inner_datasets(part)
    if not inside:
        yield settings
