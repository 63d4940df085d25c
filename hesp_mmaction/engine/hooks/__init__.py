from .open_set_hook import OpenSetHook
from .region_hook import RegionHook
from .results_hook import ResultsHook
from .threshold_hook import ThresholdHook

__all__ = ['OpenSetHook', 'RegionHook', 'ResultsHook', 'ThresholdHook']
