"""Open-set metrics as pure functions on numpy arrays.

Throughout: a **bigger score means more known**, a tie counts one half, N_k known and N_u unknown
samples, results in [0, 1]. Empty or non-finite scores raise ValueError. (Not torchmetrics: its
binary_auroc sends scores outside [0, 1] through a sigmoid, which ties large logits in float32.)
"""
import numpy as np
from sklearn.metrics import roc_auc_score


def _scores(name, values):
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f'{name} scores must be a non-empty 1-D array, not of shape '
                         f'{values.shape}')
    if not np.isfinite(values).all():
        raise ValueError(f'{name} scores hold {(~np.isfinite(values)).sum()} NaN or infinite '
                         'values; see what the model returned')
    return values


def _correct(correct, known):
    correct = np.asarray(correct, dtype=bool)
    if correct.shape != known.shape:
        raise ValueError(f'correct has shape {correct.shape}, the known scores {known.shape}')
    return correct


def auroc(known, unknown):
    """Area under the ROC curve, P(s_k > s_u) + P(s_k = s_u) / 2.

    Args:
        known (np.ndarray): scores (N_k,) of known samples.
        unknown (np.ndarray): scores (N_u,) of unknown samples.

    Returns:
        float: 1 for a perfect separation, 0.5 for chance.
    """
    known, unknown = _scores('known', known), _scores('unknown', unknown)
    is_known = np.r_[np.ones(len(known)), np.zeros(len(unknown))]
    return float(roc_auc_score(is_known, np.r_[known, unknown]))


def oscr(known, correct, unknown):
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
    known, unknown = _scores('known', known), np.sort(_scores('unknown', unknown))
    hits = known[_correct(correct, known)]
    beaten = np.searchsorted(unknown, hits, 'left') + np.searchsorted(unknown, hits, 'right')
    return float(beaten.sum() / (2 * len(known) * len(unknown)))


def oscr_curve(known, correct, unknown):
    """The curve whose trapezoid area is :func:`oscr`, with one point per distinct score.

    Args: as for :func:`oscr`.

    Returns:
        tuple[np.ndarray]: share (P,) of the unknown that is accepted, from 0 to 1, and share (P,)
        of all known that is accepted and classified right, from 0 to the accuracy.
    """
    known, unknown = _scores('known', known), np.sort(_scores('unknown', unknown))
    hits = np.sort(known[_correct(correct, known)])
    thresholds = np.unique(np.r_[known, unknown])[::-1]  # accepted: score >= threshold
    fpr = (len(unknown) - np.searchsorted(unknown, thresholds)) / len(unknown)
    ccr = (len(hits) - np.searchsorted(hits, thresholds)) / len(known)
    return np.r_[0., fpr], np.r_[0., ccr]


def roc_curve(known, unknown):
    """Returns accepted shares (P,) of the unknown and of the known; its area is :func:`auroc`."""
    return oscr_curve(known, np.ones(len(known), dtype=bool), unknown)


def openness(num_known, num_unknown):
    """1 - sqrt(K / (K + U)) for K known and U unknown classes; 0 when nothing is unknown.

    Raises:
        ValueError: K < 1 or U < 0.
    """
    if num_known < 1 or num_unknown < 0:
        raise ValueError(f'openness needs at least one known class and no negative count, not '
                         f'{num_known} known and {num_unknown} unknown')
    return float(1 - np.sqrt(num_known / (num_known + num_unknown)))


def fit_threshold(known, tpr=0.95):
    """The largest threshold that keeps at least ``tpr`` of the known (score >= threshold).

    Args:
        known (np.ndarray): scores (N_k,) of known samples that are not test samples.
        tpr (float): share to keep, in (0, 1]. Defaults to 0.95.

    Returns:
        float: one of the scores.
    """
    known = _scores('known', known)
    if not 0 < tpr <= 1:
        raise ValueError(f'tpr must be in (0, 1], not {tpr}')
    keep = int(np.ceil(tpr * len(known) - 1e-9))  # 0.07 * 100 is a little more than 7
    return float(np.sort(known)[len(known) - max(keep, 1)])
