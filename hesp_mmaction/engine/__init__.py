from .batch_sampler import EvenBatchSampler
from .hooks import OpenSetHook, ResultsHook, ThresholdHook
from .optim import TrainableOptimWrapperConstructor

__all__ = ['EvenBatchSampler', 'OpenSetHook', 'ResultsHook', 'ThresholdHook',
           'TrainableOptimWrapperConstructor']
