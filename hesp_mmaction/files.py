"""Files that are there whole or not at all, whatever happens while they are written."""
import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


@contextmanager
def whole(path: str | Path, mode: str = 'w') -> Iterator[IO[Any]]:
    """A new file, open for writing beside its place and moved there when it is complete.

    Args:
        path (str | Path): its place; the folder is made if need be. mode (str): ``'w'`` (UTF-8) or
            ``'wb'``.
    """
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    part = f'{path}.part'
    with open(part, mode, encoding=None if 'b' in mode else 'utf-8') as file:
        yield file
    os.replace(part, path)


def write_json(values: Mapping[str, Any], path: str | Path) -> None:
    """A dict as JSON; NaN becomes null."""
    values = {key: None if isinstance(value, float) and math.isnan(value) else value
              for key, value in values.items()}
    with whole(path) as file:
        file.write(json.dumps(values, indent=2) + '\n')
