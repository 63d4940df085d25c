from .temporal_filter import TemporalFilter
from .temporal_mean import TemporalMean
from .temporal_transformer import TemporalTransformer

__all__ = ['TemporalFilter', 'TemporalMean', 'TemporalTransformer']
