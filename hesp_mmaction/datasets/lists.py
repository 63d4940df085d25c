"""List files of clips: every published format, read into paths and canonical emotion names.

========= ======================== ==============================================================
format    a line                   used by
========= ======================== ==============================================================
names     path ClassName           MAFW (there a tab and a caption may follow), FERV39k
hesp      path frames id ClassName HESP; the name counts, the id is passed over
frames    path frames id           any three columns; the id order must be named
dfer_clip path frames id           DFER-CLIP and Former-DFER: ``frames`` in their id order
ids       path id                  any two columns; the id order must be named
csv       path,label               any table with commas, semicolons or tabs, see :mod:`.tables`
dfew      video_name,label         DFEW's csv, ids from 1
xlsx      a row of a sheet         MAFW's ``Labels/single-set.xlsx`` and ``multi-set.xlsx``, or a
                                   table as ``csv``
========= ======================== ==============================================================
"""
import csv
import io
import os
import re
import unicodedata
from functools import lru_cache

from ..errors import InputError
from .emotions import emotion_of, in_force, is_adverb, label_of, no_emotion
from .id_orders import ID_ORDERS, check_names, find_order, settle_order
from .tables import (
    Clip,
    delimiter_of,
    is_header,
    out_of_range,
    parse_dfew,
    parse_rows,
    parse_sheet,
    parse_table,
    read_rows,
    read_sheet,
)
from .video import VIDEO_EXTENSIONS

__all__ = ['FORMATS', 'ID_ORDERS', 'VIDEO_EXTENSIONS', 'Clip', 'find_clip', 'format_list',
           'locate', 'parse_dfew', 'parse_list', 'parse_rows', 'parse_table', 'read_list']

# In this order, the first that fits the first line of a file is the format of the file. A path may
# have spaces, so columns are told apart from the right.
_COLUMNS = dict(
    hesp=re.compile(r'(?P<path>.+?)\s+(?P<frames>\d{1,9})\s+-?\d+\s+(?P<name>[A-Za-z_]+)'),
    frames=re.compile(r'(?P<path>.+?)\s+(?P<frames>\d{1,9})\s+(?P<id>-?\d{1,9})'),
    ids=re.compile(r'(?P<path>.+?)\s+(?P<id>-?\d{1,9})'),
    names=re.compile(r'(?P<path>[^\t]+?)[ \t]+(?P<name>[A-Za-z_]+)\s*(\t.*)?'))
_SHAPES = dict(hesp='path frames id ClassName', frames='path frames id', ids='path id',
               names='path ClassName')
FORMATS = ('names', 'hesp', 'frames', 'dfer_clip', 'ids', 'csv', 'dfew', 'xlsx')
_ENDS = '|'.join(extension[1:] for extension in VIDEO_EXTENSIONS)
# A path of a video that goes on after its end: "a.mp4 very".
_GOES_ON = re.compile(rf'.*\.({_ENDS})["\']?[\s,;](?!.*\.({_ENDS})["\']?$).*', re.IGNORECASE)
_DRIVE = re.compile(r'[A-Za-z]:[/\\]')


def parse_list(text, where, kind=None, id_order=None):
    """Clips of a list in text columns.

    Args:
        text (str): the list.
        where (str): its name, for messages.
        kind (str, optional): ``'names'``, ``'hesp'``, ``'frames'`` or ``'ids'``; told from the
            first line by default.
        id_order (str | Sequence, optional): what integers mean, see :func:`.find_order`. If it is
            missing, the paths must prove it, see :func:`.settle_order`.

    Returns:
        tuple: list[Clip] and list[str], one message per line that cannot be used.

    Raises:
        InputError: see :func:`.settle_order`.
    """
    lines = _lines(text)
    if lines and is_header(lines[0][1].split()):
        del lines[0]
    if not lines:
        return [], [f'{where} is empty']
    if kind is None:
        kind = _kind(lines[0][1])
    found, problems = [], []
    for number, line in lines:
        fields = _fields(kind, line)
        if fields is None:
            two = kind == 'names' and all(emotion_of(word) for word in line.split()[-2:])
            problems.append(f'{where}:{number}: {line[:60]!r} is not "{_SHAPES[kind]}"'
                            + ('; put a tab between path and label' if two else ''))
        else:
            found.append((number, fields))
    order = None
    if kind not in ('names', 'hesp'):
        order = settle_order([(f['path'], int(f['id'])) for _, f in found], id_order, where)
    clips = []
    for number, fields in found:
        label = fields['name'] if order is None else fields['id']
        emotion = label_of(label) if order is None else order.get(int(label))
        if emotion is None:
            problems.append(f'{where}:{number}: label {label} is '
                            + (no_emotion(label) if order is None else out_of_range(order)))
        else:
            frames = fields.get('frames')
            clips.append(Clip(fields['path'], emotion, None if frames is None else int(frames)))
    if order is None:
        check_names(clips, where)
    return clips, sorted(problems, key=lambda problem: int(problem[len(where) + 1:].split(':')[0]))


def _lines(text):
    # Not str.splitlines, which breaks a line at characters that captions contain.
    lines = [(n, line.strip()) for n, line in enumerate(re.split('\r\n|\r|\n', text), 1)]
    return [(n, line) for n, line in lines if line]


def _kind(line):
    """The format of a line; 'names' if it has none."""
    found = _fields('names', line)
    if found and '\t' in line and emotion_of(found['name']):
        return 'names'  # whatever its caption ends with
    return next((kind for kind, p in _COLUMNS.items() if p.fullmatch(line)), 'names')


def _fields(kind, line):
    """Path and label of a line (dict of str), or None if they cannot be told apart."""
    if kind == 'names':
        path, _, rest = line.partition('\t')  # a label in a cell of its own may have two words
        name = rest.partition('\t')[0].strip()
        if emotion_of(name) and not _GOES_ON.fullmatch(path) and '\0' not in path:
            return dict(path=_unquoted(path.strip()), name=name)
    match = _COLUMNS[kind].fullmatch(line)
    if match is None:
        return None
    fields = match.groupdict()
    path = fields['path']
    if kind == 'names':
        *before, last = path.rsplit(None, 1)
        if before and (is_adverb(last) or emotion_of(last)):
            # "a.mp4 Happily Surprised" is a compound and no path with a space.
            if not is_adverb(last) and not before[0].lower().endswith(VIDEO_EXTENSIONS):
                return None
            path, fields['name'] = before[0], f'{last} {fields["name"]}'
    if _GOES_ON.fullmatch(path) or '\0' in path:
        return None
    return dict(fields, path=_unquoted(path.strip()))


def _unquoted(path):
    quoted = len(path) > 2 and path[0] == path[-1] == '"'
    return path[1:-1].replace('""', '"') if quoted else path


def read_list(path, id_order=None, kind=None):
    """Clips of a list file of any format.

    The text may be UTF-8 or, as Excel saves "Unicode text", UTF-16, with or without a mark at its
    beginning, and have Windows line ends. Captions in any other encoding do not matter.

    Args:
        path (str): the file.
        id_order (str | Sequence, optional): see :func:`parse_list`.
        kind (str, optional): one of :data:`FORMATS`, told from the file by default.

    Returns:
        tuple: list[Clip] and list[str], as returned by :func:`parse_list`.

    Raises:
        FileNotFoundError: the file does not exist.
        InputError: see :func:`parse_list` and :func:`.parse_table`; openpyxl is not installed.
    """
    if not os.path.isfile(path):
        raise FileNotFoundError(f'no list file {os.path.abspath(path)}')
    if id_order is not None and not isinstance(id_order, str):
        id_order = tuple(id_order)
    state = os.stat(path)
    clips, problems = _read(str(path), (state.st_mtime_ns, state.st_size), id_order, kind,
                            in_force())
    return list(clips), list(problems)


@lru_cache(maxsize=16)  # all data sets of a run ask for both lists; warn once
def _read(path, state, id_order, kind, vocabulary):
    if kind is None and path.lower().endswith('.xlsx'):
        kind = 'xlsx'
    if kind == 'xlsx':
        return parse_sheet(read_sheet(path), path, id_order)
    with open(path, 'rb') as file:
        data = file.read()
    text = _decode(data)
    if kind == 'dfew':
        return parse_dfew(text, path)
    if kind == 'dfer_clip':
        kind, id_order = 'frames', 'dfer_clip'
    if kind in (None, 'csv'):
        declared = re.match('(?i)sep=(.)\\s*[\r\n]', text)  # Excel's own way to say it
        text = text[declared.end():] if declared else text
        lines = [line for _, line in _lines(text)]
        delimiter = declared[1] if declared else delimiter_of(lines) if lines else None
        columned = bool(lines) and _columned(lines[0])
        if kind == 'csv' or (path.lower().endswith('.csv') and not columned):
            delimiter = delimiter or next((d for d in '\t;,' if lines and d in lines[0]), ',')
        in_columns = delimiter == '\t' and columned and not is_header(lines[0].split('\t'))
        if kind == 'csv' or (delimiter and not in_columns):
            rows, problems = read_rows(text, path, delimiter)
            return ([], problems) if problems else parse_table(rows, path, id_order)
    return parse_list(text, path, kind, id_order)


def _decode(data):
    if data[:2] in (b'\xff\xfe', b'\xfe\xff'):
        return data.decode('utf-16', 'replace')
    for start, encoding in ((1, 'utf-16-le'), (0, 'utf-16-be')):  # every other byte is a zero
        if len(data) > 3 and not any(data[start:400:2]):
            return data.decode(encoding, 'replace')
    # Surrogates: a path in any encoding finds its file again.
    return data.decode('utf-8-sig', 'surrogateescape')


def _columned(line):
    """Whether a line has one of the formats in text columns, with a label that can be one."""
    fields = _fields(_kind(line), line)
    return fields is not None and ('id' in fields or emotion_of(fields['name']) is not None)


def format_list(clips, kind, id_order=None):
    """Write clips as the text of a list; the inverse of the parsers.

    Args:
        clips (list[Clip]): clips, with ``frames`` if the format has them.
        kind (str): one of :data:`FORMATS` except ``'xlsx'``.
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


def find_clip(folder, name):
    """Path of a listed clip: the file or folder itself, or what has its name in another form.

    MAFW's ``00001.mp4`` may have been cut into a folder ``00001`` of frames, or be a
    ``00001.MP4``. A list that was made on Windows has ``\\`` in its paths, one that was saved by
    Excel may have its letters in another encoding, and ``~`` is the home folder.

    Args:
        folder (str): folder from which relative names start.
        name (str): path as written in the list.

    Returns:
        str: the path that exists; if none does, the folder and the name.
    """
    names = [name, name.replace('\\', '/'), os.path.expanduser(name)]
    names += [unicodedata.normalize(form, name) for form in ('NFC', 'NFD')]
    names.append(os.fsencode(name).decode('cp1252', 'replace') if _foreign(name) else name)
    for name_here in dict.fromkeys(names):
        path = os.path.join(folder, name_here)
        stem = os.path.splitext(path)[0]
        for place in (path, stem, *(stem + e for end in VIDEO_EXTENSIONS
                                    for e in (end, end.upper()))):
            if os.path.exists(place):
                return place
    return os.path.join(folder, name)


def _foreign(name):
    return any('\ud800' <= letter <= '\udfff' for letter in name)


def locate(clips, folder, where):
    """The clips of a list with the paths at which they are.

    Args:
        clips (list[Clip]): clips with paths as written in the list.
        folder (str): folder from which relative paths start.
        where (str): the list, for messages.

    Returns:
        tuple: list[Clip], and list[str], a message if there are paths of a Windows drive.
    """
    found = [clip._replace(path=find_clip(folder, clip.path)) for clip in clips]
    lost = [clip.path for clip in clips if _DRIVE.match(clip.path)
            and not os.path.exists(find_clip(folder, clip.path))]
    if not lost:
        return found, []
    return found, [f'{where}: {len(lost)} paths are on a drive of another computer ({lost[0]}): '
                   'take the beginning off so that they start from data_root: python '
                   'tools/data/convert_list.py IN OUT --to names --strip PREFIX']
