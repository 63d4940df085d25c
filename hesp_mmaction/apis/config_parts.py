"""The parts of a config: its loaders, data sets, necks and clips."""
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ..datasets.wrappers import leaf_configs

DATALOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def datasets_of(cfg: Config) -> list:
    """List the configs of the data sets of all loaders, without their wrappers.

    Args:
        cfg (mmengine.Config): the config.

    Returns:
        list[mmengine.ConfigDict]: the dicts themselves. If you change one, the config changes.
    """
    return [leaf for name in DATALOADERS if cfg.get(name)
            for leaf in leaf_configs(cfg[name].dataset)]


def necks_of(cfg: Config) -> list:
    """List the config of the neck of a model, and of the neck over time inside it, if there is one.

    Args:
        cfg (mmengine.Config): the config.

    Returns:
        list[mmengine.ConfigDict]: none, one or two dicts. If you change one, the config changes.
    """
    neck = cfg.model.get('neck') or {}
    return [part for part in (neck, neck.get('temporal')) if part]


def clips_of_config(cfg: Config) -> dict[str, str]:
    """List all clips of a config's data sets: both parts, all emotions.

    Args:
        cfg (mmengine.Config): the config.

    Returns:
        dict[str, str]: the path of each clip, by sample id.
    """
    init_default_scope('mmaction')
    clips: dict[str, str] = {}
    for dataset in datasets_of(cfg):
        clips |= DATASETS.build(dict(dataset, pipeline=[], cache=None, lazy_init=True)).every_clip()
    return clips
