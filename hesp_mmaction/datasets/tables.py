"""Tables of clips as text: csv in the forms of the field, and DFEW's own."""
import csv
import re

from mmengine.logging import print_log

from .emotions import emotion_of, label_of, no_emotion
from .id_orders import ID_ORDERS, settle_order
from .list_cells import INTEGER, LIKE_A_PATH, ListedClip, is_header, out_of_range
from .table_columns import find_labels, find_paths, is_dfew, is_wordy_header, share


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
        id_order (str | Sequence, optional): what integers mean, see ``find_order``. DFEW's
            own csv (``video_name,label``, clips with numbers, labels 1 to 7) needs none.

    Returns:
        tuple: list[ListedClip] and list[str], one message per row that cannot be used.

    Raises:
        InputError: no column or more than one can be the label; see also ``settle_order``.
    """
    if not rows:
        return [], [f'{where} is empty']
    head = []
    if is_header(rows[0][1]) or is_wordy_header(rows[0][1], rows[1:]):
        head, rows = [cell.lower() for cell in rows[0][1]], rows[1:]
        if not rows:
            return [], [f'{where} has a header but no clips']
    width = max(len(head), *(len(cells) for _, cells in rows))
    head += [''] * (width - len(head))
    columns = [[cells[i] if i < len(cells) else '' for _, cells in rows] for i in range(width)]
    label, in_words = find_labels(head, columns, where)
    path = find_paths(head, columns, label, where)
    frames = next((i for i in range(width) if 'frame' in head[i] and i not in (label, path)
                   and share(columns[i], INTEGER.fullmatch) == 1), None)
    paths = columns[path]
    if head[path] == 'video_name':  # DFEW's 1 is its folder 00001
        paths = [name.zfill(5) if name.isdecimal() else name for name in paths]
    order = {}
    if not in_words:
        labels = [(name, int(float(text))) for name, text in zip(paths, columns[label], strict=True)
                  if name and INTEGER.fullmatch(text)]
        if id_order is None and is_dfew(head, labels):
            print_log(f"{where}: labels are DFEW's (its header, numbers of clips, 1 to 7)",
                      'current')
            id_order = 'dfew'
        order = settle_order(labels, id_order, where)
    clips, problems, told = [], [], set()
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
                    no_emotion(text, told) if in_words else out_of_range(order)))
            else:
                count = None if frames is None else int(float(columns[frames][i]))
                clips.append(ListedClip(paths[i], emotion, count))
    return clips, problems


def parse_dfew(text, where):
    """Clips of DFEW's own csv, labels from 1: ``video_name`` becomes ``00001``.

    Args:
        text (str): the table.
        where (str): its name, for messages.

    Returns:
        tuple: as returned by ``parse_table``.
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
            clips.append(ListedClip(fields['video_name'].zfill(5), emotion))
    return clips, problems
