"""Whether the files named on a command line are there, before torch is imported for seconds.

Not a tool, but what tools begin with. It imports nothing of the package for that reason.
"""
import sys
from pathlib import Path

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'


def first_look(words, configs=1, checkpoint=False):
    """End with one line if a config or checkpoint is not there.

    Args:
        words (list[str]): of a command line, without the tool's name. Those before the first flag
            are looked at; what is unclear is left to the tool.
        configs (int, optional): how many of them are configs; None for all. Defaults to 1.
        checkpoint (bool): the next one is a checkpoint. Defaults to False.
    """
    named = []
    for word in words:
        if word.startswith('-'):
            break
        named.append(word)
    for word in named[:configs]:
        if word != 'all' and not Path(word).is_file() and not (CONFIGS / word).is_file():
            sys.exit(f'error: no config {word}: give the path of a file, or the name of one in '
                     f'{CONFIGS}')
    if checkpoint and len(named) > 1 and '://' not in named[1] and not Path(
            named[1]).expanduser().exists():
        sys.exit(f'error: The checkpoint {named[1]} does not exist.')
