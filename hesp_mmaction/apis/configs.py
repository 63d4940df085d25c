"""Where the config files of this package are."""
from pathlib import Path

from ..errors import InputError

PACKAGE = Path(__file__).parents[1]
# Beside the package in a clone, inside it where it was installed from a wheel.
FOLDERS = PACKAGE.parent / 'configs', PACKAGE / '.mim' / 'configs'


def find_config(name):
    """The path of a config file of this package.

    Args:
        name (str): a path that exists, or one below ``configs``, such as
            ``'hesp_synthetic_o43.py'``; ``.py`` may be left out.

    Returns:
        str

    Raises:
        InputError: there is none.
    """
    for path in (Path(name), *(folder / (name + end) for folder in FOLDERS for end in ('', '.py'))):
        if path.is_file():
            return str(path)
    raise InputError(f'no config {name!r}: give the path of a file, or the name of one in '
                     + ' or '.join(str(folder) for folder in FOLDERS if folder.is_dir()))
