"""What is reported where every class is known."""
import numpy as np


def closed_set_metrics(dump):
    """Accuracies of a test run on a closed set.

    WAR (weighted average recall) is the accuracy, UAR (unweighted) the mean of the classes'
    recalls: ``UAR = mean_k P(pred = k | label = k)``.

    Args:
        dump (dict[str, np.ndarray]): ``label`` (N,) and ``pred`` (N,).

    Returns:
        dict: ``ACC``, ``WAR`` (the same) and ``UAR`` in percent, ``num_known`` samples.
    """
    label, correct = dump['label'], dump['pred'] == dump['label']
    recalls = [correct[label == k].mean() for k in np.unique(label)]
    accuracy = 100 * float(correct.mean())
    return dict(ACC=accuracy, WAR=accuracy, UAR=100 * float(np.mean(recalls)),
                num_known=len(label))
