from .negatives import NegativePoints, NegativeVisuals
from .text import CLIPTextTower, PromptLearner
from .visual import VisualPrompt

__all__ = ['CLIPTextTower', 'NegativePoints', 'NegativeVisuals', 'PromptLearner', 'VisualPrompt']
