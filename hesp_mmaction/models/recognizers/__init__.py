from .prompted_recognizer import PromptedRecognizer

__all__ = ['PromptedRecognizer']
