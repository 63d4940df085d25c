from .flip_consistency_recognizer import FlipConsistencyRecognizer
from .interpolated_recognizer import InterpolatedRecognizer
from .prompted_recognizer import PromptedRecognizer

__all__ = ['FlipConsistencyRecognizer', 'InterpolatedRecognizer', 'PromptedRecognizer']
