from .arpl_margin import arpl_margin
from .clip_alignment import clip_alignment
from .cross_entropy import mean_cross_entropy
from .distributed import gather, global_mean, sum_over_processes, undo_gradient_average, world_size
from .diversity import diversity
from .evidential import calibration_loss, dirichlet, evidential_loss, uncertainty
from .flip_consistency import flip_consistency
from .hold import hold_texts
from .ial import intensity_aware_loss
from .opposite import opposite_texts
from .supervised_contrastive import supervised_contrastive

__all__ = ['arpl_margin', 'calibration_loss', 'clip_alignment', 'dirichlet', 'diversity',
           'evidential_loss', 'flip_consistency', 'gather', 'global_mean', 'hold_texts',
           'intensity_aware_loss', 'mean_cross_entropy', 'opposite_texts', 'sum_over_processes',
           'supervised_contrastive', 'uncertainty', 'undo_gradient_average', 'world_size']
