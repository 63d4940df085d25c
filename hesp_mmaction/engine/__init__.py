from .batch_sampler import EvenBatchSampler
from .hooks import (
    AtomicCheckpointHook,
    FitHook,
    OpenSetHook,
    RandomStateHook,
    RegionHook,
    ResultsHook,
    ThresholdHook,
)
from .normalised_sgd import NormalisedSGD
from .optim import TrainableOptimWrapperConstructor

__all__ = ['AtomicCheckpointHook', 'EvenBatchSampler', 'FitHook', 'NormalisedSGD', 'OpenSetHook',
           'RandomStateHook', 'RegionHook', 'ResultsHook', 'ThresholdHook',
           'TrainableOptimWrapperConstructor']
