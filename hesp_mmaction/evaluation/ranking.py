"""Known against unknown by a score: metrics as pure functions on numpy arrays.

Throughout: a **bigger score means more known**, a tie counts one half, N_k known and N_u unknown
samples, results in [0, 1], O(N log N). Empty or non-finite scores raise InputError. (Not
torchmetrics: its binary_auroc sends scores outside [0, 1] through a sigmoid, which ties large
logits in float32.)
"""
import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import average_precision_score

from ..errors import InputError


def as_scores(name: str, values: ArrayLike) -> np.ndarray:
    """Check scores and return them as an array.

    Args:
        name (str): ``'known'`` or ``'unknown'``, for messages.
        values (ArrayLike): (N,) scores.

    Returns:
        np.ndarray: (N,) float64.

    Raises:
        InputError: there are no scores, they have not one dimension, or a score is not finite.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or values.size == 0:
        raise InputError(f'{name} scores must be a non-empty 1-D array, not of shape '
                         f'{values.shape}')
    if not np.isfinite(values).all():
        raise InputError(f'{name} scores hold {(~np.isfinite(values)).sum()} NaN or infinite '
                         'values; see what the model returned')
    return values


def as_correct(correct: ArrayLike, known: np.ndarray) -> np.ndarray:
    """Which known samples are classified correctly, as an array.

    Args:
        correct (ArrayLike): (N_k,) true or false.
        known (np.ndarray): (N_k,) their scores.

    Returns:
        np.ndarray: (N_k,) bool.

    Raises:
        InputError: the shapes differ.
    """
    correct = np.asarray(correct, dtype=bool)
    if correct.shape != known.shape:
        raise InputError(f'correct has shape {correct.shape}, the known scores {known.shape}')
    return correct


def auroc(known: ArrayLike, unknown: ArrayLike) -> float:
    """Area under the ROC curve, P(s_k > s_u) + P(s_k = s_u) / 2.

    Args:
        known (np.ndarray): scores (N_k,) of known samples.
        unknown (np.ndarray): scores (N_u,) of unknown samples.

    Returns:
        float: 1 for a perfect separation, 0.5 for chance.
    """
    # not scikit-learn's, whose checks take 100 times as long in a bootstrap
    return oscr(known, np.ones(np.shape(known), dtype=bool), unknown)


def oscr(known: ArrayLike, correct: ArrayLike, unknown: ArrayLike) -> float:
    """Open-set classification rate: area under correct classification rate over FPR, exactly.

    (1 / (N_k N_u)) sum_i [i correct] sum_j ([s_i > s_j] + [s_i = s_j] / 2), by ranking. The curve
    is that of Dhamija et al., NeurIPS 2018. Differs from the code released with ARPL and HESP,
    which is biased low by up to about 1 / (2 N_k) and depends on the order of ties.

    Args:
        known (np.ndarray): scores (N_k,) of known samples.
        correct (np.ndarray): bool (N_k,), whether the predicted known class is right.
        unknown (np.ndarray): scores (N_u,) of unknown samples.

    Returns:
        float: at most the accuracy and at most the AUROC.
    """
    known, unknown = as_scores('known', known), np.sort(as_scores('unknown', unknown))
    hits = known[as_correct(correct, known)]
    beaten = np.searchsorted(unknown, hits, 'left') + np.searchsorted(unknown, hits, 'right')
    return float(beaten.sum() / (2 * len(known) * len(unknown)))


def oscr_curve(known: ArrayLike, correct: ArrayLike,
               unknown: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """The curve whose trapezoid area is ``oscr``, with one point per distinct score.

    Args:
        known (np.ndarray): scores (N_k,) of known samples.
        correct (np.ndarray): bool (N_k,), whether the predicted known class is right.
        unknown (np.ndarray): scores (N_u,) of unknown samples.

    Returns:
        tuple[np.ndarray]: share (P,) of the unknown that is accepted, from 0 to 1, and share (P,)
        of all known that is accepted and classified right, from 0 to the accuracy.
    """
    known, unknown = as_scores('known', known), np.sort(as_scores('unknown', unknown))
    hits = np.sort(known[as_correct(correct, known)])
    thresholds = np.unique(np.r_[known, unknown])[::-1]  # accepted: score >= threshold
    fpr = (len(unknown) - np.searchsorted(unknown, thresholds)) / len(unknown)
    ccr = (len(hits) - np.searchsorted(hits, thresholds)) / len(known)
    return np.r_[0., fpr], np.r_[0., ccr]


def roc_curve(known: ArrayLike, unknown: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """The ROC curve; its area is ``auroc``.

    Args:
        known (array_like): scores (N_k,) of known samples.
        unknown (array_like): scores (N_u,) of unknown samples.

    Returns:
        tuple[np.ndarray, np.ndarray]: accepted shares (P,) of the unknown and of the known, from 0
        to 1.
    """
    return oscr_curve(known, np.ones(np.shape(known), dtype=bool), unknown)


def detection_accuracy(known: ArrayLike, unknown: ArrayLike) -> float:
    """max over thresholds of (TPR + 1 - FPR) / 2: accuracy if known and unknown were as many.

    Args:
        known (array_like): scores (N_k,) of known samples.
        unknown (array_like): scores (N_u,) of unknown samples.

    Returns:
        float: in [0.5, 1].
    """
    fpr, tpr = roc_curve(known, unknown)
    return float(np.max(tpr + 1 - fpr) / 2)


def _as_positive(known: ArrayLike, unknown: ArrayLike,
                 positive: str) -> tuple[np.ndarray, np.ndarray]:
    """Scores of the positive and of the negative class, bigger = more positive."""
    known, unknown = as_scores('known', known), as_scores('unknown', unknown)
    if positive not in ('known', 'unknown'):
        raise InputError(f"positive must be 'known' or 'unknown', not {positive!r}")
    return (known, unknown) if positive == 'known' else (-unknown, -known)


def aupr(known: ArrayLike, unknown: ArrayLike, positive: str = 'known') -> float:
    """Area under the precision-recall curve as average precision: sum_t (R_t - R_t-1) P_t.

    A step per distinct score, as Vaze et al. and MCM report it; OpenOOD and pytorch-ood draw
    trapezoids, which is a little less. Depends on the ratio of known to unknown samples.

    Args:
        known (np.ndarray): scores (N_k,) of known samples.
        unknown (np.ndarray): scores (N_u,) of unknown samples.
        positive (str): which of the two precision and recall are about.

    Returns:
        float: chance is the share of the positive samples.
    """
    positives, negatives = _as_positive(known, unknown, positive)
    target = np.r_[np.ones(len(positives)), np.zeros(len(negatives))]
    return float(average_precision_score(target, np.r_[positives, negatives]))


def fpr_at_tpr(known: ArrayLike, unknown: ArrayLike, tpr: float = 0.95,
               positive: str = 'known') -> float:
    """Share of the negative samples taken for positive when ``tpr`` of the positive are found.

    Both are published as "FPR@95". ``positive='known'``: unknown accepted when 95 % of the known
    are (ODIN, MCM, CSSR; 1 - TNR of ARPL). ``positive='unknown'``: known rejected when 95 % of the
    unknown are (OpenOOD since 1.5, pytorch-ood, DEAR). Here it is the first threshold with
    TPR >= ``tpr``; CSSR, DEAR and MCM take the nearest, where the TPR may be smaller.

    Args:
        known (np.ndarray): scores (N_k,) of known samples.
        unknown (np.ndarray): scores (N_u,) of unknown samples.
        tpr (float): in (0, 1].
        positive (str): ``'known'`` or ``'unknown'``.

    Returns:
        float: 0 is best.
    """
    positives, negatives = _as_positive(known, unknown, positive)
    return float(np.mean(negatives >= fit_threshold(positives, tpr)))


def ccr_at_fpr(known: ArrayLike, correct: ArrayLike, unknown: ArrayLike, fpr: float) -> float:
    """The largest share of all known accepted and classified right with at most ``fpr`` of the
    unknown accepted.

    Accepted is score > t with t the (floor(fpr N_u) + 1)-th largest unknown score; OpenOOD takes
    the ceil(fpr N_u)-th, which accepts one unknown less if fpr N_u is a whole number.

    Args:
        known (np.ndarray): scores (N_k,) of known samples.
        correct (np.ndarray): bool (N_k,), whether the predicted known class is right.
        unknown (np.ndarray): scores (N_u,) of unknown samples.
        fpr (float): largest share of the unknown that is accepted, in [0, 1].

    Returns:
        float: in [0, 1]; equal to the accuracy if ``fpr`` is 1.

    Raises:
        InputError: ``fpr`` is not in [0, 1].
    """
    known, unknown = as_scores('known', known), np.sort(as_scores('unknown', unknown))
    if not 0 <= fpr <= 1:
        raise InputError(f'fpr must be in [0, 1], not {fpr}')
    accepted = int(fpr * len(unknown) + 1e-9)  # 0.29 * 100 is a little less than 29
    bound = unknown[-accepted - 1] if accepted < len(unknown) else -np.inf
    return float(np.mean((known > bound) & as_correct(correct, known)))


def fit_threshold(known: ArrayLike, tpr: float = 0.95) -> float:
    """The largest threshold that keeps at least ``tpr`` of the known (score >= threshold).

    Args:
        known (np.ndarray): scores (N_k,) of known samples that are not test samples.
        tpr (float): share to keep, in (0, 1]. Defaults to 0.95.

    Returns:
        float: one of the scores.

    Raises:
        InputError: ``tpr`` is not in (0, 1].
    """
    known = as_scores('known', known)
    if not 0 < tpr <= 1:
        raise InputError(f'tpr must be in (0, 1], not {tpr}')
    keep = int(np.ceil(tpr * len(known) - 1e-9))  # 0.07 * 100 is a little more than 7
    return float(np.sort(known)[len(known) - max(keep, 1)])
