"""How often the right name is among the first names that were suggested for a sample."""
from collections import Counter

import numpy as np


def first_names(order, names, k):
    """Take the first k different names of one sample.

    Args:
        order (np.ndarray): indices (W,) of the words, the best first.
        names (Sequence[str]): the name of each of the W words.
        k (int): how many.

    Returns:
        list[str]: k names, or fewer if there are fewer.
    """
    return list(dict.fromkeys(names[i] for i in order))[:k]


def name_accuracy(order, names, truth, k):
    """Share of samples whose true emotion is among the first k suggested *names*.

    Args:
        order (np.ndarray): words from the best to the worst (N, W).
        names (Sequence[str]): name of each word (W,).
        truth (Sequence[str]): emotions (N,).
        k (int): how many names count.

    Returns:
        float: in [0, 1], NaN without a sample.
    """
    hits = [name in first_names(row, names, k) for row, name in zip(order, truth, strict=True)]
    return float(np.mean(hits)) if hits else float('nan')


def chance_accuracy(names, truth, k, draws=3000):
    """What ``name_accuracy`` expects of words in random order.

    This is k / W if every name has one word. Names with many words come up more often, so random
    orders are drawn for them.

    Args:
        names (Sequence[str]): the name of each of the W words.
        truth (Sequence[str]): the true name of each sample.
        k (int): how many names are suggested.
        draws (int): number of random orders. Defaults to 3000.

    Returns:
        float: in [0, 1]; NaN without a sample.
    """
    if len(set(names)) == len(names):
        share = dict.fromkeys(names, min(1.0, k / len(names)))
    else:
        orders = np.random.default_rng(0).random((draws, len(names))).argsort(1)
        counts = Counter(name for row in orders for name in first_names(row, names, k))
        share = {name: count / draws for name, count in counts.items()}
    return float(np.mean([share.get(name, 0.0) for name in truth])) if len(truth) else float('nan')
