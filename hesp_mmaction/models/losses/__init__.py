from .arpl_margin import arpl_margin
from .clip_alignment import clip_alignment
from .distributed import gather, global_mean, undo_gradient_average, world_size
from .supervised_contrastive import supervised_contrastive

__all__ = ['arpl_margin', 'clip_alignment', 'gather', 'global_mean', 'supervised_contrastive',
           'undo_gradient_average', 'world_size']
