"""How a run gets its clips: the store, the number of worker processes, and the place of crops."""
import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence

import torch
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dist import get_world_size
from mmengine.registry import init_default_scope

from ..datasets.deferred import defer
from ..datasets.frame_index import CLIPS
from ..datasets.frame_store import first_resize
from ..datasets.openset import OpenSetVideoDataset
from ..datasets.wrappers import leaf_configs
from ..errors import InputError
from ..models.recognizers import PromptedRecognizer
from .config_parts import DATALOADERS
from .frame_building import cores, fill_store, say
from .parallel import JOBS

PLACE = os.path.join('work_dirs', 'frame_store')
VARIABLE = 'HESP_FRAME_STORE'  # of the environment: another place of stores, or none
MOST_WORKERS = 8  # of a loader
AUTOMATIC = re.compile(r'-[0-9a-f]{10}$')  # how a folder of `default_place` ends


def prepare_loading(cfg: Config, loaders: Sequence[str] = ()) -> None:
    """Decide what the command line and the config leave open about loading. Called before a run.

    ``use_frame_store`` and ``place_transforms`` change the config. A loader that names no
    ``num_workers`` gets the number of ``default_workers``.

    Args:
        cfg (mmengine.Config): the config of a run, changed in place.
        loaders (Sequence[str]): the names of the loaders that the run uses. Defaults to all.

    Raises:
        InputError: see ``use_frame_store`` and ``place_transforms``.
    """
    use_frame_store(cfg, loaders)
    place_transforms(cfg)
    for name in DATALOADERS:
        if not cfg.get(name):
            continue
        if 'num_workers' not in cfg[name]:
            stored = all(leaf.get('cache') for leaf in leaf_configs(cfg[name].dataset))
            cfg[name].update(num_workers=default_workers(stored))
            cfg[name].pop('persistent_workers', None)
        # Workers of one epoch serve the next one.
        cfg[name].setdefault('persistent_workers', cfg[name].num_workers > 0)
        # Faster copies to a GPU; a warning without one.
        cfg[name].setdefault('pin_memory', torch.cuda.is_available())


def place_transforms(cfg: Config) -> None:
    """Decide whether crop, resize and flip run on the device (``hesp_mmaction.datasets.deferred``).

    ``cfg.device_transforms`` decides if it is set. Otherwise they run there if the machine has a
    GPU and all pipelines and the model allow it.

    Args:
        cfg (mmengine.Config): the config of a run. Data sets and loaders are changed in place.

    Raises:
        InputError: ``cfg.device_transforms`` is True, but a pipeline, a data set or the model does
            not allow it.
    """
    named = cfg.get('device_transforms')
    loaders = [cfg[name] for name in DATALOADERS if cfg.get(name)]
    leaves = [leaf for loader in loaders for leaf in leaf_configs(loader.dataset)]
    on = torch.cuda.is_available() if named is None else bool(named)
    if on:
        try:
            _check_deferrable(cfg, leaves)
        except InputError:
            if named:
                raise
            on = False
    for leaf in leaves:
        if on or 'device_transforms' in leaf:
            leaf.device_transforms = on
    for loader in loaders:
        if on:
            loader.setdefault('collate_fn', dict(type='collate_deferred'))


def _check_deferrable(cfg: Config, leaves: Sequence[Mapping]) -> None:
    """Raise InputError if the model's preprocessor cannot crop, resize and flip the frames."""
    init_default_scope('mmaction')
    model = MODELS.get(cfg.model.type)
    if (not (isinstance(model, type) and issubclass(model, PromptedRecognizer))
            or cfg.model.get('data_preprocessor')):
        raise InputError('device_transforms needs PromptedRecognizer without a data_preprocessor '
                         f'of its own, not {cfg.model.type}: take device_transforms=True out')
    for leaf in leaves:
        kind = DATASETS.get(leaf['type'])
        if not (isinstance(kind, type) and issubclass(kind, OpenSetVideoDataset)
                and leaf.get('features') is None):
            raise InputError(f'device_transforms needs clips of a data set of hesp_mmaction, not '
                             f'{leaf["type"]} or stored features: take device_transforms=True out')
    pipelines = [leaf['pipeline'] for leaf in leaves]
    if not any(defer(pipeline)[-1]['steps'] for pipeline in pipelines):
        raise InputError('device_transforms needs RandomResizedCrop, RandomCrop, CenterCrop or '
                         'Flip with nothing but a bilinear Resize before FormatShape, which no '
                         'pipeline of the config has: take device_transforms=True out')


def default_workers(stored: bool) -> int:
    """Choose how many worker processes a loader gets.

    Args:
        stored (bool): frames come from a store.

    Returns:
        int: the cores divided by the processes of this machine and the runs of ``--jobs``, 1 to 8.
        0 if frames come from a store and the machine has no GPU. Reading is then a small part of a
        step, and workers would only take cores from the model.
    """
    gpus = torch.cuda.device_count()
    if stored and not gpus:
        return 0
    here = int(os.environ.get('LOCAL_WORLD_SIZE') or min(get_world_size(), max(1, gpus)))
    jobs = int(os.environ.get(JOBS) or 1)
    return max(1, min(MOST_WORKERS, cores() // (here * jobs)))


def default_place(roots: Sequence[str], resize: dict | None) -> str:
    """Choose the folder of a store if the user names none.

    Args:
        roots (Sequence[str]): the folders of the data.
        resize (dict | None): the result of ``frame_store.first_resize``.

    Returns:
        str: a folder below ``work_dirs/frame_store``, or below ``HESP_FRAME_STORE`` of the
        environment. Its name has the folder of the data and a digest of all arguments.
    """
    places = [os.path.realpath(os.path.expanduser(root)) for root in roots]
    digest = hashlib.sha256(json.dumps([places, resize]).encode()).hexdigest()[:10]
    return os.path.join(os.path.expanduser(_variable() or PLACE),
                        f'{os.path.basename(places[0]) or "data"}-{digest}')


def use_frame_store(cfg: Config, loaders: Sequence[str] = ()) -> None:
    """Give the data sets of a config a store of decoded frames, and fill it.

    ``cfg.cache`` names the folder; None means no store. If it is not set, the folder is
    ``default_place``. If no store can be made there, one line says why, and clips are decoded in
    every epoch. A training stores the clips of both parts and of all emotions, so that other splits
    find them. A test stores its own part.

    Args:
        cfg (mmengine.Config): the config of a run, changed in place.
        loaders (Sequence[str]): the names of the loaders that the run uses. Defaults to all.

    Raises:
        InputError: the store that ``cfg.cache`` names cannot be made.
    """
    named = cfg.get('cache', _variable() != 'none')
    present = [name for name in DATALOADERS if cfg.get(name)]
    if not named:
        for leaf in (leaf for name in present for leaf in leaf_configs(cfg[name].dataset)):
            if leaf.get('cache') and AUTOMATIC.search(leaf.cache):
                leaf.cache = None  # of the config that an earlier run saved
        return
    try:
        resize = first_resize([leaf.get('pipeline') or [] for name in present
                               for leaf in leaf_configs(cfg[name].dataset)])
    except InputError:
        if named is not True:
            raise
        return  # frames that are decoded by others than ClipInit, or features of a file
    init_default_scope('mmaction')
    groups: dict[tuple[str, ...], dict[str, list]] = {}
    for name in present:
        for leaf in leaf_configs(cfg[name].dataset):
            kind = DATASETS.get(leaf['type'])
            ours = isinstance(kind, type) and issubclass(kind, OpenSetVideoDataset)
            if not ours or leaf.get('features') is not None:
                return
            roots = tuple(leaf[key] for key in ('data_root', 'mafw_root') if leaf.get(key))
            groups.setdefault(roots, {}).setdefault(name, []).append(leaf)
    used = loaders or present
    for roots, found in groups.items():
        leaves = [leaf for group in found.values() for leaf in group]
        folder = named
        if named is True:
            usual = default_place(roots, resize)
            folder = _own_place(leaves, usual) or usual
        try:
            fill_store(folder, *_clips_of(found, used, resize), root=roots[0] if roots else None)
        except InputError as error:
            if named is not True:
                raise
            say(f'{error}: clips are decoded in every epoch (cache=DIR takes another folder)')
            folder = None
        for leaf in leaves:
            leaf.cache = folder


def _variable() -> str:
    """What ``HESP_FRAME_STORE`` says: ``'none'``, a folder, or nothing."""
    value = (os.environ.get(VARIABLE) or '').strip()
    return 'none' if value.lower() == 'none' else value


def _own_place(leaves: Sequence[Mapping], usual: str) -> str | None:
    """The store that the data sets themselves name, if it exists. A place that was chosen by itself
    for other data, and saved with a config, is not meant.
    """
    own = next((leaf['cache'] for leaf in leaves if leaf.get('cache')), None)
    if own is None or not os.path.exists(os.path.join(own, CLIPS)):
        return None
    chosen = AUTOMATIC.search(own) and os.path.basename(own) != os.path.basename(usual)
    return None if chosen else own


def _clips_of(found: Mapping[str, list], used: Sequence[str], resize: dict | None) -> tuple:
    """Arguments of ``fill_store``: the clips that a run needs, the resize, and all clips."""
    needed: dict[str, str] = {}
    every: dict[str, str] = {}
    for name, leaves in found.items():
        for leaf in leaves:
            dataset = DATASETS.build(dict(leaf, pipeline=[], cache=None, lazy_init=True))
            for part in ('train', 'test'):
                try:
                    clips = dataset.every_clip([part])
                except FileNotFoundError:
                    continue  # is said when the part is read
                every |= clips
                if name in used and (part == leaf['part'] or name == DATALOADERS[0]):
                    needed |= clips
    return dict(sorted(needed.items())), resize, every
