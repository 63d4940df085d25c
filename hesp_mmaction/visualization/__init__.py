"""Figures."""
from .figures import save_figures

__all__ = ['save_figures']
