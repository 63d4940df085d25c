"""How sure a figure is: stratified bootstrap of a metric and of a difference of two methods.

Known and unknown samples are drawn separately, so their numbers stay as they are. Each is a tuple
of arrays whose rows belong together: ``metric(*known, *unknown)`` is computed on every draw. These
intervals are about the test samples only, not about splits or training seeds.
"""
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from ..errors import InputError

Arrays = Sequence[np.ndarray]


class Comparison(NamedTuple):
    """Metric of method A minus that of B, its interval, and a two-sided p value."""
    difference: float
    low: float
    high: float
    p_value: float


def _bootstrap(statistic: Callable[..., float], known: Arrays, unknown: Arrays, level: float,
               num_draws: int, seed: int) -> Any:
    sizes = []
    for name, arrays in (('known', known), ('unknown', unknown)):
        lengths = {len(array) for array in arrays}
        if len(lengths) != 1 or min(lengths) < 2:
            raise InputError(f'the {name} arrays must have one length of at least 2, not '
                             f'{sorted(lengths)}')
        sizes.append(np.arange(lengths.pop()))
    return stats.bootstrap(sizes, statistic, n_resamples=num_draws, vectorized=False,
                           confidence_level=level, method='percentile',
                           random_state=np.random.default_rng(seed))


def _rows(arrays: Arrays, index: np.ndarray) -> list[np.ndarray]:
    return [np.asarray(array)[index] for array in arrays]


def bootstrap_interval(metric: Callable[..., float], known: Arrays, unknown: Arrays,
                       level: float = 0.95, num_draws: int = 1000,
                       seed: int = 0) -> tuple[float, float]:
    """Percentile interval of a metric, e.g. ``bootstrap_interval(oscr, (s_k, correct), (s_u,))``.

    Args:
        metric (Callable): arrays to a float.
        known (tuple[np.ndarray]): arrays (N_k,) of the known samples.
        unknown (tuple[np.ndarray]): arrays (N_u,) of the unknown samples.
        level (float): coverage of the interval, in (0, 1).
        num_draws (int): number of bootstrap draws.
        seed (int): seed of the draws.

    Returns:
        tuple[float, float]: low and high end.
    """
    found = _bootstrap(lambda i, j: metric(*_rows(known, i), *_rows(unknown, j)),
                       known, unknown, level, num_draws, seed).confidence_interval
    return float(found.low), float(found.high)


def paired_comparison(metric: Callable[..., float], a: tuple[Arrays, Arrays],
                      b: tuple[Arrays, Arrays], level: float = 0.95, num_draws: int = 1000,
                      seed: int = 0) -> Comparison:
    """Compare methods A and B on the same samples. Every draw takes the same samples of both.

    This is no permutation test, because exchanging single scores of two methods would need a
    common scale.

    Args:
        metric (Callable): arrays to a float.
        a (tuple[tuple[np.ndarray]]): known and unknown arrays of method A, as for
            ``bootstrap_interval``.
        b (tuple[tuple[np.ndarray]]): those of method B, with samples in the same order.
        level (float): coverage of the interval, in (0, 1).
        num_draws (int): number of bootstrap draws.
        seed (int): seed of the draws.

    Returns:
        Comparison: difference, interval and p value. p is twice the smaller share of draws on
        either side of no difference; it cannot be below 2 / (num_draws + 1).

    Raises:
        InputError: the methods have different numbers of samples.
    """
    for ours, theirs in zip(a, b, strict=True):
        if len(ours[0]) != len(theirs[0]):
            raise InputError(f'the methods must have the same samples, not {len(ours[0])} and '
                             f'{len(theirs[0])}')

    def difference(i: np.ndarray, j: np.ndarray) -> float:
        return (metric(*_rows(a[0], i), *_rows(a[1], j))
                - metric(*_rows(b[0], i), *_rows(b[1], j)))

    found = _bootstrap(difference, (*a[0], *b[0]), (*a[1], *b[1]), level, num_draws, seed)
    draws = found.bootstrap_distribution
    side = min(np.sum(draws <= 0), np.sum(draws >= 0))
    everything = np.arange(len(a[0][0])), np.arange(len(a[1][0]))
    return Comparison(float(difference(*everything)), float(found.confidence_interval.low),
                      float(found.confidence_interval.high),
                      float(min(1, 2 * (side + 1) / (num_draws + 1))))
