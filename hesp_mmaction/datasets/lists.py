"""List files of clips: every published format, read into paths and canonical emotion names.

========= ======================== ==============================================================
format    a line                   used by
========= ======================== ==============================================================
names     path ClassName           MAFW (there a tab and a caption may follow), FERV39k
hesp      path frames id ClassName HESP; the name counts, the id is passed over
frames    path frames id           any three columns; the id order must be named
dfer_clip path frames id           DFER-CLIP and Former-DFER: ``frames`` in their id order
ids       path id                  MAFW's id order unless another one is named
dfew      video_name,label         DFEW's csv, ids from 1
xlsx      a row of a sheet         MAFW's ``Labels/single-set.xlsx`` and ``multi-set.xlsx``
========= ======================== ==============================================================
"""
import csv
import logging
import os
import re
from typing import NamedTuple

from mmengine.logging import print_log

from ..errors import InputError
from .emotions import MAFW, canonical

VIDEO_EXTENSIONS = ('.avi', '.mp4', '.mkv')

_DFER_CLIP = ('happiness', 'sadness', 'neutral', 'anger', 'surprise', 'disgust', 'fear')
# Name of an id order: what an integer label means.
ID_ORDERS = dict(
    hesp=dict(enumerate(MAFW)),  # MAFW's own order
    dfer_clip=dict(enumerate(_DFER_CLIP + MAFW[7:])),
    dfew=dict(enumerate(_DFER_CLIP, 1)))

# In this order, the first that fits the first line of a file is the format of the file. A path may
# have spaces, so columns are told apart from the right.
_COLUMNS = dict(
    hesp=re.compile(r'(?P<path>.+?)\s+(?P<frames>\d{1,9})\s+-?\d+\s+(?P<name>[A-Za-z_]+)'),
    frames=re.compile(r'(?P<path>.+?)\s+(?P<frames>\d{1,9})\s+(?P<id>-?\d{1,9})'),
    ids=re.compile(r'(?P<path>.+?)\s+(?P<id>-?\d{1,9})'),
    names=re.compile(r'(?P<path>[^\t]+?)[ \t]+(?P<name>[A-Za-z_]+)\s*(\t.*)?'))
_SHAPES = dict(hesp='path frames id ClassName', frames='path frames id', ids='path id',
               names='path ClassName')
FORMATS = ('names', 'hesp', 'frames', 'dfer_clip', 'ids', 'dfew', 'xlsx')


class Clip(NamedTuple):
    """One line of a list."""
    path: str
    emotion: str        # canonical name
    frames: int = None  # where the list tells


def parse_list(text, where, kind=None, id_order=None):
    """Clips of a list in text columns.

    Args:
        text (str): the list. where (str): its name, for messages.
        kind (str, optional): ``'names'``, ``'hesp'``, ``'frames'`` or ``'ids'``; by default told
            from the first line.
        id_order (str, optional): what integers mean, one of :data:`ID_ORDERS`.

    Returns:
        tuple: list[Clip] and list[str], one message per line that cannot be used.

    Raises:
        InputError: three columns without ``id_order``, or an unknown ``id_order``.
    """
    # Not str.splitlines, which breaks a line at characters that captions contain.
    lines = [(n, line.strip()) for n, line in enumerate(re.split('\r\n|\r|\n', text), 1)]
    lines = [(n, line) for n, line in lines if line]
    if not lines:
        return [], [f'{where} is empty']
    if kind is None:
        kind = _kind(lines[0][1])
    order = None if kind in ('names', 'hesp') else _id_order(kind, id_order, where)
    clips, problems = [], []
    for number, line in lines:
        match = _COLUMNS[kind].fullmatch(line)
        if not match:
            problems.append(f'{where}:{number}: {line[:60]!r} is not "{_SHAPES[kind]}"')
            continue
        fields = match.groupdict()
        emotion = _emotion(fields, order)
        if emotion is None:
            label = fields.get('id') or fields.get('name')
            problems.append(f'{where}:{number}: label {label} is ' + (
                'no emotion' if order is None else
                f'out of range {min(order)} to {max(order)}'))
            continue
        frames = fields.get('frames')
        clips.append(Clip(fields['path'], emotion, None if frames is None else int(frames)))
    return clips, problems


def _kind(line):
    named = _COLUMNS['names'].fullmatch(line)
    if named and named[3] and _emotion(named.groupdict(), None):
        return 'names'  # whatever its caption ends with
    return next((kind for kind, p in _COLUMNS.items() if p.fullmatch(line)), 'names')


def _id_order(kind, name, where):
    choices = ', '.join(f"'{choice}'" for choice in ID_ORDERS)
    if name is None and kind == 'frames':
        raise InputError(f'{where} has three columns with integer labels, and published lists '
                         f'disagree on what these mean: set id_order to one of {choices}')
    if name is None:
        print_log(f"{where} has integer labels: MAFW's id order is taken (id_order='hesp')",
                  'current', logging.WARNING)
        name = 'hesp'
    if name not in ID_ORDERS:
        raise InputError(f'unknown id_order {name!r} for {where}; there are {choices}')
    return ID_ORDERS[name]


def _emotion(fields, order):
    if order is not None:
        return order.get(int(fields['id']))
    try:
        return canonical(fields['name'])
    except InputError:
        return None


def parse_dfew(text, where):
    """Clips of a csv of DFEW: ``video_name`` becomes ``00001``. Returns as :func:`parse_list`."""
    try:
        rows = list(csv.reader(re.split('\r\n|\r|\n', text)))
    except csv.Error as error:
        return [], [f'{where} is no table in csv: {error}']
    head = [name.strip().lower() for name in rows[0]] if rows else []
    if not {'video_name', 'label'} <= set(head):
        return [], [f'{where} does not begin with the header "video_name,label"']
    clips, problems = [], []
    for number, row in enumerate(rows[1:], 2):
        fields = dict(zip(head, (cell.strip() for cell in row), strict=False))
        if not any(fields.values()):
            continue
        label = fields.get('label', '')
        number_of_emotion = int(label) if label.isdecimal() and len(label) < 10 else None
        emotion = ID_ORDERS['dfew'].get(number_of_emotion)
        if emotion is None:
            problems.append(f'{where}:{number}: label {label} is out of range 1 to 7')
        else:
            clips.append(Clip(fields['video_name'].zfill(5), emotion))
    return clips, problems


def parse_rows(rows, where):
    """Clips of the rows of a sheet of MAFW: in each, a clip's number or file and an emotion.

    Args:
        rows (Iterable[Sequence]): cells. where (str): name of the sheet, for messages.

    Returns: as :func:`parse_list`; a first row without a clip is a header.
    """
    clips, problems = [], []
    for number, row in enumerate(rows, 1):
        cells = [str(cell).strip() for cell in row if cell is not None]
        if not cells:
            continue
        path = next((c for c in cells if re.fullmatch(r'\d+(\.\w+)?', c)), None)
        names = (_emotion(dict(name=re.sub('[ ,;+&]+', '_', c)), None) for c in cells)
        emotion = next((name for name in names if name), None)
        if path and emotion:
            clips.append(Clip(path if '.' in path else f'{path.zfill(5)}.mp4', emotion))
        elif path or number > 1:
            problems.append(f'{where}:{number}: no clip and emotion in {" | ".join(cells)[:60]}')
    return clips, problems


def read_list(path, id_order=None, kind=None):
    """Clips of a list file of any format; ``.csv`` is DFEW's, ``.xlsx`` MAFW's sheets.

    Captions that are not UTF-8 do not matter, nor do Windows line ends.

    Args:
        path (str): the file. id_order (str, optional): see :func:`parse_list`.
        kind (str, optional): one of :data:`FORMATS`, by default told from the file.

    Returns:
        tuple: list[Clip] and list[str], as of :func:`parse_list`.

    Raises:
        FileNotFoundError: no such file.
        InputError: see :func:`parse_list`; openpyxl is not installed.
    """
    if not os.path.isfile(path):
        raise FileNotFoundError(f'no list file {os.path.abspath(path)}')
    if kind is None:
        kind = {'.csv': 'dfew', '.xlsx': 'xlsx'}.get(os.path.splitext(path)[1].lower())
    if kind == 'xlsx':
        return parse_rows(_sheet(path), path)
    with open(path, 'rb') as file:  # surrogates: a path in any encoding finds its file again
        text = file.read().decode('utf-8-sig', 'surrogateescape')
    if kind == 'dfew':
        return parse_dfew(text, path)
    if kind == 'dfer_clip':
        kind, id_order = 'frames', 'dfer_clip'
    return parse_list(text, path, kind, id_order)


def _sheet(path):
    try:
        from openpyxl import load_workbook  # an extra: hardly anybody needs it
    except ImportError as error:
        raise InputError(f'{path}: reading .xlsx needs openpyxl; run: pip install openpyxl; or '
                         "use the list files in MAFW's folder 'Train & Test Set'") from error
    try:
        return list(load_workbook(path, read_only=True, data_only=True).worksheets[0].values)
    except Exception as error:  # whatever a broken zip or XML makes of openpyxl
        raise InputError(f'{path} is no sheet that can be read ({error}): take it from the data '
                         'set anew') from error


def format_list(clips, kind, id_order=None):
    """The text of a list; the undoing of the parsers.

    Args:
        clips (list[Clip]): with ``frames`` where the format has them.
        kind (str): one of :data:`FORMATS` but ``'xlsx'``.
        id_order (str, optional): for ``'frames'`` and ``'ids'``.

    Raises:
        InputError: an emotion that has no id, or no ``id_order`` where one is needed.
    """
    order_name = {'hesp': 'hesp', 'dfer_clip': 'dfer_clip', 'dfew': 'dfew'}.get(kind, id_order)
    ids = {}
    if kind != 'names':
        order = _id_order('frames' if kind == 'dfer_clip' else kind, order_name, 'the new list')
        ids = {name: number for number, name in order.items()}
        lost = sorted({clip.emotion for clip in clips} - set(ids))
        if lost:
            raise InputError(f'{", ".join(lost)} has no integer in the id order {order_name!r}; '
                             'write --to names')
    lines = {
        'names': lambda c: f'{c.path} {c.emotion}',
        'hesp': lambda c: f'{c.path} {c.frames} {ids[c.emotion]} {_class_name(c.emotion)}',
        'frames': lambda c: f'{c.path} {c.frames} {ids[c.emotion]}',
        'dfer_clip': lambda c: f'{c.path} {c.frames} {ids[c.emotion]}',
        'ids': lambda c: f'{c.path} {ids[c.emotion]}',
        'dfew': lambda c: f'{os.path.splitext(os.path.basename(c.path))[0]},{ids[c.emotion]}'}
    head = ['video_name,label'] if kind == 'dfew' else []
    return ''.join(f'{line}\n' for line in head + [lines[kind](clip) for clip in clips])


def _class_name(emotion):
    """As HESP's lists write it."""
    return dict(anger='Angry', happiness='Happy', sadness='Sad').get(emotion, emotion.capitalize())


def find_clip(folder, name):
    """Path of a listed clip: the file or folder itself, or what has its name in another form.

    MAFW's ``00001.mp4`` may have been cut into a folder ``00001`` of frames.
    """
    path = os.path.join(folder, *name.split('/'))
    stem = os.path.splitext(path)[0]
    found = (p for p in (path, stem, *(stem + e for e in VIDEO_EXTENSIONS)) if os.path.exists(p))
    return next(found, path)
