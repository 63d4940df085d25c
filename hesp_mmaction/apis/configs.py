"""Config files: where ours are, how one is read, and what the command line says of it."""
import argparse
from pathlib import Path

from mmengine.config import Config, DictAction

from ..errors import InputError

PACKAGE = Path(__file__).parents[1]
# Beside the package in a clone, inside it where it was installed from a wheel.
FOLDERS = PACKAGE.parent / 'configs', PACKAGE / '.mim' / 'configs'


def find_config(name: str) -> str:
    """The path of a config file: a user's, or one of this package.

    Args:
        name (str): a path that exists, or else a name of :func:`our_config`.

    Returns:
        str

    Raises:
        InputError: there is none.
    """
    return str(name) if Path(name).is_file() else our_config(name)


def our_config(name: str) -> str:
    """The path of a config file of this package, whatever files the current folder has.

    Args:
        name (str): a path below ``configs``, such as ``'hesp_synthetic_o43.py'``; ``.py`` may be
            left out.

    Returns:
        str

    Raises:
        InputError: there is none.
    """
    for path in (folder / (name + end) for folder in FOLDERS for end in ('', '.py')):
        if path.is_file():
            return str(path)
    raise no_config(name)


def our_names(folder: str) -> list[str]:
    """Names of our configs in a folder below ``configs``, such as ``'ablations'``, without
    ``.py``."""
    return sorted({path.stem for place in FOLDERS for path in (place / folder).glob('*.py')})


def no_config(name: str) -> InputError:
    """The error for a config that is not there."""
    folders = ' or '.join(str(folder) for folder in FOLDERS if folder.is_dir())
    return InputError(f'no config {name}: give the path of a file, or the name of one in {folders}')


def config_word(word: str) -> str:
    """:func:`find_config` as the ``type`` of a command line's argument.

    Args:
        word (str): of the command line.

    Returns:
        str: the word itself where there is no such config, which :func:`load_config` then says.
    """
    try:
        return find_config(word)
    except InputError:
        return word


def load_config(path):
    """The config of a file.

    Args:
        path (str): of the file.

    Returns:
        mmengine.Config

    Raises:
        InputError: there is no such file, or Python cannot run it.
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
    """The action of ``--cfg-options``: words ``key=value`` become a dict."""

    def __call__(self, parser, namespace, values, option_string=None):
        for word in values:
            if '=' not in word[1:]:
                raise argparse.ArgumentError(self, f'{word!r} is not key=value')
        try:
            super().__call__(parser, namespace, values, option_string)
        except (AssertionError, ValueError) as error:  # of brackets that do not match
            raise argparse.ArgumentError(self, f'{" ".join(values)}: {error}') from error
