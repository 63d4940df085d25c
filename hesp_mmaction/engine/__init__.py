from .batch_sampler import EvenBatchSampler
from .hooks import (
    AtomicCheckpointHook,
    CurvesHook,
    FeatureLengthHook,
    FiniteLossHook,
    FitHook,
    OpenSetHook,
    PrecisionHook,
    PreemptionHook,
    PseudoLabelHook,
    RandomStateHook,
    RegionHook,
    ResultsHook,
    SyncStatisticsHook,
    ThresholdHook,
    WeightPatchHook,
)
from .normalised_sgd import NormalisedSGD
from .optim import TrainableOptimWrapperConstructor
from .portion_loader import PortionLoader
from .quiet_runner import QuietRunner
from .resumable_loop import ResumableTrainLoop

__all__ = ['AtomicCheckpointHook', 'CurvesHook', 'EvenBatchSampler', 'FeatureLengthHook',
           'FiniteLossHook', 'FitHook', 'NormalisedSGD', 'OpenSetHook', 'PortionLoader',
           'PrecisionHook', 'PreemptionHook', 'PseudoLabelHook', 'QuietRunner', 'RandomStateHook',
           'RegionHook', 'ResultsHook', 'ResumableTrainLoop', 'SyncStatisticsHook',
           'ThresholdHook', 'TrainableOptimWrapperConstructor', 'WeightPatchHook']
