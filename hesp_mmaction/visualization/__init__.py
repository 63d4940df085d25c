"""Figures."""
from .figures import draw_oscr, draw_roc, draw_scores, save, save_figures

__all__ = ['draw_oscr', 'draw_roc', 'draw_scores', 'save', 'save_figures']
