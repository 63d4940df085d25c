from .temporal_filter import TemporalFilter
from .temporal_mean import TemporalMean

__all__ = ['TemporalFilter', 'TemporalMean']
