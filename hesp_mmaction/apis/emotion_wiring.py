"""Emotions of a config: from a file, a dict or a command line into force, and into the config.

The config then holds the content itself, so that the copy in the work dir and all that is made of
it need no file.
"""
import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmengine.config import Config

from ..datasets.emotion_content import ONE_WORD, read_content
from ..datasets.emotions import SHIPPED, in_force, use
from ..datasets.vocabulary import Vocabulary
from .config_parts import datasets_of


def vocabulary_of(emotions: str | Path | Mapping | Sequence[str] | None) -> Vocabulary:
    """The vocabulary that the key ``emotions`` of a config means.

    Args:
        emotions (str | Path | dict | Sequence[str], optional): path of a YAML file, names with
            commas between them, or a content, see ``Vocabulary.extended``. Defaults to None:
            what ships.

    Returns:
        Vocabulary: those that ship, with what the content adds or replaces.

    Raises:
        InputError: the file or the content cannot be used.
    """
    if emotions is None:
        return SHIPPED
    if isinstance(emotions, str) and all(map(ONE_WORD.fullmatch, emotions.split(','))):
        emotions = emotions.split(',')
    if isinstance(emotions, (str, Path)):
        return SHIPPED.extended(read_content(emotions), str(emotions))
    if isinstance(emotions, Mapping):
        emotions = Config(dict(part=emotions)).to_dict()['part']
    return SHIPPED.extended(emotions)


def add_emotions_flag(parser: argparse.ArgumentParser) -> None:
    """Add the flag ``--emotions`` of tools that read labels and no config.

    It puts the emotions in force as soon as it is read.

    Args:
        parser (argparse.ArgumentParser): of the tool.
    """
    parser.add_argument('--emotions', action=_Emotions, metavar='FILE.yaml',
                        help='emotions of your own, or NAME,NAME,...: docs/own_emotions.md')


class _Emotions(argparse.Action):
    def __call__(self, parser, namespace, values, option_string=None):
        use(vocabulary_of(os.path.expanduser(values)))
        setattr(namespace, self.dest, values)


def use_emotions(cfg: Config, known: Sequence[str] | None = None) -> None:
    """Put the emotions of a config in force, with the words of a known set.

    A word that is no emotion yet becomes one, and then lists may use others, too. The data sets of
    the config find their classes in the lists or folders if an emotion is none that ships.

    Args:
        cfg (mmengine.Config): changed in place: ``cfg.emotions`` becomes the content, and is not
            there if that is what ships.
        known (Sequence[str], optional): of ``--known``. Defaults to the config's own.

    Raises:
        InputError: the emotions cannot be used, or a known word is nearly an emotion's spelling.
    """
    vocabulary = vocabulary_of(cfg.get('emotions'))
    names = cfg.get('known') if known is None else known
    for name in () if names is None or isinstance(names, str) else names:
        vocabulary = vocabulary.with_words(name)
    use(vocabulary)
    keep_emotions(cfg)
    parts = {part for name in names or () for part in vocabulary.canonical(name).split('_')}
    if not parts <= SHIPPED.emotions.keys():
        for dataset in datasets_of(cfg):
            if dataset.type != 'FeatureDataset':  # it always does
                dataset.setdefault('classes', 'found')


def keep_emotions(cfg: Config) -> None:
    """Write the vocabulary in force into a config, after lists may have added words to it.

    Args:
        cfg (mmengine.Config): changed in place.
    """
    content = in_force().content(SHIPPED)
    if content:
        cfg.emotions = content
    else:
        cfg.pop('emotions', None)
