"""Files that are there whole or not at all, whatever happens while they are written."""
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
    """The path of a new file beside ``path``, moved to ``path`` when the block ends.

    For writers that want a path; :func:`whole` is for all others. The new name is hidden, has the
    same suffix and is taken by nobody else, so two processes may write one file: the last one to
    finish wins. Of a block that raises nothing is left.

    Args:
        path (str | Path): where the file belongs; its folder is made if need be.
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

    Args:
        part (str | Path): the file; a power cut must not leave it empty under its final name.
        path (str | Path): where it belongs, in the same folder.
    """
    with open(part, 'rb') as file:
        os.fsync(file.fileno())
    os.replace(part, path)


@contextmanager
def whole(path: str | Path, mode: str = 'w') -> Iterator[IO[Any]]:
    """A new file, open for writing beside its place and moved there when it is on the disk.

    Args:
        path (str | Path): its place; the folder is made if need be.
        mode (str): ``'w'`` (UTF-8; names of files in any other encoding as they are) or ``'wb'``.
            Defaults to ``'w'``.
    """
    text: dict[str, Any] = (
        {} if 'b' in mode else dict(encoding='utf-8', errors='surrogateescape'))
    with whole_path(path) as part, open(part, mode, **text) as file:
        yield file


def plain_json(values: Any) -> Any:
    """Values as JSON can hold them: NaN and infinite numbers become None, at any depth."""
    if isinstance(values, Mapping):
        return {key: plain_json(value) for key, value in values.items()}
    if isinstance(values, (list, tuple)):
        return [plain_json(value) for value in values]
    if isinstance(values, float) and not math.isfinite(values):
        return None
    return values


def write_json(values: Any, path: str | Path) -> None:
    """Values (dict, list, text, numbers) as JSON; NaN and infinite numbers become null.

    Args:
        values (dict | list): what to write.
        path (str | Path): where to.
    """
    with whole(path) as file:
        file.write(json.dumps(plain_json(values), indent=2, allow_nan=False) + '\n')
