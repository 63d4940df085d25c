"""The metric code released with ARPL, which HESP and others report, to the last digit.

For comparison with published tables only. It differs from the exact metrics:

* at a tie the known sample goes first, so a tie counts as a loss (all scores equal: AUROC 0);
* OSCR counts the known after and the unknown from each position on, which is biased low by up to
  about 1 / (2 N_k), and equal scores stand in the order in which numpy's argsort left them;
* TNR is read at the TPR *nearest* to 95 %, which may be smaller.

As everywhere a bigger score is more known, and results are fractions.
"""
import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import trapezoid

from .ranking import as_correct, as_scores


def _accepted(known: ArrayLike, unknown: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Numbers (N + 1,) of known and unknown left as one sample after the other is rejected."""
    known, unknown = as_scores('known', known), as_scores('unknown', unknown)
    is_unknown = np.r_[np.zeros(len(known), int), np.ones(len(unknown), int)]
    is_unknown = is_unknown[np.lexsort((is_unknown, np.r_[known, unknown]))]
    return (len(known) - np.r_[0, np.cumsum(1 - is_unknown)],
            len(unknown) - np.r_[0, np.cumsum(is_unknown)])


def _precision_area(hits: np.ndarray, others: np.ndarray, ends: tuple[float, float]) -> float:
    """Trapezoid area under precision over recall, with the released code's end points."""
    there = hits + others > 0
    precision = hits[there] / (hits + others)[there]
    recall = np.r_[1., hits[there] / hits.max(), 0.]
    return float(-trapezoid(np.r_[ends[0], precision, ends[1]], recall))


def official_detection(known: ArrayLike, unknown: ArrayLike) -> dict[str, float]:
    """Known against unknown as released with ARPL.

    Args:
        known (np.ndarray): scores (N_k,) of known samples.
        unknown (np.ndarray): scores (N_u,) of unknown samples.

    Returns:
        dict[str, float]: ``TNR`` (at about 95 % TPR), ``AUROC``, ``DTACC``, ``AUIN`` and ``AUOUT``
        (trapezoid areas under precision-recall with known and with unknown as positive).
    """
    tp, fp = _accepted(known, unknown)
    tpr, fpr = tp / tp[0], fp / fp[0]
    return dict(
        TNR=float(1 - fpr[np.abs(tpr - .95).argmin()]), AUROC=float(-trapezoid(1 - fpr, tpr)),
        DTACC=float(np.max(tpr + 1 - fpr) / 2), AUIN=_precision_area(tp, fp, (.5, 0.)),
        AUOUT=_precision_area((fp[0] - fp)[::-1], (tp[0] - tp)[::-1], (.5, 0.)))


def official_auroc(known: ArrayLike, unknown: ArrayLike) -> float:
    """AUROC of ``official_detection``: P(s_k > s_u) where the exact one adds half the ties.

    Args:
        known (array_like): scores (N_k,) of known samples.
        unknown (array_like): scores (N_u,) of unknown samples.

    Returns:
        float: as ``official_detection`` returns it.
    """
    return official_detection(known, unknown)['AUROC']


def official_oscr(known: ArrayLike, correct: ArrayLike, unknown: ArrayLike) -> float:
    """OSCR as released with ARPL and HESP.

    Scores must have the precision in which the model returned them, because equal scores stand in
    the order in which numpy sorts them.

    Args:
        known (np.ndarray): scores (N_k,) of known samples.
        correct (np.ndarray): bool (N_k,), whether the predicted known class is right.
        unknown (np.ndarray): scores (N_u,) of unknown samples.

    Returns:
        float: the area. The last sample is never a threshold, so a perfect separation is not 1.
    """
    given = np.concatenate([known, unknown])
    known, unknown = as_scores('known', known), as_scores('unknown', unknown)
    order = given.argsort()
    right = np.r_[as_correct(correct, known), np.zeros(len(unknown), bool)][order]
    novel = np.r_[np.zeros(len(known)), np.ones(len(unknown))][order]
    ccr = (right.sum() - np.cumsum(right))[:-1] / len(known)
    fpr = (novel.sum() - np.cumsum(novel) + novel)[:-1] / len(unknown)
    points = np.r_[[[1., 1.], [0., 0.]], np.c_[fpr, ccr]]
    fpr, ccr = points[np.lexsort(points.T[::-1])].T
    return float(trapezoid(ccr, fpr))
