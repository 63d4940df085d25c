"""The four tasks of the HESP paper (and DFEW's splits): which data, which opennesses."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmengine.config import Config

from ..datasets.splits import known_names, num_splits, opennesses
from ..datasets.wrappers import leaf_configs
from ..errors import InputError
from .config_parts import DATALOADERS
from .configs import our_config
from .variables import VARIABLES
from .wiring import override


@dataclass(frozen=True)
class Task:
    """A task: the config of its data in ``configs/_base_/datasets``, and the name under which its
    splits are published (``datasets/splits.json``); are its unknown emotions compounds of the
    known ones?"""
    data: str
    splits_of: str
    compounds: bool = False

    @property
    def opennesses(self) -> tuple[str, ...]:
        """Known : unknown counts, such as ``'5:2'``."""
        return opennesses(self.splits_of)

    def splits(self, openness: str) -> range:
        """Numbers of the splits of an openness."""
        return range(num_splits(self.splits_of, openness))


TASKS = dict(
    afew=Task('afew', 'AFEW'), mafw=Task('mafw', 'MAFW'), fusion=Task('fusion', 'fusion'),
    compound=Task('compound', 'compound', compounds=True), dfew=Task('dfew', 'DFEW'))


def find_task(name: str) -> Task:
    """The task of that name.

    Raises:
        InputError: there is none; the message lists what there is.
    """
    if name not in TASKS:
        raise InputError(f'no task is named {name!r}: {", ".join(TASKS)}')
    return TASKS[name]


def set_task(cfg: Config, task: Task) -> None:
    """Put a method's config on the data of a task, in place.

    Data sets and folders are the task's; pipelines (they differ between backbones on frames and on
    clips), frame count and image size stay the method's. HESP's default score becomes that of
    compounds where the task is one of them.

    Args:
        cfg (mmengine.Config): of a method. task (Task).
    """
    data = Config.fromfile(our_config(f'_base_/datasets/{task.data}.py'))
    for loader in DATALOADERS:
        if cfg.get(loader):
            leaf, *others = leaf_configs(cfg[loader].dataset)
            if others:
                raise InputError(f'{loader} joins several data sets, and a task is of one: take '
                                 'ConcatDataset out of the config')
            pipeline = leaf.pipeline
            leaf.clear()  # a wrapper around it stays
            leaf.update(dict(data[loader].dataset, pipeline=pipeline))
    for key in VARIABLES:
        if key in data and key not in ('image_size', 'num_frames'):
            cfg[key] = data[key]
    cfg.protocol = dict(dataset=task.splits_of, openness=task.opennesses[0])
    for key in ('image_size', 'num_frames', 'known'):
        VARIABLES[key](cfg, cfg[key])
    if task.compounds and cfg.model.cls_head.type == 'HESPHead':
        cfg.model.cls_head.setdefault('score_kind', 'joint_of_compounds')


def has_folds(cfg: Config) -> bool:
    """Whether every data set of a config has numbered folds, such as MAFW's.

    Args:
        cfg (mmengine.Config): of a method.

    Returns:
        bool: True where ``fold`` means something to each of them.
    """
    return all('fold' in leaf for loader in DATALOADERS if cfg.get(loader)
               for leaf in leaf_configs(cfg[loader].dataset))


def choose_data(cfg: Config, cfg_options: Mapping[str, Any] | None = None, task: str | None = None,
                openness: str | None = None, split: int | None = None,
                known: Sequence[str] | None = None) -> None:
    """Carry what a command line says of the data into a config, in place.

    A config of a closed set has no ``protocol`` and no known set to choose: a split of it is a
    fold.

    Args:
        cfg (mmengine.Config): of a method.
        cfg_options (dict, optional): of ``--cfg-options``, dotted keys. Defaults to None.
        task (str, optional): a name in ``TASKS``, whose data take the place of the config's.
            Defaults to None: the config's own data.
        openness (str, optional): known : unknown counts, such as ``'5:2'``. Defaults to None: the
            config's own; with a task that has no such openness, the only one of the task.
        split (int, optional): a published split, 0 to 4; of a closed set a fold, 1 to 5. Defaults
            to None: split 0 where a task or an openness is given, else the config's own known set.
        known (Sequence[str], optional): the known emotions, in place of a published split.
            Defaults to None.

    Raises:
        InputError: the combination does not exist; the message says which there are.
    """
    for name, value in (('split', split), ('openness', openness)):
        if known is not None and value is not None:
            raise InputError(f'give --known or --{name}, not both')
    own = cfg.get('protocol', {}).get('openness')
    if task is not None:
        set_task(cfg, find_task(task))
        there_are = find_task(task).opennesses
        openness = openness or (own if own in there_are else None)
        if openness is None and known is None:
            if len(there_are) > 1:
                raise InputError(f'task {task} has the opennesses {", ".join(there_are)}: name one '
                                 'with --openness')
            openness = there_are[0]
    options = dict(cfg_options or {})
    if 'protocol' not in cfg:
        if openness is not None:
            raise InputError('the config has no `protocol`, so --openness means nothing: name the '
                             'data with --task, or the emotions with --known')
        if split is not None and has_folds(cfg):
            override(cfg, dict(options, fold=split))
            return
    elif known is None and openness is not None:
        split = split or 0
        known_names(cfg.protocol.dataset, openness, split)  # says what there is
        cfg.protocol.openness = openness
    override(cfg, options, known, split)
