"""Finds clips for which a model returned NaN or infinite values."""
from collections.abc import Mapping

import numpy as np

from ..errors import InputError

NAMED = 5  # clips in a message


def not_finite(dump: Mapping[str, np.ndarray], key: str) -> np.ndarray:
    """Which of the N samples of a dump have a NaN or an infinite value in a field.

    Args:
        dump (dict[str, np.ndarray]): see ``openset_metric.metrics_from_dump``.
        key (str): a field of numbers (N,) or (N, K).

    Returns:
        np.ndarray: bool (N,).
    """
    values = dump[key]
    return ~np.isfinite(values).reshape(len(values), -1).all(1)


def named(dump: Mapping[str, np.ndarray], chosen: np.ndarray) -> str:
    """How many of the samples of a dump are chosen, and the ids of the first of them.

    Args:
        dump (dict[str, np.ndarray]): with ``sample_id`` (N,); without it they are numbered.
        chosen (np.ndarray): bool (N,).

    Returns:
        str: such as ``'2 of 40 clips (a.avi, b.avi)'``.
    """
    ids = np.asarray(dump.get('sample_id', np.arange(len(chosen))))[chosen]
    more = f' and {len(ids) - NAMED} more' if len(ids) > NAMED else ''
    return f'{len(ids)} of {len(chosen)} clips ({", ".join(map(str, ids[:NAMED]))}{more})'


def check_finite(dump: Mapping[str, np.ndarray]) -> None:
    """Raise an error if scores or probabilities are NaN or infinite.

    Args:
        dump (dict[str, np.ndarray]): its ``score`` and ``probabilities`` are checked, if it
            has them.

    Raises:
        InputError: a value is NaN or infinite; the message names the field and the clips.
    """
    for key in ('score', 'probabilities'):
        wrong = not_finite(dump, key) if key in dump else np.zeros(0, bool)
        if wrong.any():
            raise InputError(
                f'there are no figures: {key} is NaN or infinite for {named(dump, wrong)}. If that '
                'is all of them, the weights are spoilt; if some, look at these')
