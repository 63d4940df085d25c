"""Tables of clips: csv in the forms of the field, DFEW's csv, sheets of a spreadsheet."""
import csv
import re
from typing import NamedTuple

from mmengine.logging import print_log

from ..errors import InputError
from .emotions import emotion_of, label_of, no_emotion
from .id_orders import ID_ORDERS, settle_order

LABEL_WORDS = ('label', 'emotion', 'class', 'expression', 'target', 'categor', 'annotation')
PATH_WORDS = ('path', 'file', 'video', 'clip', 'image', 'name', 'sample')
INTEGER = re.compile(r'-?\d{1,9}(\.0+)?')
LIKE_A_PATH = re.compile(r'.*[/\\].*|.*\.\w{2,4}')


class Clip(NamedTuple):
    """One line of a list."""
    path: str
    emotion: str        # canonical name
    frames: int = None  # where the list tells


def is_header(cells):
    """Whether these are names of columns: no label and no path, but a word such as "label"."""
    if any(INTEGER.fullmatch(c) or emotion_of(c) or LIKE_A_PATH.fullmatch(c) for c in cells):
        return False
    return any(word in cell.lower() for cell in cells for word in LABEL_WORDS)


def delimiter_of(lines):
    """Find the delimiter of a table by its first line, or None if the text is no table.

    Args:
        lines (list[str]): lines of the text, without empty ones.

    Returns:
        str | None: the delimiter.
    """
    for delimiter in '\t;,':
        cells = _split(lines[0], delimiter)
        if len(cells) > 1 and is_header(cells):
            return delimiter
        labels = [bool(INTEGER.fullmatch(cell) or emotion_of(cell)) for cell in cells]
        bare = all(cell and not re.search(r'\s', cell) for cell in cells)
        paths = [cell for cell, label in zip(cells, labels, strict=True) if not label
                 and LIKE_A_PATH.fullmatch(cell) and not re.search(r'\.\w{2,4}\s', cell)]
        if len(cells) > 1 and any(labels) and (paths or bare):
            return delimiter
    return None


def _split(line, delimiter):
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]
    except (csv.Error, StopIteration):
        return []


def read_rows(text, where, delimiter):
    """Read the rows of a csv.

    Args:
        text (str): the table.
        where (str): its name, for messages.
        delimiter (str): character between cells.

    Returns:
        tuple: list[tuple[int, list[str]]], line number and stripped cells of every row that is not
        empty, and list[str], a message if the text is no csv.
    """
    rows = []
    reader = csv.reader(re.split('\r\n|\r|\n', text), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any('\0' in cell for cell in cells):
                return [], [f'{where}:{reader.line_num}: a zero byte: save it as UTF-8']
            if any(cells):
                rows.append((reader.line_num, cells))
    except csv.Error as error:
        return [], [f'{where}:{reader.line_num}: no csv from here on: {error}']
    return rows, []


def parse_table(rows, where, id_order=None):
    """Clips of a table that has a path and a label in each row, in any columns.

    A header names the columns if it has words such as path, file, video or clip, and label,
    emotion, class or expression. Otherwise the columns are found by their contents. If a row has a
    label in words and one in integers, the words count.

    Args:
        rows (list[tuple[int, list[str]]]): line number and cells of each row.
        where (str): name of the table, for messages.
        id_order (str | Sequence, optional): what integers mean, see :func:`.find_order`. DFEW's
            own csv (``video_name,label``, clips with numbers, labels 1 to 7) needs none.

    Returns:
        tuple: list[Clip] and list[str], one message per row that cannot be used.

    Raises:
        InputError: no column or more than one can be the label; see also :func:`.settle_order`.
    """
    if not rows:
        return [], [f'{where} is empty']
    head = []
    if is_header(rows[0][1]) or _heads(rows[0][1], rows[1:]):
        head, rows = [cell.lower() for cell in rows[0][1]], rows[1:]
        if not rows:
            return [], [f'{where} has a header but no clips']
    width = max(len(head), *(len(cells) for _, cells in rows))
    head += [''] * (width - len(head))
    columns = [[cells[i] if i < len(cells) else '' for _, cells in rows] for i in range(width)]
    label, in_words = _label_column(head, columns, where)
    path = _path_column(head, columns, label, where)
    frames = next((i for i in range(width) if 'frame' in head[i] and i not in (label, path)
                   and _share(columns[i], INTEGER.fullmatch) == 1), None)
    paths = columns[path]
    if head[path] == 'video_name':  # DFEW's 1 is its folder 00001
        paths = [name.zfill(5) if name.isdecimal() else name for name in paths]
    order = {}
    if not in_words:
        labels = [(name, int(float(text))) for name, text in zip(paths, columns[label], strict=True)
                  if name and INTEGER.fullmatch(text)]
        if id_order is None and _is_dfew(head, labels):
            print_log(f"{where}: labels are DFEW's (its header, numbers of clips, 1 to 7)",
                      'current')
            id_order = 'dfew'
        order = settle_order(labels, id_order, where)
    clips, problems = [], []
    for i, (number, cells) in enumerate(rows):
        text = columns[label][i]
        integer = INTEGER.fullmatch(text)
        if not paths[i] or not text:
            problems.append(f'{where}:{number}: no clip and label in {" | ".join(cells)[:60]!r}')
        elif not in_words and not integer:
            problems.append(f'{where}:{number}: label {text[:60]!r} is no integer as the others')
        else:
            emotion = label_of(text) if in_words else order.get(int(float(text)))
            if emotion is None:
                problems.append(f'{where}:{number}: label {text[:60]} is ' + (
                    no_emotion(text) if in_words else out_of_range(order)))
            else:
                count = None if frames is None else int(float(columns[frames][i]))
                clips.append(Clip(paths[i], emotion, count))
    return clips, problems


def _heads(cells, rows):
    """Whether a first row in other words is a header: it has no path, and most others have one."""
    def data(row):
        return any(INTEGER.fullmatch(cell) or LIKE_A_PATH.fullmatch(cell) for cell in row)
    return not data(cells) and not any(map(emotion_of, cells)) and (
        2 * sum(data(row) for _, row in rows) > len(rows))


def out_of_range(order):
    """Returns what is wrong with a label that is not in an order."""
    return f'out of range {min(order)} to {max(order)}'


def _share(cells, test):
    return sum(bool(test(cell)) for cell in cells) / len(cells)


def _has(name, words):
    return any(word in name for word in words)


def _label_column(head, columns, where):
    """Returns the index of the column of labels, and whether they are words."""
    words = [i for i, cells in enumerate(columns) if _share(cells, emotion_of) >= 0.5]
    integers = [i for i, cells in enumerate(columns) if _share(cells, INTEGER.fullmatch) >= 0.5]
    for i in (i for i in range(len(head)) if _has(head[i], LABEL_WORDS)):
        shares = _share(columns[i], emotion_of), _share(columns[i], INTEGER.fullmatch)
        if i not in words + integers and any(shares):  # a header is enough if some can be read
            (words if shares[0] >= shares[1] else integers).append(i)
    for found in (words, integers):
        named = [i for i in found if _has(head[i], LABEL_WORDS)]
        likely = named or ([] if found is integers and words else found)
        if found is words and len({tuple(map(emotion_of, columns[i])) for i in likely}) > 1:
            raise InputError(f'{where}: columns {", ".join(str(i + 1) for i in likely)} hold '
                             'emotions that differ: leave the one that is the label')
        if found is integers and len(likely) > 1:
            exact = [i for i in likely if head[i] == 'label']
            if len(exact) != 1:
                raise InputError(f'{where}: columns {", ".join(str(i + 1) for i in likely)} hold '
                                 'integers: give the table the header path,label')
            likely = exact
        if likely:
            return likely[0], found is words
    raise InputError(f'{where}: no column holds labels, neither emotions nor integers; a row is a '
                     'path and an emotion, the header path,label')


def _path_column(head, columns, label, where):
    """Returns the index of the column of paths."""
    others = [i for i in range(len(columns)) if i != label and any(columns[i])]
    if not others:
        raise InputError(f'{where}: no column holds paths; a row is a path and an emotion, the '
                         'header path,label')
    named = [i for word in PATH_WORDS for i in others if word in head[i]]
    return max(named or others, key=lambda i: (_share(columns[i], LIKE_A_PATH.fullmatch) >= 0.5,
                                               -(named or others).index(i)))


def _is_dfew(head, labels):
    """Whether a table is DFEW's, by header, numbers of the clips and labels from 1 to 7."""
    ids = {label for _, label in labels}
    return ({'video_name', 'label'} <= set(head) and ids <= set(ID_ORDERS['dfew']) and 7 in ids
            and all(path.isdecimal() for path, _ in labels))


def parse_dfew(text, where):
    """Clips of DFEW's own csv, labels from 1: ``video_name`` becomes ``00001``.

    Args:
        text (str): the table.
        where (str): its name, for messages.

    Returns:
        tuple: as returned by :func:`parse_table`.
    """
    rows, problems = read_rows(text, where, ',')
    if problems:
        return [], problems
    head = [name.lower() for name in rows[0][1]] if rows else []
    if not {'video_name', 'label'} <= set(head):
        return [], [f'{where} does not begin with the header "video_name,label"']
    clips, order = [], ID_ORDERS['dfew']
    for number, cells in rows[1:]:
        fields = dict(zip(head, cells, strict=False))
        label = fields.get('label', '')
        emotion = order.get(int(label)) if label.isdecimal() and len(label) < 10 else None
        if emotion is None:
            problems.append(f'{where}:{number}: label {label} is {out_of_range(order)}' + (
                '; DFEW counts from 1: take its own file' if label == '0' else ''))
        else:
            clips.append(Clip(fields['video_name'].zfill(5), emotion))
    return clips, problems


def parse_rows(rows, where):
    """Clips of the rows of a sheet of MAFW: in each, a clip's number or file and an emotion.

    Args:
        rows (Iterable[Sequence]): cells.
        where (str): name of the sheet, for messages.

    Returns:
        tuple: as returned by :func:`parse_table`. A first row without a clip is a header.
    """
    clips, problems = [], []
    for number, row in enumerate(rows, 1):
        cells = [text for text in map(_text, row) if text]
        if not cells:
            continue
        path = next((c for c in cells if re.fullmatch(r'\d+(\.\w+)?', c)), None)
        emotion = next(filter(None, map(emotion_of, cells)), None)
        if path and emotion:
            clips.append(Clip(path if '.' in path else f'{path.zfill(5)}.mp4', emotion))
        elif path or number > 1:
            problems.append(f'{where}:{number}: no clip and emotion in {" | ".join(cells)[:60]}')
    return clips, problems


def parse_sheet(rows, where, id_order=None):
    """Clips of a sheet: MAFW's, or a table that :func:`parse_table` reads.

    Args:
        rows (Iterable[Sequence]): cells.
        where (str): name of the sheet, for messages.
        id_order (str | Sequence, optional): see :func:`parse_table`.

    Returns:
        tuple: as returned by :func:`parse_table`.

    Raises:
        InputError: see :func:`parse_table`.
    """
    rows = [[_text(cell) for cell in row] for row in rows]
    others = any(LIKE_A_PATH.fullmatch(cell) and not re.fullmatch(r'\d+\.\w+|.*\s.*', cell)
                 for row in rows for cell in row)
    clips, problems = parse_rows(rows, where)
    if not others and clips and 2 * len(problems) <= len(clips):
        return clips, problems
    return parse_table([(n, row) for n, row in enumerate(rows, 1) if any(row)], where, id_order)


def _text(cell):
    """Returns a cell of a sheet as text as it is displayed: 2.0 as '2', empty as ''."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return '' if cell is None else str(cell).strip()


def read_sheet(path):
    """Read the cells of the first sheet of an .xlsx file.

    Args:
        path (str): the file.

    Returns:
        list[tuple]: cells of each row.

    Raises:
        InputError: openpyxl is not installed, or the file has no sheet that it can read.
    """
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
