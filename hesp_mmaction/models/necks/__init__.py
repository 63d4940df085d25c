from .debias_neck import DebiasNeck
from .temporal_filter import TemporalFilter
from .temporal_mean import TemporalMean
from .temporal_transformer import TemporalTransformer

__all__ = ['DebiasNeck', 'TemporalFilter', 'TemporalMean', 'TemporalTransformer']
