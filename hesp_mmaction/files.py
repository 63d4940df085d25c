"""Writes files whole or not at all, even if writing is interrupted."""
import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from uuid import uuid4


@contextmanager
def whole_path(path: str | Path) -> Iterator[str]:
    """Yield the path of a new file next to ``path``, and move it to ``path`` when the block ends.

    This is for writers that want a path; ``whole`` is for all others. The new name is hidden,
    unique and has the same suffix. Two processes may write one file: the last one to finish wins.
    If the block raises an error, nothing of it is left.

    Args:
        path (str | Path): where the file belongs. Its folder is made if need be.

    Yields:
        str: the path to write to.
    """
    folder, name = os.path.split(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    stem, suffix = os.path.splitext(name)
    part = os.path.join(folder, f'.{stem}.{uuid4().hex[:12]}.part{suffix}')
    try:
        yield part
        settle(part, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.remove(part)
        raise


def settle(part: str | Path, path: str | Path) -> None:
    """Move a finished file to its place once it is on the disk.

    This order matters: a power cut must not leave an empty file under the final name.

    Args:
        part (str | Path): the finished file.
        path (str | Path): where it belongs, in the same folder.
    """
    with open(part, 'rb') as file:
        os.fsync(file.fileno())
    os.replace(part, path)


@contextmanager
def whole(path: str | Path, mode: str = 'w') -> Iterator[IO[Any]]:
    """Open a new file next to its place, and move it there once it is on the disk.

    Args:
        path (str | Path): its place. The folder is made if need be.
        mode (str): ``'w'`` for text in UTF-8 (file names in any other encoding are kept as they
            are), or ``'wb'`` for bytes. Defaults to ``'w'``.

    Yields:
        IO: the open file.
    """
    text: dict[str, Any] = (
        {} if 'b' in mode else dict(encoding='utf-8', errors='surrogateescape'))
    with whole_path(path) as part, open(part, mode, **text) as file:
        yield file


def plain_json(values: Any) -> Any:
    """Replace NaN and infinite numbers by None, at any depth, because JSON cannot hold them.

    Args:
        values (Any): dicts, lists, strings and numbers.

    Returns:
        Any: a copy.
    """
    if isinstance(values, Mapping):
        return {key: plain_json(value) for key, value in values.items()}
    if isinstance(values, (list, tuple)):
        return [plain_json(value) for value in values]
    if isinstance(values, float) and not math.isfinite(values):
        return None
    return values


def write_json(values: Any, path: str | Path) -> None:
    """Write values as JSON. NaN and infinite numbers become null.

    Args:
        values (dict | list): dicts, lists, strings and numbers.
        path (str | Path): the file.
    """
    with whole(path) as file:
        file.write(json.dumps(plain_json(values), indent=2, allow_nan=False) + '\n')
