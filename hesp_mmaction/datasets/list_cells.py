"""What the cells of a list are: a label, an integer, a path or the name of a column."""
import re
from typing import NamedTuple

from .emotions import emotion_of

LABEL_WORDS = ('label', 'emotion', 'class', 'expression', 'target', 'categor', 'annotation')
PATH_WORDS = ('path', 'file', 'video', 'clip', 'image', 'name', 'sample')
INTEGER = re.compile(r'-?\d{1,9}(\.0+)?')
LIKE_A_PATH = re.compile(r'.*[/\\].*|.*\.\w{2,4}')


class ListedClip(NamedTuple):
    """One line of a list."""
    path: str
    emotion: str        # canonical name
    frames: int = None  # where the list tells


def is_header(cells):
    """Whether these are names of columns: no label and no path, but a word such as "label".

    Args:
        cells (Sequence[str]): cells of the first row of a list.

    Returns:
        bool: True for names of columns.
    """
    if any(INTEGER.fullmatch(c) or emotion_of(c) or LIKE_A_PATH.fullmatch(c) for c in cells):
        return False
    return any(word in cell.lower() for cell in cells for word in LABEL_WORDS)


def out_of_range(order):
    """Say what is wrong with a label that is not in an order.

    Args:
        order (Mapping[int, str]): integer to emotion.

    Returns:
        str: a part of a sentence.
    """
    return f'out of range {min(order)} to {max(order)}'
