"""Finds the columns of a table that hold paths and labels, by their names or by their cells."""
from ..errors import InputError
from .emotions import emotion_of
from .id_orders import ID_ORDERS
from .list_cells import INTEGER, LABEL_WORDS, LIKE_A_PATH, PATH_WORDS


def is_wordy_header(cells, rows):
    """Whether a first row in other words is a header: it has no path, and most others have one.

    Args:
        cells (list[str]): the first row.
        rows (list[tuple[int, list[str]]]): line number and cells of the others.

    Returns:
        bool: whether it is.
    """
    def data(row):
        return any(INTEGER.fullmatch(cell) or LIKE_A_PATH.fullmatch(cell) for cell in row)
    return not data(cells) and not any(map(emotion_of, cells)) and (
        2 * sum(data(row) for _, row in rows) > len(rows))


def share(cells, test):
    """The share of cells that pass a test.

    Args:
        cells (list[str]): one or more cells.
        test (Callable[[str], object]): its result counts as true or false.

    Returns:
        float: from 0 to 1.
    """
    return sum(bool(test(cell)) for cell in cells) / len(cells)


def _has(name, words):
    return any(word in name for word in words)


def find_labels(head, columns, where):
    """Find the column of labels.

    Args:
        head (list[str]): names of the columns in lower case, empty if there are none.
        columns (list[list[str]]): cells of each column.
        where (str): name of the table, for messages.

    Returns:
        tuple[int, bool]: index of the column, and whether its labels are words.

    Raises:
        InputError: no column or more than one can be the label.
    """
    words = [i for i, cells in enumerate(columns) if share(cells, emotion_of) >= 0.5]
    integers = [i for i, cells in enumerate(columns) if share(cells, INTEGER.fullmatch) >= 0.5]
    for i in (i for i in range(len(head)) if _has(head[i], LABEL_WORDS)):
        shares = share(columns[i], emotion_of), share(columns[i], INTEGER.fullmatch)
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


def find_paths(head, columns, label, where):
    """Find the column of paths.

    Args:
        head (list[str]): names of the columns in lower case, empty if there are none.
        columns (list[list[str]]): cells of each column.
        label (int): index of the column of labels.
        where (str): name of the table, for messages.

    Returns:
        int: index of the column.

    Raises:
        InputError: no column can hold paths.
    """
    others = [i for i in range(len(columns)) if i != label and any(columns[i])]
    if not others:
        raise InputError(f'{where}: no column holds paths; a row is a path and an emotion, the '
                         'header path,label')
    named = [i for word in PATH_WORDS for i in others if word in head[i]]
    return max(named or others, key=lambda i: (share(columns[i], LIKE_A_PATH.fullmatch) >= 0.5,
                                               -(named or others).index(i)))


def is_dfew(head, labels):
    """Whether a table is DFEW's, by header, numbers of the clips and labels from 1 to 7.

    Args:
        head (list[str]): names of the columns in lower case.
        labels (list[tuple[str, int]]): path and label of every clip.

    Returns:
        bool: whether it is.
    """
    ids = {label for _, label in labels}
    return ({'video_name', 'label'} <= set(head) and ids <= set(ID_ORDERS['dfew']) and 7 in ids
            and all(path.isdecimal() for path, _ in labels))
