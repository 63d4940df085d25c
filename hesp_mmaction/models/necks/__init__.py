from .temporal_mean import TemporalMean

__all__ = ['TemporalMean']
