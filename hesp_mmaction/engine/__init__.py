from .batch_sampler import EvenBatchSampler
from .hooks import OpenSetHook, RegionHook, ResultsHook, ThresholdHook
from .normalised_sgd import NormalisedSGD
from .optim import TrainableOptimWrapperConstructor

__all__ = ['EvenBatchSampler', 'NormalisedSGD', 'OpenSetHook', 'RegionHook', 'ResultsHook',
           'ThresholdHook', 'TrainableOptimWrapperConstructor']
