from .attention_pooling import AttentionPooling
from .debias_neck import DebiasNeck
from .instance_aggregation import InstanceAggregation
from .keep_places import KeepPlaces
from .temporal_convolution import TemporalConvolution
from .temporal_difference_adapter import TemporalDifferenceAdapter
from .temporal_filter import TemporalFilter
from .temporal_mean import TemporalMean
from .temporal_transformer import TemporalTransformer

__all__ = ['AttentionPooling', 'DebiasNeck', 'InstanceAggregation', 'KeepPlaces',
           'TemporalConvolution', 'TemporalDifferenceAdapter', 'TemporalFilter', 'TemporalMean',
           'TemporalTransformer']
