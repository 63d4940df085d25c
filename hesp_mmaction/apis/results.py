"""Reads what a finished run left in its work dir, for the tools that look at results."""
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy import ndarray

from ..errors import InputError
from ..evaluation import load_dump
from ..evaluation.finite import check_finite


def read_run(folder: str | Path) -> dict[str, ndarray]:
    """Read the raw material of the evaluation in a work dir.

    Args:
        folder (str | Path): the work dir.

    Returns:
        dict[str, ndarray]: the content of ``predictions.npz``, an array per key.

    Raises:
        InputError: the folder holds no such file.
    """
    path = Path(folder) / 'predictions.npz'
    if not path.is_file():
        raise InputError(f'{folder} has no predictions.npz: train or test into that work dir first')
    return load_dump(path)


def read_metrics(folder: str | Path) -> dict[str, Any]:
    """Read the figures of the evaluation in a work dir.

    A run whose predictions are not finite ends without figures. The error then says so.

    Args:
        folder (str | Path): the work dir.

    Returns:
        dict[str, Any]: the content of ``metrics.json``.

    Raises:
        InputError: the folder holds no such file.
    """
    path = Path(folder) / 'metrics.json'
    if not path.is_file():
        check_finite(read_run(folder))
        raise InputError(f'{folder} has no metrics.json: train or test into that work dir first')
    return json.loads(path.read_text(encoding='utf-8'))


def run_names(folders: Sequence[str | Path]) -> list[str]:
    """Name each work dir by the shortest end of its path that differs from all others.

    Args:
        folders (Sequence[str | Path]): one or more work dirs.

    Returns:
        list[str]: a name for each, all with the same number of parts, such as ``'hesp/split0'``.

    Raises:
        InputError: one folder occurs twice.
    """
    paths = [Path(folder).resolve().parts for folder in folders]
    for length in range(1, max(map(len, paths)) + 1):
        names = ['/'.join(path[-length:]) for path in paths]
        if len(set(names)) == len(names):
            return names
    raise InputError(f'the same work dir twice: {" ".join(map(str, folders))}')
