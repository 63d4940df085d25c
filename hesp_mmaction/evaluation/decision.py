"""Metrics of decisions (predicted emotions, "unknown" below a threshold) and the openness.

Labels are 0 .. K - 1, -1 is unknown; results in [0, 1].
"""
import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import f1_score, recall_score

from ..errors import InputError


def _labels(label: ArrayLike, pred: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    label, pred = np.asarray(label), np.asarray(pred)
    if label.ndim != 1 or label.size == 0 or label.shape != pred.shape:
        raise InputError(f'labels and predictions must be non-empty 1-D arrays of one length, not '
                         f'of shapes {label.shape} and {pred.shape}')
    for name, values in (('labels', label), ('predictions', pred)):
        if not np.issubdtype(values.dtype, np.integer):
            raise InputError(f'{name} must be integers, not {values.dtype}')
    return label, pred


def war(label: ArrayLike, pred: ArrayLike) -> float:
    """Weighted average recall: the accuracy.

    Args:
        label (array_like): (N,), from 0 to K - 1.
        pred (array_like): (N,), from 0 to K - 1.

    Returns:
        float: in [0, 1].

    Raises:
        InputError: they are empty, not 1-D, not of one length or no integers.
    """
    label, pred = _labels(label, pred)
    return float(np.mean(label == pred))


def uar(label: ArrayLike, pred: ArrayLike) -> float:
    """Unweighted average recall: the mean of the recalls of the classes that occur in ``label``.

    Args:
        label (array_like): (N,), from 0 to K - 1.
        pred (array_like): (N,), from 0 to K - 1.

    Returns:
        float: in [0, 1].

    Raises:
        InputError: see ``war``.
    """
    label, pred = _labels(label, pred)
    return float(recall_score(label, pred, labels=np.unique(label), average='macro'))


def per_class_recall(label: ArrayLike, pred: ArrayLike, num_classes: int) -> np.ndarray:
    """The recall of each class.

    Args:
        label (array_like): (N,), from 0 to K - 1.
        pred (array_like): (N,), from 0 to K - 1.
        num_classes (int): K.

    Returns:
        np.ndarray: (K,), in [0, 1]; NaN for a class without a sample.

    Raises:
        InputError: see ``war``.
    """
    label, pred = _labels(label, pred)
    classes = np.arange(num_classes)
    recall = recall_score(label, pred, labels=classes, average=None, zero_division=0)
    return np.where(np.isin(classes, label), recall, np.nan)


def calibration_error(confidence: ArrayLike, correct: ArrayLike, num_bins: int = 15) -> float:
    """ECE (Guo et al., ICML 2017): sum_b N_b / N |accuracy_b - mean confidence_b|.

    Args:
        confidence (np.ndarray): probabilities (N,) of the predicted classes.
        correct (np.ndarray): bool (N,), whether the predictions are right.
        num_bins (int): bins of equal width, each with its upper but without its lower end.

    Returns:
        float: in [0, 1]; 0 if confidence equals accuracy in every bin.

    Raises:
        InputError: the arrays are empty or not of one length, or a confidence is not in [0, 1].
    """
    confidence = np.asarray(confidence, dtype=np.float64)
    correct = np.asarray(correct, dtype=bool)
    if confidence.ndim != 1 or confidence.size == 0 or correct.shape != confidence.shape:
        raise InputError('confidences and correctness must be non-empty 1-D arrays of one length, '
                         f'not of shapes {confidence.shape} and {correct.shape}')
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise InputError('confidences must be probabilities in [0, 1]')
    ends = np.linspace(0, 1, num_bins + 1)[1:-1]
    gaps = np.bincount(np.searchsorted(ends, confidence), correct - confidence, num_bins)
    return float(np.abs(gaps).sum() / len(confidence))


def decide(pred: ArrayLike, score: ArrayLike, threshold: float) -> np.ndarray:
    """Decide for a known class or for unknown.

    Args:
        pred (array_like): predicted known classes (N,).
        score (array_like): (N,), bigger = more known.
        threshold (float): a sample below it is unknown.

    Returns:
        np.ndarray: (N,), the predicted class or -1 for unknown.
    """
    return np.where(np.asarray(score) < threshold, -1, pred)


def open_set_f1(label: ArrayLike, pred: ArrayLike, score: ArrayLike, threshold: float) -> float:
    """Macro F1 over the known classes and "unknown", each of which counts the same.

    Args:
        label (np.ndarray): (N,), -1 for unknown.
        pred (np.ndarray): predicted known class (N,).
        score (np.ndarray): (N,), bigger = more known.
        threshold (float): a sample below it is called unknown; fitted on known samples that are
            not test samples (``fit_threshold``).

    Returns:
        float: mean over the classes that occur as label or prediction.

    Raises:
        InputError: a score or the threshold is not finite; see also ``war``.
    """
    score = np.asarray(score, dtype=np.float64)
    if not (np.isfinite(score).all() and np.isfinite(threshold)):
        raise InputError('scores and threshold must be finite')
    label, pred = _labels(label, decide(pred, score, threshold))
    return float(f1_score(label, pred, average='macro', zero_division=0))


def openness(num_known: int, num_unknown: int) -> float:
    """1 - sqrt(K / (K + U)) for K known and U unknown classes.

    Args:
        num_known (int): K, at least 1.
        num_unknown (int): U, at least 0.

    Returns:
        float: in [0, 1); 0 when nothing is unknown.

    Raises:
        InputError: K < 1 or U < 0.
    """
    if num_known < 1 or num_unknown < 0:
        raise InputError(f'openness needs at least one known class and no negative count, not '
                         f'{num_known} known and {num_unknown} unknown')
    return float(1 - np.sqrt(num_known / (num_known + num_unknown)))
