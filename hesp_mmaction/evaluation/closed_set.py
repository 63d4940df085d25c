"""What is reported if every class is known."""
from collections.abc import Mapping

import numpy as np

from .decision import uar, war
from .finite import check_finite


def closed_set_metrics(dump: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Accuracies of a test run on a closed set.

    Args:
        dump (dict[str, np.ndarray]): ``label`` (N,) and ``pred`` (N,).

    Returns:
        dict: ``ACC``, ``WAR`` (the same) and ``UAR`` in percent, ``num_known`` samples.

    Raises:
        InputError: the model returned values that are NaN or infinite; the message names the clips.
    """
    check_finite(dump)
    accuracy = 100 * war(dump['label'], dump['pred'])
    return dict(ACC=accuracy, WAR=accuracy, UAR=100 * uar(dump['label'], dump['pred']),
                num_known=len(dump['label']))
