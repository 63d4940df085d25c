"""Known / unknown splits: which emotions a model is trained on, always as names in a fixed order.

``splits.json`` holds the published splits; its ``note`` says what is assumed about them.
"""
import codecs
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError
from .emotions import canonical, in_force

_SPLITS = json.loads(Path(__file__).with_name('splits.json').read_text(encoding='utf-8'))
_SPLITS.pop('note')


def _pick(table: Mapping, key: str | int, what: str) -> Any:
    if key not in table:
        raise InputError(f'no published {what} {key!r}; there are: {", ".join(map(str, table))}')
    return table[key]


def known_names(dataset: str, openness: str, split: int) -> tuple[str, ...]:
    """The known classes of a published split.

    Args:
        dataset (str): ``'AFEW'``, ``'MAFW'`` or ``'DFEW'``; ``'fusion'`` and ``'compound'``, the
            tasks whose known classes are the seven basic emotions, have one split each.
        openness (str): known : unknown class counts, such as ``'3:4'``.
        split (int): 0 to 4.

    Returns:
        tuple[str]: canonical names in MAFW's order; ``known_names('AFEW', '3:4', 0)`` is
        ``('disgust', 'fear', 'happiness')``.

    Raises:
        InputError: there is no such split; the message lists what there is.
    """
    table = _pick(_SPLITS, dataset, 'splits for data set')
    names = _pick(table, openness, f'{dataset} openness')
    return tuple(_pick(dict(enumerate(names)), split, f'{dataset} {openness} split'))


def opennesses(dataset: str) -> tuple[str, ...]:
    """Known : unknown counts of a data set's published splits, such as ``'5:2'``.

    Args:
        dataset (str): name of the data set, such as ``'afew'``.

    Returns:
        tuple[str]: the counts, most known first.

    Raises:
        InputError: there are none. The message lists the data sets that have them.
    """
    found = _pick(_SPLITS, dataset, 'splits for data set')
    return tuple(sorted(found, key=lambda name: -int(name.split(':')[0])))


def num_splits(dataset: str, openness: str) -> int:
    """How many splits are published for an openness of a data set.

    Args:
        dataset (str): name of the data set.
        openness (str): known : unknown counts, such as ``'5:2'``.

    Returns:
        int: the number of splits.

    Raises:
        InputError: there are none.
    """
    return len(_pick(_pick(_SPLITS, dataset, 'splits for data set'), openness,
                     f'{dataset} openness'))


def read_known_sets(path: str | Path) -> list[tuple[str, ...]]:
    """Read the user's own known sets from a text file.

    A line is a set: names separated by commas or semicolons, or by spaces if it has neither. Empty
    lines and what follows a ``#`` do not count. Set 0 is the first. A word that is no emotion
    yet is one of its own.

    Args:
        path (str | Path): path of the file, in UTF-8, or UTF-16 with a byte order mark.

    Returns:
        list[tuple[str]]: canonical names, in the order of the file: label k of a model is the k-th.

    Raises:
        InputError: there is no such file or no set in it; or a line that is no set of two
            emotions or more, with its number.
    """
    try:
        data = Path(path).read_bytes()
        utf_16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        text = data.decode('utf-16' if utf_16 else 'utf-8-sig')
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f'known sets: {path} cannot be read: {error}') from error
    vocabulary = in_force()
    sets: list[tuple[str, ...]] = []
    lines: dict[frozenset[str], int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.partition('#')[0].strip()
        if not line:
            continue
        words = re.split('[,;]', line) if re.search('[,;]', line) else line.split()
        try:
            for word in filter(None, map(str.strip, words)):
                vocabulary = vocabulary.with_words(word)
            names = tuple(vocabulary.canonical(word) for word in words if word.strip())
        except InputError as error:
            raise InputError(f'{path}:{number} is no known set: {error}') from error
        if len(set(names)) != len(names) or len(names) < 2:
            raise InputError(f'{path}:{number}: a known set is two different emotions or more, '
                             f'not {", ".join(names)}')
        earlier = lines.setdefault(frozenset(names), number)
        if earlier != number:
            raise InputError(f'{path}:{number}: this set is in line {earlier} already')
        sets.append(names)
    if not sets:
        raise InputError(f'{path} holds no known set: a line is one, such as "anger, fear"')
    return sets


def resolve_known(names: Sequence[str], all_names: Sequence[str],
                  closed_set: bool = False, remedy: str = '') -> tuple[str, ...]:
    """Checks a user's list of known classes and writes them canonically, in the given order.

    Args:
        names (Sequence[str]): known classes in any spelling ``canonical`` understands.
        all_names (Sequence[str]): the canonical names of the data set.
        closed_set (bool): every class is known, none is unknown. Defaults to False.
        remedy (str): what to do about an emotion that the data set does not have, for the message.

    Returns:
        tuple[str]: canonical names; label k of a model is the k-th of them.

    Raises:
        InputError: not a list, a name that is not in the data set or is given twice, fewer than
            two known classes, or no class left to be unknown (one left out, if ``closed_set``).
    """
    if isinstance(names, str):
        raise InputError(f'known must be a list of emotion names, not the string {names!r}')
    known = []
    for name in names:
        try:
            emotion = canonical(name)
        except ValueError:
            emotion = ''
        if emotion not in all_names:
            raise InputError(f'known class {name!r} is not in the data set; its classes are: '
                             f'{", ".join(all_names)}'
                             f'{remedy if emotion else ""}')
        if emotion in known:
            raise InputError(f'known class {emotion!r} is given twice in {list(names)}')
        known.append(emotion)
    if len(known) < 2:
        raise InputError(f'at least two known classes are needed, known is {known}')
    left_out = [name for name in all_names if name not in known]
    if closed_set and left_out:
        raise InputError(f'closed_set=True needs every class in known; add {", ".join(left_out)} '
                         'or set closed_set=False')
    if not closed_set and not left_out:
        raise InputError('every class of the data set is in known; leave at least one out, '
                         'to be the unknown one, or set closed_set=True')
    return tuple(known)
