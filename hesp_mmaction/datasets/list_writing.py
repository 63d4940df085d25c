"""Writes a list of clips in any of the formats that ``lists`` reads as text."""
import csv
import io
import os

from ..errors import InputError
from .id_orders import ID_ORDERS, find_order


def format_list(clips, kind, id_order=None):
    """Write clips as the text of a list; the inverse of the parsers.

    Args:
        clips (list[ListedClip]): clips, with ``frames`` if the format has them.
        kind (str): one of ``FORMATS`` except ``'xlsx'``.
        id_order (str | Sequence, optional): for ``'frames'`` and ``'ids'``.

    Returns:
        str: the list, one clip a line.

    Raises:
        InputError: an emotion has no id, or ``id_order`` is needed and missing.
    """
    ids = {}
    if kind not in ('names', 'csv'):
        id_order = {'hesp': 'hesp', 'dfer_clip': 'dfer_clip', 'dfew': 'dfew'}.get(kind, id_order)
        if id_order is None:
            raise InputError(f'the new list has integers in the format {kind}: say with id_order '
                             f'what they shall mean, such as {", ".join(ID_ORDERS)}')
        order = find_order(id_order, 'the new list')
        ids = {name: number for number, name in order.items()}
        lost = sorted({clip.emotion for clip in clips} - set(ids))
        if lost:
            raise InputError(f'{", ".join(lost)} has no integer in the id order {id_order!r}; '
                             'write --to names')
    if kind == 'csv':
        out = io.StringIO()
        csv.writer(out, lineterminator='\n').writerows(
            [('path', 'label'), *((clip.path, clip.emotion) for clip in clips)])
        return out.getvalue()
    lines = {  # a tab where words of a path might be taken for a label
        'names': lambda c: f'{c.path}{chr(9) if " " in c.path else " "}{c.emotion}',
        'hesp': lambda c: f'{c.path} {c.frames} {ids[c.emotion]} {_class_name(c.emotion)}',
        'frames': lambda c: f'{c.path} {c.frames} {ids[c.emotion]}',
        'dfer_clip': lambda c: f'{c.path} {c.frames} {ids[c.emotion]}',
        'ids': lambda c: f'{c.path} {ids[c.emotion]}',
        'dfew': lambda c: f'{os.path.splitext(os.path.basename(c.path))[0]},{ids[c.emotion]}'}
    head = ['video_name,label'] if kind == 'dfew' else []
    return ''.join(f'{line}\n' for line in head + [lines[kind](clip) for clip in clips])


def _class_name(emotion):
    """Returns an emotion as HESP's lists write it."""
    return dict(anger='Angry', happiness='Happy', sadness='Sad').get(emotion, emotion.capitalize())
