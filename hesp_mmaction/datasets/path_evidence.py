"""What the paths of a list say about its labels, as folders and files often name an emotion."""
import logging
import os
import re
from collections import Counter

from mmengine.logging import print_log

from .emotions import emotion_of

SHARE = 0.1  # of the clips must name an emotion in their path, or the paths say nothing
AGREE = 0.9  # of the clips of an integer name the same emotion: then the paths prove what it is


def path_emotion(path):
    """The emotion that a path names, or None.

    It is a folder that is called like an emotion, numbers apart (``Angry``, ``03_Happy``), or the
    only emotion among the words of the file name (``001-angry.mp4``); what is nearest to the file
    counts.

    Args:
        path (str): a path with ``/`` or ``\\``.

    Returns:
        str | None: canonical name.
    """
    *folders, file = re.split(r'[/\\]+', path)
    stem = file.rsplit('.', 1)[0]
    whole = emotion_of(re.sub(r'^[\W\d_]+|[\W\d_]+$', '', stem))
    if whole:
        return whole
    words = {emotion_of(word) for word in re.findall('[A-Za-z]+', stem)} - {None}
    if len(words) == 1:
        return words.pop()
    for folder in reversed(folders):
        emotion = emotion_of(re.sub(r'^[\W\d_]+|[\W\d_]+$', '', folder))
        if emotion:
            return emotion
    return None


def clips_that_say(labels):
    """Find the clips whose path names an emotion.

    A word that is the same in nearly all paths whatever their label (``/home/joy/``) is ignored.

    Args:
        labels (list[tuple[str, int | str]]): path and label of every clip.

    Returns:
        list[tuple[str, int | str, str]]: path, label and the emotion that the path names.
    """
    several = len({label for _, label in labels}) > 1
    shared = _shared([path for path, _ in labels]) if several else 0
    found = [(path, label, path_emotion(path[shared:])) for path, label in labels]
    found = [row for row in found if row[2]]
    same = _largest(emotion for *_, emotion in found) >= AGREE > _largest(
        label for _, label, _ in found)
    return [] if same else found


def _largest(values):
    """The share of the most common value."""
    counts = Counter(values)
    return max(counts.values(), default=0) / max(1, counts.total())


def _shared(paths):
    """Returns the length of the folder name with which all paths begin."""
    start = os.path.commonprefix(paths)
    return max(start.rfind('/'), start.rfind('\\')) + 1


def proved_order(known):
    """What integers mean, if the paths of each one agree and no two have the same emotion.

    Args:
        known (list[tuple[str, int, str]]): as returned by ``clips_that_say``.

    Returns:
        dict[int, str]: label to canonical emotion; empty if the paths prove nothing.
    """
    counts = {}
    for _, label, emotion in known:
        counts.setdefault(label, Counter())[emotion] += 1
    best = {label: counter.most_common(1)[0] for label, counter in counts.items()}
    if any(count < AGREE * counts[label].total() for label, (_, count) in best.items()):
        return {}
    names = {label: name for label, (name, _) in best.items()}
    return names if len(set(names.values())) == len(names) else {}


def check_names(clips, where):
    """Warn if most paths of a list in words name another emotion than the list.

    Args:
        clips (list[ListedClip]): clips of the list.
        where (str): the list, for messages.
    """
    known = clips_that_say([(clip.path, clip.emotion) for clip in clips])
    wrong = [row for row in known if row[1] != row[2]]
    if 2 * len(wrong) > len(known) >= SHARE * len(clips):
        path, label, emotion = wrong[0]
        print_log(f'{where}: {len(wrong)} of {len(known)} clips are called something else in the '
                  f'list than in their path (first: {path} is {label}, not {emotion}); the list '
                  'counts', 'current', logging.WARNING)
