"""What the readers of the data sets' official lists share."""
import os

from ..errors import InputError


def missing(name, path, how, what='folder'):
    """Make the error for data that do not exist.

    Args:
        name (str): of the data set.
        path (str): what does not exist.
        how (str): how to get it, a part of a sentence.
        what (str): what it is. Defaults to ``'folder'``.

    Returns:
        FileNotFoundError: the error, to be raised.
    """
    return FileNotFoundError(f'{name}: no {what} {os.path.abspath(path)}; {how}')


def check_fold(fold):
    """Check the number of a fold.

    Args:
        fold (int): 1 to 5.

    Returns:
        int: the fold.

    Raises:
        InputError: it is not 1 to 5.
    """
    if fold not in range(1, 6):
        raise InputError(f'fold must be 1 to 5, not {fold!r}')
    return fold
