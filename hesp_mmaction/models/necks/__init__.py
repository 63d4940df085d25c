from .debias_neck import DebiasNeck
from .keep_places import KeepPlaces
from .temporal_filter import TemporalFilter
from .temporal_mean import TemporalMean
from .temporal_transformer import TemporalTransformer

__all__ = ['DebiasNeck', 'KeepPlaces', 'TemporalFilter', 'TemporalMean', 'TemporalTransformer']
