"""Open-set metrics: pure functions, then the metric of a test run."""
from .functional import auroc, fit_threshold, openness, oscr, oscr_curve, roc_curve
from .openset_metric import OpenSetMetric, load_dump, metrics_from_dump, save_dump

__all__ = ['OpenSetMetric', 'auroc', 'fit_threshold', 'load_dump', 'metrics_from_dump', 'openness',
           'oscr', 'oscr_curve', 'roc_curve', 'save_dump']
