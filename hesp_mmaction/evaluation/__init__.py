"""Open-set metrics: pure functions, then the metric of a test run."""
from .calibration import fit_temperature
from .decision import (
    calibration_error,
    decide,
    open_set_f1,
    openness,
    per_class_recall,
    uar,
    war,
)
from .dumps import load_dump, save_dump
from .official import official_auroc, official_detection, official_oscr
from .openset_metric import OpenSetMetric, metrics_from_dump
from .ranking import (
    aupr,
    auroc,
    ccr_at_fpr,
    detection_accuracy,
    fit_threshold,
    fpr_at_tpr,
    oscr,
    oscr_curve,
    roc_curve,
)
from .uncertainty import Comparison, bootstrap_interval, paired_comparison

__all__ = ['Comparison', 'OpenSetMetric', 'aupr', 'auroc', 'bootstrap_interval',
           'calibration_error', 'ccr_at_fpr', 'decide', 'detection_accuracy', 'fit_temperature',
           'fit_threshold', 'fpr_at_tpr', 'load_dump', 'metrics_from_dump', 'official_auroc',
           'official_detection', 'official_oscr', 'open_set_f1', 'openness', 'oscr', 'oscr_curve',
           'paired_comparison', 'per_class_recall', 'roc_curve', 'save_dump', 'uar', 'war']
