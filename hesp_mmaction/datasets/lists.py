"""List files of clips: every published format, read into paths and canonical emotion names.

    ========= ======================== =======================================================
    format    a line                   used by
    ========= ======================== =======================================================
    names     path ClassName           FERV39k; MAFW, with a tab and a caption after it
    hesp      path frames id ClassName HESP; the name counts, the id is ignored
    frames    path frames id           any three columns; the id order must be named
    dfer_clip path frames id           DFER-CLIP, Former-DFER: ``frames`` in their id order
    ids       path id                  any two columns; the id order must be named
    csv       path,label               any table with commas, semicolons or tabs (``tables``)
    dfew      video_name,label         DFEW's csv, ids from 1
    xlsx      a row of a sheet         MAFW's ``single-set.xlsx`` and ``multi-set.xlsx`` in
                                       ``Labels``, or a table as ``csv``
    ========= ======================== =======================================================
"""
import os
import re
from functools import lru_cache

from .emotions import in_force
from .list_cells import is_header
from .list_columns import is_in_columns, numbered_lines, parse_list
from .sheets import parse_sheet, read_sheet
from .tables import delimiter_of, parse_dfew, parse_table, read_rows

FORMATS = ('names', 'hesp', 'frames', 'dfer_clip', 'ids', 'csv', 'dfew', 'xlsx')


def read_list(path, id_order=None, kind=None):
    """Clips of a list file of any format.

    The text may be UTF-8 or, as Excel saves "Unicode text", UTF-16, with or without a mark at its
    beginning, and have Windows line ends. Captions in any other encoding do not matter.

    Args:
        path (str): the file.
        id_order (str | Sequence, optional): see ``parse_list``.
        kind (str, optional): one of ``FORMATS``, told from the file by default.

    Returns:
        tuple: list[ListedClip] and list[str], as returned by ``parse_list``.

    Raises:
        FileNotFoundError: the file does not exist.
        InputError: see ``parse_list`` and ``parse_table``; openpyxl is not installed.
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
        lines = [line for _, line in numbered_lines(text)]
        delimiter = declared[1] if declared else delimiter_of(lines) if lines else None
        columned = bool(lines) and is_in_columns(lines[0])
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
