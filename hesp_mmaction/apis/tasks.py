"""The four tasks of the HESP paper, DFEW and discovery: their data and their opennesses."""
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
    """A task: data, and published splits of them.

    Args:
        data (str): the name of a config in ``configs/_base_/datasets``.
        splits_of (str): the name of the splits in ``datasets/splits.json``.
        compounds (bool): the unknown emotions are compounds of the known ones. Defaults to False.
        discovery (bool): half of the known training clips have no label, and clips without labels
            are grouped. Defaults to False.
    """
    data: str
    splits_of: str
    compounds: bool = False
    discovery: bool = False

    @property
    def opennesses(self) -> tuple[str, ...]:
        """The published counts known : unknown, such as ``'5:2'``."""
        return opennesses(self.splits_of)

    def splits(self, openness: str) -> range:
        """List the splits of an openness.

        Args:
            openness (str): such as ``'5:2'``.

        Returns:
            range: their numbers.
        """
        return range(num_splits(self.splits_of, openness))


TASKS = dict(
    afew=Task('afew', 'AFEW'), mafw=Task('mafw', 'MAFW'), fusion=Task('fusion', 'fusion'),
    compound=Task('compound', 'compound', compounds=True), dfew=Task('dfew', 'DFEW'),
    discovery_afew=Task('afew', 'AFEW', discovery=True),
    discovery_mafw=Task('mafw', 'MAFW', discovery=True))


def find_task(name: str) -> Task:
    """Find a task by its name.

    Args:
        name (str): a key of ``TASKS``.

    Returns:
        Task: the task.

    Raises:
        InputError: no task has that name. The message lists the names.
    """
    if name not in TASKS:
        raise InputError(f'no task is named {name!r}; choose one of {", ".join(TASKS)}')
    return TASKS[name]


def set_task(cfg: Config, task: Task) -> None:
    """Put a method's config on the data of a task. The config is changed in place.

    The task sets the data sets and folders. The method keeps its pipelines, frame count and image
    size, because these depend on the backbone. On a task of compounds, HESP's default score becomes
    the one for compounds.

    Args:
        cfg (mmengine.Config): the config of a method.
        task (Task): the task.

    Raises:
        InputError: a loader of the config joins several data sets.
    """
    data = Config.fromfile(our_config(f'_base_/datasets/{task.data}.py'))
    for loader in DATALOADERS:
        if cfg.get(loader):
            leaf, *others = leaf_configs(cfg[loader].dataset)
            if others:
                raise InputError(f'{loader} joins several data sets, and a task has one: take '
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
    """Tell whether every data set of a config has numbered folds, such as those of MAFW.

    Args:
        cfg (mmengine.Config): the config of a method.

    Returns:
        bool: True if every data set takes the argument ``fold``.
    """
    return all('fold' in leaf for loader in DATALOADERS if cfg.get(loader)
               for leaf in leaf_configs(cfg[loader].dataset))


def choose_data(cfg: Config, cfg_options: Mapping[str, Any] | None = None, task: str | None = None,
                openness: str | None = None, split: int | None = None,
                known: Sequence[str] | None = None) -> None:
    """Write the data that a command line chooses into a config. The config is changed in place.

    A config of a closed set has no ``protocol`` and no known emotions to choose. Its splits are
    folds.

    Args:
        cfg (mmengine.Config): the config of a method.
        cfg_options (dict, optional): the settings of ``--cfg-options``, with dotted keys. Defaults
            to None.
        task (str, optional): a name in ``TASKS``. Its data replace those of the config. Defaults to
            None: the config's own data.
        openness (str, optional): known : unknown counts, such as ``'5:2'``. Defaults to None: the
            config's own, or the only one of the task.
        split (int, optional): a published split, 0 to 4; for a closed set a fold, 1 to 5. Defaults
            to None: split 0 if a task or an openness is named, else the known emotions of the
            config.
        known (Sequence[str], optional): known emotions in place of a published split. Defaults to
            None.

    Raises:
        InputError: the combination does not exist. The message lists those that do.
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
    if task is not None and find_task(task).discovery:
        options['labelled_half'] = split or 0
    if 'protocol' not in cfg:
        if openness is not None:
            raise InputError('the config has no `protocol`, so it has no --openness: name the '
                             'data with --task, or the emotions with --known')
        if split is not None and has_folds(cfg):
            override(cfg, dict(options, fold=split))
            return
    elif known is None and openness is not None:
        split = split or 0
        known_names(cfg.protocol.dataset, openness, split)  # says what there is
        cfg.protocol.openness = openness
    override(cfg, options, known, split)
