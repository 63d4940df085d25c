"""Sheets of a spreadsheet: MAFW's, or a table of paths and labels."""
import re

from ..errors import InputError
from .emotions import emotion_of
from .list_cells import LIKE_A_PATH, ListedClip
from .tables import parse_table


def parse_rows(rows, where):
    """Clips of the rows of a sheet of MAFW: in each, a clip's number or file and an emotion.

    Args:
        rows (Iterable[Sequence]): cells.
        where (str): name of the sheet, for messages.

    Returns:
        tuple: as returned by ``parse_table``. A first row without a clip is a header.
    """
    clips, problems = [], []
    for number, row in enumerate(rows, 1):
        cells = [text for text in map(_text, row) if text]
        if not cells:
            continue
        path = next((c for c in cells if re.fullmatch(r'\d+(\.\w+)?', c)), None)
        emotion = next(filter(None, map(emotion_of, cells)), None)
        if path and emotion:
            clips.append(ListedClip(path if '.' in path else f'{path.zfill(5)}.mp4', emotion))
        elif path or number > 1:
            problems.append(f'{where}:{number}: no clip and emotion in {" | ".join(cells)[:60]}')
    return clips, problems


def parse_sheet(rows, where, id_order=None):
    """Clips of a sheet: MAFW's, or a table that ``parse_table`` reads.

    Args:
        rows (Iterable[Sequence]): cells.
        where (str): name of the sheet, for messages.
        id_order (str | Sequence, optional): see ``parse_table``.

    Returns:
        tuple: as returned by ``parse_table``.

    Raises:
        InputError: see ``parse_table``.
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
