"""Config files: where ours are, and how one is read with the settings of a command line."""
import argparse
from pathlib import Path

from mmengine.config import Config, DictAction

from ..errors import InputError

PACKAGE = Path(__file__).parents[1]
# Beside the package in a clone, inside it where it was installed from a wheel.
FOLDERS = PACKAGE.parent / 'configs', PACKAGE / '.mim' / 'configs'


def find_config(name: str) -> str:
    """Find a config file: one of the user, or one of this package.

    Args:
        name (str): a path that exists, or else a name that ``our_config`` takes.

    Returns:
        str: the path.

    Raises:
        InputError: no config has that path or name.
    """
    return str(name) if Path(name).is_file() else our_config(name)


def our_config(name: str) -> str:
    """Find a config file of this package. Files of the current folder are ignored.

    Args:
        name (str): a path below ``configs``, such as ``'hesp_synthetic_o43.py'``. The ending
            ``.py`` may be left out.

    Returns:
        str: the path.

    Raises:
        InputError: the package has no such config.
    """
    for path in (folder / (name + end) for folder in FOLDERS for end in ('', '.py')):
        if path.is_file():
            return str(path)
    raise no_config(name)


def our_names(folder: str) -> list[str]:
    """List our configs in a folder.

    Args:
        folder (str): a folder below ``configs``, such as ``'ablations'``.

    Returns:
        list[str]: their names without ``.py``, sorted.
    """
    return sorted({path.stem for place in FOLDERS for path in (place / folder).glob('*.py')})


def no_config(name: str) -> InputError:
    """Make the error for a config that does not exist.

    Args:
        name (str): what the user wrote.

    Returns:
        InputError: the error, which the caller raises.
    """
    folders = ' or '.join(str(folder) for folder in FOLDERS if folder.is_dir())
    return InputError(f'no config {name}: give the path of a file, or the name of one in {folders}')


def config_word(word: str) -> str:
    """Find a config for ``argparse``: the ``type`` of an argument of a command line.

    Args:
        word (str): what the user wrote.

    Returns:
        str: the path of the config. If it does not exist, the word itself; ``load_config`` then
        raises the error.
    """
    try:
        return find_config(word)
    except InputError:
        return word


def load_config(path):
    """Read a config file.

    Args:
        path (str): the path of the file.

    Returns:
        mmengine.Config: the config.

    Raises:
        InputError: the file does not exist, or Python cannot run it.
    """
    if not Path(path).is_file():
        raise no_config(path)
    try:
        return Config.fromfile(path)
    except Exception as error:  # whatever code of the user's raises
        if getattr(error, 'name', None) == 'pkg_resources':  # mmengine finds packages with it
            raise InputError(f'the config {path} inherits from another package, for which mmengine '
                             'needs pkg_resources; run: pip install "setuptools<81"') from error
        raise InputError(f'the config {path} cannot be read ({type(error).__name__}: {error})'
                         ) from error


class KeyValue(DictAction):
    """The ``argparse`` action of ``--cfg-options``: words ``key=value`` become a dict."""

    def __call__(self, parser, namespace, values, option_string=None):
        for word in values:
            if '=' not in word[1:]:
                raise argparse.ArgumentError(self, f'{word!r} is not key=value')
        try:
            super().__call__(parser, namespace, values, option_string)
        except (AssertionError, ValueError) as error:  # of brackets that do not match
            raise argparse.ArgumentError(self, f'{" ".join(values)}: {error}') from error
        for word in values:
            key, value = word.split('=', maxsplit=1)
            value = value.strip('\'"')
            if ' ' in value and ',' not in value and value[0] not in '[(':
                # mmengine takes spaces out, also those of a path.
                getattr(namespace, self.dest)[key] = self._parse_int_float_bool(value)
