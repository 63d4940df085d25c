from .clip_preprocessor import ClipPreprocessor
from .flip_consistency_recognizer import FlipConsistencyRecognizer
from .hesp_recognizer import HESPRecognizer
from .interpolated_recognizer import InterpolatedRecognizer
from .prompted_recognizer import PromptedRecognizer

__all__ = ['ClipPreprocessor', 'FlipConsistencyRecognizer', 'HESPRecognizer',
           'InterpolatedRecognizer', 'PromptedRecognizer']
