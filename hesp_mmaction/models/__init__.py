from . import backbones, heads, losses, necks, prompts, recognizers

__all__ = ['backbones', 'heads', 'losses', 'necks', 'prompts', 'recognizers']
