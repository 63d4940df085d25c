from .open_set_hook import OpenSetHook
from .results_hook import ResultsHook
from .threshold_hook import ThresholdHook

__all__ = ['OpenSetHook', 'ResultsHook', 'ThresholdHook']
