from .atomic_checkpoint_hook import AtomicCheckpointHook
from .curves_hook import CurvesHook
from .feature_length_hook import FeatureLengthHook
from .finite_loss_hook import FiniteLossHook
from .fit_hook import FitHook
from .open_set_hook import OpenSetHook
from .precision_hook import PrecisionHook
from .preemption_hook import PreemptionHook
from .pseudo_label_hook import PseudoLabelHook
from .random_state_hook import RandomStateHook
from .region_hook import RegionHook
from .results_hook import ResultsHook
from .sync_statistics_hook import SyncStatisticsHook
from .threshold_hook import ThresholdHook
from .weight_patch_hook import WeightPatchHook

__all__ = ['AtomicCheckpointHook', 'CurvesHook', 'FeatureLengthHook', 'FiniteLossHook', 'FitHook',
           'OpenSetHook', 'PrecisionHook', 'PreemptionHook', 'PseudoLabelHook', 'RandomStateHook',
           'RegionHook', 'ResultsHook', 'SyncStatisticsHook', 'ThresholdHook', 'WeightPatchHook']
