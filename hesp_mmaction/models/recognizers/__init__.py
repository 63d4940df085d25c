from .clip_preprocessor import ClipPreprocessor
from .flip_consistency_recognizer import FlipConsistencyRecognizer
from .interpolated_recognizer import InterpolatedRecognizer
from .prompted_recognizer import PromptedRecognizer

__all__ = ['ClipPreprocessor', 'FlipConsistencyRecognizer', 'InterpolatedRecognizer',
           'PromptedRecognizer']
