"""Emotion names, open-set splits and the data sets."""
from .afew import AFEWDataset
from .emotions import BASIC, COMPOUNDS, MAFW, canonical, prompt_word
from .openset import OpenSetVideoDataset
from .splits import known_names, resolve_known

__all__ = ['BASIC', 'COMPOUNDS', 'MAFW', 'AFEWDataset', 'OpenSetVideoDataset', 'canonical',
           'known_names', 'prompt_word', 'resolve_known']
