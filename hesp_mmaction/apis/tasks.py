"""The four tasks of the HESP paper (and DFEW's splits): which data, which opennesses."""
from dataclasses import dataclass

from mmengine.config import Config

from ..datasets.splits import num_splits, opennesses
from ..datasets.wrappers import leaf_configs
from ..errors import InputError
from .configs import our_config
from .wiring import DATALOADERS, VARIABLES


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
