from .atomic_checkpoint_hook import AtomicCheckpointHook
from .fit_hook import FitHook
from .open_set_hook import OpenSetHook
from .random_state_hook import RandomStateHook
from .region_hook import RegionHook
from .results_hook import ResultsHook
from .threshold_hook import ThresholdHook

__all__ = ['AtomicCheckpointHook', 'FitHook', 'OpenSetHook', 'RandomStateHook', 'RegionHook',
           'ResultsHook', 'ThresholdHook']
