"""The text file in which a person decides about groups of clips, and the lists made of it."""
import json
import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ..datasets.emotions import canonical
from ..datasets.list_cells import ListedClip
from ..datasets.list_writing import format_list
from ..datasets.wrappers import leaf_configs
from ..errors import InputError
from ..files import whole, write_json
from ..text import printable
from ..visualization.group_page import group_page
from .discover import Run, find_run

HELP = """\
# Groups of unknown clips. Edit the lines that begin with "group", then run
#     python tools/discover.py --apply FOLDER
# What a line may say:
#     group 1: accept anger    the clips become training clips of this emotion; any name will do
#     group 1: merge 2         the clips join group 2
#     group 1: drop            the clips are left out
# The most typical clips come first. Delete the lines of clips that do not belong to their group.
"""
_GROUP = re.compile(r'group\s+(\d+)\s*:\s*(.*)', re.IGNORECASE)


@dataclass
class Decision:
    """What a person says of a group.

    Attributes:
        action (str): ``'accept'``, ``'merge'`` or ``'drop'``.
        value (str): the canonical emotion, the number of another group as text, or ``''``.
        clips (list[str]): printable paths.
        line (int): number of the line.
    """
    action: str
    value: str
    clips: list
    line: int


def format_groups(groups, paths):
    """Write groups as the text that a person edits.

    Args:
        groups (list[Group]): of :func:`.groups.find_groups`.
        paths (list[str]): of all clips.

    Returns:
        str: each group begins with the acceptance of the suggested name; one whose word is no
        emotion that can be learned begins with ``drop``.
    """
    parts = [HELP]
    for number, group in enumerate(groups, 1):
        words = ', '.join(f'{word} {value:.3f}' for word, value in group.words[:3])
        parts.append(f'\ngroup {number}: ' + (f'accept {group.name}' if group.name else 'drop')
                     + f'\n# {len(group.clips)} clips; words: {words}\n'
                     + ''.join(f'{printable(paths[i])}\n' for i in group.clips))
    return ''.join(parts)


def read_groups(path):
    """Read an edited text.

    Args:
        path (str or Path): of the text of :func:`format_groups`.

    Returns:
        dict[int, Decision]: by the number of the group.

    Raises:
        InputError: a line that cannot be read, by its number.
    """
    try:
        text = Path(path).read_text(encoding='utf-8-sig')
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f'{path} cannot be read as a text in UTF-8: {error}') from error
    groups: dict[int, Decision] = {}
    current = None
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith('#'):
            continue
        match = _GROUP.fullmatch(line)
        try:
            if match is None:
                if current is None:
                    raise InputError('a clip stands before the first group')
                current.clips.append(line)
                continue
            group = int(match[1])
            if group in groups:
                raise InputError(f'group {group} is there already')
            current = groups[group] = Decision(*_decision(match[2]), [], number)
        except InputError as error:
            raise InputError(f'{path}, line {number}: {error}') from error
    return groups


def _decision(text):
    action, _, value = text.partition(' ')
    action, value = action.lower(), value.strip()
    if action == 'accept' and value:
        return action, canonical(value)
    if action == 'merge' and value.isdecimal():
        return action, str(int(value))
    if action == 'drop' and not value:
        return action, ''
    raise InputError(f'{text!r} is not "accept NAME", "merge NUMBER" or "drop"')


def accepted(groups, known, path):
    """Find the clips of every accepted emotion.

    Args:
        groups (dict[int, Decision]): of :func:`read_groups`.
        known (Sequence[str]): emotions that the model knows.
        path (str or Path): of the text, for messages.

    Returns:
        dict[str, list[str]]: canonical emotion to printable paths, in the order of the groups.

    Raises:
        InputError: nothing is accepted, a merge leads nowhere, two groups have one name, a name is
            known already, a clip stands twice, or a group has one clip.
    """
    found: dict[int, list] = {number: [] for number, group in groups.items()
                              if group.action == 'accept'}

    def complain(group, message):
        raise InputError(f'{path}, line {group.line}: {message}')

    names: dict[str, int] = {}
    for number in found:
        name = groups[number].value
        if name in known:
            complain(groups[number], f'{name} is known already: give group {number} another name, '
                     'or drop it')
        if name in names:
            complain(groups[number], f'groups {names[name]} and {number} are both {name}: write '
                     f'"group {number}: merge {names[name]}", or another name')
        names[name] = number
    for number, group in groups.items():
        goal, steps = number, 0
        while goal in groups and groups[goal].action == 'merge' and steps <= len(groups):
            goal, steps = int(groups[goal].value), steps + 1
        if group.action == 'merge' and goal not in found:
            complain(group, f'group {number} joins group {group.value}, which is not accepted: '
                     'accept that one, or drop both')
        if goal in found:
            found[goal] += group.clips
    if not found:
        raise InputError(f'{path} accepts no group: write "accept NAME" for one')
    twice = [clip for clip, count in Counter(sum(found.values(), [])).items() if count > 1]
    if twice:
        raise InputError(f'{path}: {twice[0]} stands in two places: delete one of the lines')
    for number, clips in found.items():
        if len(clips) < 2:
            complain(groups[number], f'group {number} has {len(clips)} clip: an emotion needs two '
                     'or more; drop or merge it')
    return {groups[number].value: clips for number, clips in found.items()}


def labelled_clips(config, part):
    """List the clips of a run with their labels, whatever their emotion.

    Args:
        config (str or Path): of the run.
        part (str): ``'train'`` or ``'test'``.

    Returns:
        list[ListedClip]: those that can be read, sorted by path.

    Raises:
        InputError: the run was trained on features.
    """
    init_default_scope('mmaction')
    leaf = leaf_configs(Config.fromfile(config).train_dataloader.dataset)[0]
    dataset = DATASETS.build(dict(leaf, part=part, pipeline=[], cache=None, test_mode=True,
                                  lazy_init=True))
    if not hasattr(dataset, 'take_every_clip'):
        raise InputError(f'{config} is of a training on features: discovery needs clips')
    dataset.take_every_clip()
    return [ListedClip(info['filename'], info['emotion']) for info in dataset.data_list]


def lists_of(config, known, new):
    """Make the lists of a training that knows the new emotions, too.

    The training list has the clips of known emotions that the run was trained on, and the new ones.
    The test list is that of the run, without clips that are trained on now.

    Args:
        config (str or Path): of the run.
        known (Sequence[str]): emotions that the run knows.
        new (dict[str, list[str]]): emotion to paths.

    Returns:
        dict[str, list[ListedClip]]: ``train`` and ``test``, with paths below the data folder, or
        absolute ones.

    Raises:
        InputError: the run was trained on features, or a clip is one that the run was trained on.
    """
    lists = {part: labelled_clips(config, part) for part in ('train', 'test')}
    leaf = leaf_configs(Config.fromfile(config).train_dataloader.dataset)[0]
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
        untested (list[str]): new emotions without a clip in the test list.
    """
    run: Run
    known: list
    new: dict
    lists: dict
    untested: list

    @property
    def options(self):
        """Changes to the config of the run, as of ``--cfg-options``."""
        return {'lists.train': self.lists['train'], 'lists.test': self.lists['test'],
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


def apply_groups(folder):
    """Write the lists of a training that learns what a person accepted in ``groups.txt``.

    Nothing is written unless every decision can be followed.

    Args:
        folder (str or Path): of :func:`write_groups`.

    Returns:
        Applied

    Raises:
        InputError: of :func:`read_groups`, :func:`accepted` and :func:`lists_of`; the folder has no
            groups, or a clip is none of them.
    """
    record, text = Path(folder) / 'groups.json', Path(folder) / 'groups.txt'
    if not record.is_file():
        raise InputError(f'{folder} has no groups.json: run tools/discover.py WORK_DIR --out '
                         f'{folder} first')
    found = json.loads(record.read_text(encoding='utf-8'))
    new = accepted(read_groups(text), found['known'], text)
    lost = [clip for clips in new.values() for clip in clips if clip not in found['clips']]
    if lost:
        raise InputError(f'{text}: {lost[0]} is none of the clips that were grouped')
    run = find_run(found['run'])
    new = {name: [found['clips'][clip] for clip in clips] for name, clips in new.items()}
    lists = lists_of(run.config, found['known'], new)
    tested = {clip.emotion for clip in lists['test']}
    return Applied(run, [*found['known'], *new], new, write_lists(folder, lists),
                   [name for name in new if name not in tested])


def write_lists(folder, lists):
    """Write ``train.csv`` and ``test.csv``, each whole or not at all.

    Args:
        folder (str or Path): where they belong.
        lists (dict[str, list[ListedClip]]): of :func:`lists_of`.

    Returns:
        dict[str, str]: part to the absolute path of its list.
    """
    texts = {part: format_list(clips, 'csv') for part, clips in lists.items()}
    paths = {part: os.path.join(os.path.abspath(folder), f'{part}.csv') for part in texts}
    for part, text in texts.items():
        with whole(paths[part]) as file:
            file.write(text)
    return paths
