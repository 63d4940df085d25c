"""The text file in which a person decides about groups of clips."""
import re
from dataclasses import dataclass
from pathlib import Path

from ..datasets.emotions import canonical, in_force, use
from ..errors import InputError
from ..text import printable

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
        groups (list[Group]): of ``groups.find_groups``.
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


def read_groups(path, grouped=None):
    """Read an edited text.

    An accepted word that is no emotion yet becomes one, as after ``--known``.

    Args:
        path (str or Path): of the text of ``format_groups``.
        grouped (Collection[str], optional): printable paths of all clips that were grouped. A line
            that is none of them is refused. Defaults to None: any line may be a clip.

    Returns:
        dict[int, Decision]: by the number of the group.

    Raises:
        InputError: a line that cannot be read or a clip that stands twice, by the number of the
            line.
    """
    try:
        text = Path(path).read_text(encoding='utf-8-sig')
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f'{path} cannot be read as a text in UTF-8: {error}') from error
    groups: dict[int, Decision] = {}
    current, seen = None, {}  # seen: clip to the number of its line
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith('#'):
            continue
        match = _GROUP.fullmatch(line)
        try:
            if match is None:
                if current is None:
                    raise InputError('a clip stands before the first group')
                if grouped is not None and line not in grouped:
                    raise InputError(f'{line!r} is none of the clips that were grouped, and no '
                                     'line such as "group 1: accept anger"')
                if line in seen:
                    raise InputError(f'{line} stands in line {seen[line]}, too: delete one of the '
                                     'lines')
                seen[line] = number
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
    action, value = (*text.split(maxsplit=1), '', '')[:2]
    action = action.lower()
    if action == 'accept' and value:
        use(in_force().with_words(value))
        return action, canonical(value)
    if action == 'merge' and value.isdecimal():
        return action, str(int(value))
    if action == 'drop' and not value:
        return action, ''
    raise InputError(f'{text!r} is not "accept NAME", "merge NUMBER" or "drop"')


def accepted(groups, known, path):
    """Find the clips of every accepted emotion.

    Args:
        groups (dict[int, Decision]): of ``read_groups``.
        known (Sequence[str]): emotions that the model knows.
        path (str or Path): of the text, for messages.

    Returns:
        dict[str, list[str]]: canonical emotion to printable paths, in the order of the groups.

    Raises:
        InputError: nothing is accepted, a merge leads nowhere, two groups have one name, a name is
            known already, or a group has fewer than two clips.
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
    for number, clips in found.items():
        if len(clips) < 2:
            complain(groups[number], f'group {number} has {len(clips) or "no"} clip'
                     f'{"" if clips else "s"}: an emotion needs two or more; drop or merge it')
    return {groups[number].value: clips for number, clips in found.items()}
