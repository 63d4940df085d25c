"""Temperature scaling: probabilities that mean what they say (Guo et al., ICML 2017)."""
import logging

import numpy as np
from mmengine.logging import print_log
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

LIMITS = 1e-3, 1e3  # of the temperature


def smooth_nll(logits, labels, temperature):
    """Mean negative log-likelihood of softmax(logits / T) under Platt's smoothed targets.

    With n samples of K classes the target of the labelled class is (n + 1) / (n + K), of any other
    1 / (n + K): with targets of one and zero, a classifier that is right on all of its training
    samples would be best at T = 0, sure of everything.

    Args:
        logits (np.ndarray): (n, K).
        labels (np.ndarray): (n,) integers.
        temperature (float): T > 0.

    Returns:
        float: the mean over the n samples, in nats.
    """
    n, classes = logits.shape
    log_p = log_softmax(logits / temperature, axis=1)
    right = log_p[np.arange(n), labels]
    return -float(np.mean(n * right + log_p.sum(1)) / (n + classes))


def fit_temperature(logits, labels):
    """The T > 0 that minimises ``smooth_nll``.

    It changes no decision: dividing all logits by one number keeps their order.
    ``ThresholdHook`` fits it on the known training samples, because no other known samples
    may be looked at. The model is better on these than on new ones, so T comes out too small and
    the probabilities stay over-confident on new clips, more so the longer it was trained. Of clips
    of unknown emotions they say nothing: they are spread over the known emotions alone.

    Samples with a logit that is NaN or infinite are left out, with a warning: at -inf the
    likelihood is 0 at every temperature.

    Args:
        logits (np.ndarray): (n, K).
        labels (np.ndarray): (n,) integers, 0 to K - 1.

    Returns:
        float: the temperature; 1 if no sample is left.
    """
    logits, labels = np.asarray(logits, dtype=np.float64), np.asarray(labels)
    finite = np.isfinite(logits).all(1)
    if not finite.all():
        print_log(f'{(~finite).sum()} of {len(finite)} samples have logits that are not finite and '
                  'take no part in the fit of the temperature', 'current', logging.WARNING)
        logits, labels = logits[finite], labels[finite]
    if not len(logits):
        return 1.0
    low, high = np.log(LIMITS)
    # Convex in 1 / T, so there is one minimum, in log T too.
    found = minimize_scalar(lambda log_t: smooth_nll(logits, labels, np.exp(log_t)),
                            bounds=(low, high), method='bounded', options=dict(xatol=1e-6))
    return float(np.exp(found.x))
