"""The labelled half of the known training clips, for category discovery."""
import hashlib
from collections import defaultdict
from collections.abc import Sequence

from ..errors import InputError


def labelled_half(ids: Sequence[str], emotions: Sequence[str], split: int) -> set[str]:
    """Choose half of the clips of every emotion by a rule, so that no list has to be shipped.

    The clips of an emotion are sorted by the SHA-256 of ``'{split} {id}'`` in UTF-8. The first half
    of them is labelled, the larger one where their number is odd. In generalized category discovery
    (Vaze et al., CVPR 2022) half of the known classes' images is labelled too, drawn at random.

    Args:
        ids (Sequence[str]): sample ids (N,), each once.
        emotions (Sequence[str]): the emotion of each clip (N,).
        split (int): number of the split, 0 or more. Every split draws other halves.

    Returns:
        set[str]: the ids of the labelled clips.

    Raises:
        InputError: an emotion has a single clip, which leaves none without a label.
    """
    groups = defaultdict(list)
    for name, emotion in zip(ids, emotions, strict=True):
        groups[emotion].append(name)
    alone = sorted(emotion for emotion, names in groups.items() if len(names) == 1)
    if alone:
        raise InputError(f'one training clip of {", ".join(alone)} cannot be parted into a '
                         'labelled and an unlabelled half: add clips or choose other emotions as '
                         'known')
    chosen = set()
    for names in groups.values():
        names.sort(key=lambda name: hashlib.sha256(
            f'{split} {name}'.encode('utf-8', 'surrogateescape')).digest())
        chosen.update(names[:(len(names) + 1) // 2])
    return chosen
