from .atomic_checkpoint_hook import AtomicCheckpointHook
from .open_set_hook import OpenSetHook
from .random_state_hook import RandomStateHook
from .region_hook import RegionHook
from .results_hook import ResultsHook
from .threshold_hook import ThresholdHook

__all__ = ['AtomicCheckpointHook', 'OpenSetHook', 'RandomStateHook', 'RegionHook', 'ResultsHook',
           'ThresholdHook']
