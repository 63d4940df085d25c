"""How well groups fit the true emotions: one matching over all categories."""
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from ..evaluation.clusters import match


def discovery_figures(groups: ArrayLike, truth: ArrayLike,
                      known: Sequence[str]) -> dict[str, float | None]:
    """Accuracy of all, old and new clips under one matching, NMI and ARI.

    Groups are matched one to one with emotions so that most clips are right (Hungarian algorithm).
    The matching is made once, over all clips: old and new clips do not get matchings of their own,
    which would give a group to two emotions. A group without an emotion counts as wrong. Source:
    the evaluation of Vaze et al., Generalized Category Discovery, CVPR 2022.

    Args:
        groups (array-like of int): group of each clip (N,).
        truth (array-like of str): emotion of each clip (N,).
        known (Sequence[str]): names of the known (old) emotions.

    Returns:
        dict[str, float | None]: ``All``, ``Old`` and ``New`` accuracy, ``NMI`` and ``ARI``, in
        percent. None where there is no such clip.
    """
    right = match(groups, truth)
    old = np.isin(np.asarray(truth), list(known))
    figures = {name: 100 * float(right[chosen].mean()) if chosen.any() else None
               for name, chosen in (('All', old | True), ('Old', old), ('New', ~old))}
    return figures | dict(NMI=100 * float(normalized_mutual_info_score(truth, groups)),
                          ARI=100 * float(adjusted_rand_score(truth, groups)))
