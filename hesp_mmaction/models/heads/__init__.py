from .arpl_head import ARPLHead
from .clip_zeroshot_head import CLIPZeroShotHead
from .hesp_head import HESPHead
from .open_set_head import OpenSetHead

__all__ = ['ARPLHead', 'CLIPZeroShotHead', 'HESPHead', 'OpenSetHead']
