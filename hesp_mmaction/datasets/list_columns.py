"""Lists in text columns, divided by spaces or tabs."""
import re

from .decoding import VIDEO_EXTENSIONS
from .emotions import emotion_of, is_adverb, label_of, no_emotion
from .id_orders import settle_order
from .list_cells import ListedClip, is_header, out_of_range
from .path_evidence import check_names

# In this order, the first that fits the first line of a file is the format of the file. A path may
# have spaces, so columns are told apart from the right.
_COLUMNS = dict(
    hesp=re.compile(r'(?P<path>.+?)\s+(?P<frames>\d{1,9})\s+-?\d+\s+(?P<name>[^\W\d]+)'),
    frames=re.compile(r'(?P<path>.+?)\s+(?P<frames>\d{1,9})\s+(?P<id>-?\d{1,9})'),
    ids=re.compile(r'(?P<path>.+?)\s+(?P<id>-?\d{1,9})'),
    names=re.compile(r'(?P<path>[^\t]+?)[ \t]+(?P<name>[^\W\d]+)\s*(\t.*)?'))
_SHAPES = dict(hesp='path frames id ClassName', frames='path frames id', ids='path id',
               names='path ClassName')
_ENDS = '|'.join(extension[1:] for extension in VIDEO_EXTENSIONS)
# A path of a video that goes on after its end: "a.mp4 very".
_GOES_ON = re.compile(rf'.*\.({_ENDS})["\']?[\s,;](?!.*\.({_ENDS})["\']?$).*', re.IGNORECASE)


def parse_list(text, where, kind=None, id_order=None):
    """Clips of a list in text columns.

    Args:
        text (str): the list.
        where (str): its name, for messages.
        kind (str, optional): ``'names'``, ``'hesp'``, ``'frames'`` or ``'ids'``; told from the
            first line by default.
        id_order (str | Sequence, optional): what integers mean, see ``find_order``. If it is
            missing, the paths must prove it, see ``settle_order``.

    Returns:
        tuple: list[ListedClip] and list[str], one message per line that cannot be used.

    Raises:
        InputError: see ``settle_order``.
    """
    lines = numbered_lines(text)
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
    clips, told = [], set()
    for number, fields in found:
        label = fields['name'] if order is None else fields['id']
        emotion = label_of(label) if order is None else order.get(int(label))
        if emotion is None:
            problems.append(f'{where}:{number}: label {label} is '
                            + (no_emotion(label, told) if order is None else out_of_range(order)))
        else:
            frames = fields.get('frames')
            frames = None if frames is None else int(frames)
            clips.append(ListedClip(fields['path'], emotion, frames))
    if order is None:
        check_names(clips, where)
    return clips, sorted(problems, key=lambda problem: int(problem[len(where) + 1:].split(':')[0]))


def numbered_lines(text):
    """The lines of a text that are not empty.

    Args:
        text (str): text with line ends of any system.

    Returns:
        list[tuple[int, str]]: number, from 1, and stripped text of each line.
    """
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


def is_in_columns(line):
    """Whether a line has one of the formats in text columns, with a label that can be one.

    Args:
        line (str): the line.

    Returns:
        bool: whether it has.
    """
    fields = _fields(_kind(line), line)
    return fields is not None and ('id' in fields or emotion_of(fields['name']) is not None)
