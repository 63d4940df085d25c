"""From groups of clips to files for a person, and from the decisions to lists for a training."""
import json
import os
from dataclasses import dataclass
from pathlib import Path

from mmaction.registry import DATASETS
from mmengine.registry import init_default_scope

from ..datasets.list_cells import ListedClip
from ..datasets.list_writing import format_list
from ..datasets.wrappers import leaf_configs
from ..errors import InputError
from ..files import whole, write_json
from ..text import printable
from ..visualization.group_page import group_page
from .group_files import accepted, format_groups, read_groups
from .unknown_groups import Run, config_of, find_run


def labelled_clips(cfg, part):
    """List the clips of a run with their labels, whatever their emotion.

    Args:
        cfg (mmengine.Config): of the run, see ``discover.config_of``.
        part (str): ``'train'`` or ``'test'``.

    Returns:
        list[ListedClip]: those that can be read, sorted by path.

    Raises:
        InputError: the run was trained on features.
    """
    init_default_scope('mmaction')
    leaf = leaf_configs(cfg.train_dataloader.dataset)[0]
    dataset = DATASETS.build(dict(leaf, part=part, pipeline=[], cache=None, test_mode=True,
                                  lazy_init=True))
    if not hasattr(dataset, 'take_every_clip'):
        raise InputError(f'{cfg.filename} is of a training on features: discovery needs clips')
    dataset.take_every_clip()
    return [ListedClip(info['filename'], info['emotion']) for info in dataset.data_list]


def lists_of(cfg, known, new):
    """Make the lists of a training that knows the new emotions, too.

    The training list has the clips of known emotions that the run was trained on, and the new ones.
    The test list is that of the run, without clips that are trained on now.

    Args:
        cfg (mmengine.Config): of the run, see ``discover.config_of``.
        known (Sequence[str]): emotions that the run knows.
        new (dict[str, list[str]]): emotion to paths.

    Returns:
        dict[str, list[ListedClip]]: ``train`` and ``test``, with paths below the data folder, or
        absolute ones.

    Raises:
        InputError: the run was trained on features, or a clip is one that the run was trained on.
    """
    lists = {part: labelled_clips(cfg, part) for part in ('train', 'test')}
    leaf = leaf_configs(cfg.train_dataloader.dataset)[0]
    root = os.path.realpath(os.path.expanduser(leaf.data_root))
    own = {os.path.realpath(clip.path) for clip in lists['train'] if clip.emotion in known}
    taken = {os.path.realpath(path): emotion for emotion, paths in new.items() for path in paths}
    both = sorted(own & set(taken))
    if both:
        raise InputError(f'{len(both)} accepted clips have a known emotion in the training list of '
                         f'the run, first {both[0]}: delete their lines')
    train = [clip for clip in lists['train'] if clip.emotion in known]
    train += [ListedClip(path, emotion) for path, emotion in taken.items()]
    test = [clip for clip in lists['test'] if os.path.realpath(clip.path) not in taken]
    return {part: [clip._replace(path=_below(clip.path, root)) for clip in clips]
            for part, clips in (('train', train), ('test', test))}


def _below(path, root):
    """A path below the data folder, or an absolute one."""
    path = os.path.realpath(path)
    relative = os.path.relpath(path, root)
    return path if relative.split(os.sep)[0] == os.pardir else relative


@dataclass
class Applied:
    """What a person decided, ready to be learned.

    Attributes:
        run (Run): the training whose model grows.
        known (list[str]): the emotions of the run, then the new ones.
        new (dict[str, list[str]]): new emotion to paths of its clips.
        lists (dict[str, str]): ``train`` and ``test`` to the absolute paths of their lists.
        cfg_options (dict): changes to the config of the run that were given.
        untested (list[str]): new emotions without a clip in the test list.
    """
    run: Run
    known: list
    new: dict
    lists: dict
    cfg_options: dict
    untested: list

    @property
    def options(self):
        """Changes to the config of the run, see ``--cfg-options``."""
        return self.cfg_options | {
            'lists.train': self.lists['train'], 'lists.test': self.lists['test'],
            'classes': 'found'}


def write_groups(out, run, judged, groups):
    """Write ``groups.html``, ``groups.txt`` and ``groups.json`` (what ``--apply`` has to know).

    Args:
        out (str or Path): folder of the files.
        run (Run): that the groups come from.
        judged (Judged): the clips.
        groups (list[Group]): of rows of ``judged``.
    """
    texts = {'groups.html': group_page(groups, judged.paths, judged.known),
             'groups.txt': format_groups(groups, judged.paths)}
    write_json(dict(run=os.path.abspath(run.folder), known=judged.known,
                    clips={printable(path): os.path.abspath(path) for path in judged.paths}),
               Path(out) / 'groups.json')
    for name, text in texts.items():
        with whole(Path(out) / name) as file:
            file.write(text)


def apply_groups(folder, cfg_options=None):
    """Write the lists of a training that learns what a person accepted in ``groups.txt``.

    Nothing is written unless every decision can be followed.

    Args:
        folder (str or Path): of ``write_groups``.
        cfg_options (dict, optional): changes to the config of the run, see ``--cfg-options``.
            Defaults to None.

    Returns:
        Applied: what is to be learned.

    Raises:
        InputError: of ``read_groups``, ``accepted`` and ``lists_of``; or the folder has no
            groups.
    """
    record, text = Path(folder) / 'groups.json', Path(folder) / 'groups.txt'
    if not record.is_file():
        raise InputError(f'{folder} has no groups.json: run tools/discover.py WORK_DIR --out '
                         f'{folder} first')
    found = json.loads(record.read_text(encoding='utf-8'))
    run = find_run(found['run'])
    cfg = config_of(run, cfg_options)  # first: the names of groups may be emotions of its own
    new = accepted(read_groups(text, found['clips']), found['known'], text)
    new = {name: [found['clips'][clip] for clip in clips] for name, clips in new.items()}
    lists = lists_of(cfg, found['known'], new)
    tested = {clip.emotion for clip in lists['test']}
    return Applied(run, [*found['known'], *new], new, write_lists(folder, lists),
                   cfg_options or {}, [name for name in new if name not in tested])


def write_lists(folder, lists):
    """Write ``train.csv`` and ``test.csv``, each whole or not at all.

    Args:
        folder (str or Path): where they belong.
        lists (dict[str, list[ListedClip]]): of ``lists_of``.

    Returns:
        dict[str, str]: part to the absolute path of its list.
    """
    texts = {part: format_list(clips, 'csv') for part, clips in lists.items()}
    paths = {part: os.path.join(os.path.abspath(folder), f'{part}.csv') for part in texts}
    for part, text in texts.items():
        with whole(paths[part]) as file:
            file.write(text)
    return paths
