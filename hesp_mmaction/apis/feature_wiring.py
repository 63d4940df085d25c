"""``features=FILE.npz``: any config of this package on a file of features."""
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log

from ..datasets.feature_file import read_features
from ..datasets.wrappers import leaf_configs
from ..errors import InputError
from .config_parts import DATALOADERS

# What a config says of clips, and the file decides or has no use for.
OF_CLIPS = ('data_root', 'mafw_root', 'fold', 'faces', 'lists', 'id_order', 'cache', 'views',
            'num_frames', 'device_transforms')
KEPT = ('known', 'part', 'pipeline', 'closed_set', 'test_mode', 'labelled_half')


def check_options(path: str, options: Collection[str]) -> None:
    """Refuse settings of clips, which mean nothing if a file of features replaces the clips.

    Args:
        path (str): the file.
        options (Collection[str]): the keys of ``--cfg-options``, dotted.

    Raises:
        InputError: there is such a setting.
    """
    wrong = sorted({key for key in options if key.split('.')[0] in OF_CLIPS})
    if wrong:
        raise InputError(f'features={path} replaces the clips, so {", ".join(wrong)} would '
                         'change nothing: leave that out')


def use_feature_file(cfg: Config, path: str) -> None:
    """Put a config on a file of features, in place, and switch off the parts that need pixels.

    Args:
        cfg (mmengine.Config): the config of a run.
        path (str): the file, see ``feature_file.read_features``.

    Raises:
        InputError: the file cannot be read, a loader joins several data sets, or the method would
            have nothing left to learn.
    """
    cfg.num_frames = read_features(path)['train'].features.shape[1]
    for name in DATALOADERS:
        if not cfg.get(name):
            continue
        leaf, *others = leaf_configs(cfg[name].dataset)
        if others:
            raise InputError(f'{name} joins several data sets, and a file of features is one: take '
                             'ConcatDataset out of the config')
        kept = {key: leaf[key] for key in KEPT if key in leaf}
        leaf.clear()  # a wrapper around it stays
        leaf.update(dict(type='FeatureDataset', features=path, **kept))
    model: Mapping[str, Any] = cfg.model
    if model.get('visual_prompt'):
        if model['cls_head']['type'] == 'FixedTextHead':
            raise InputError(f'{path} holds no pixels, and this method learns nothing but a visual '
                             'prompt: choose one that learns in its neck or head')
        cfg.model.visual_prompt = None
        _say(f'{path} holds no pixels: the visual prompt is switched off')
    if (model.get('negatives') or {}).get('type') == 'NegativeVisuals':
        cfg.model.negatives = dict(type='NegativePoints')
        groups = (cfg.get('optim_wrapper') or {}).get('paramwise_cfg') or {}
        groups.get('custom_keys', {}).pop('negatives.images', None)  # how pixels make their steps
        _say(f'{path} holds no pixels: the negatives are points in the space of features instead '
             'of images (NegativePoints)')


@cache  # every split of a run comes here
def _say(text: str) -> None:
    print_log(text, 'current')
