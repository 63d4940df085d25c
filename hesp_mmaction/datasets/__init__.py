"""Emotion names, open-set splits and the data sets."""
from . import clip_loading, deferred
from .afew import AFEWDataset
from .dfew import DFEWDataset
from .emotions import BASIC, COMPOUNDS, MAFW, canonical, prompt_word
from .feature_dataset import FeatureDataset
from .ferv39k import FERV39kDataset
from .mafw import FusionDataset, MAFWCompoundDataset, MAFWDataset
from .openset import ListDataset, OpenSetVideoDataset
from .splits import known_names, resolve_known
from .wrappers import ClassBalancedDataset, ConcatDataset, RepeatDataset

__all__ = ['BASIC', 'COMPOUNDS', 'MAFW', 'AFEWDataset', 'ClassBalancedDataset', 'ConcatDataset',
           'DFEWDataset', 'FERV39kDataset', 'FeatureDataset', 'FusionDataset', 'ListDataset',
           'MAFWCompoundDataset', 'MAFWDataset', 'OpenSetVideoDataset', 'RepeatDataset',
           'canonical', 'clip_loading', 'deferred', 'known_names', 'prompt_word', 'resolve_known']
