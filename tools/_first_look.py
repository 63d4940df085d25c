"""Checks that the files on a command line exist, before the seconds that it takes to import torch.

This is no tool, but the first step of tools. It imports nothing of the package, to be fast.
"""
import sys
from pathlib import Path

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'


def first_look(words, configs=1, checkpoint=False):
    """End with one line if a config or checkpoint does not exist.

    Args:
        words (list[str]): the command line without the name of the tool. Only words before the
            first flag are checked. The tool checks the rest.
        configs (int | None): how many of the words are configs; None for all. Defaults to 1.
        checkpoint (bool): the second word is a checkpoint. Defaults to False.
    """
    named = []
    for word in words:
        if word.startswith('-'):
            break
        named.append(word)
    for word in named[:configs]:
        places = Path(word), CONFIGS / word, CONFIGS / f'{word}.py'
        if word != 'all' and not any(place.is_file() for place in places):
            sys.exit(f'error: no config {word}: give the path of a file, or the name of one in '
                     f'{CONFIGS}')
    if checkpoint and len(named) > 1 and '://' not in named[1] and not Path(
            named[1]).expanduser().exists():
        sys.exit(f'error: The checkpoint {named[1]} does not exist.')
