from .arpl_head import ARPLHead
from .clip_zeroshot_head import CLIPZeroShotHead
from .cliper_head import CLIPERHead
from .cocoop_head import CoCoOpHead
from .coop_head import CoOpHead
from .hesp_head import HESPHead
from .open_set_head import OpenSetHead

__all__ = ['ARPLHead', 'CLIPERHead', 'CLIPZeroShotHead', 'CoCoOpHead', 'CoOpHead', 'HESPHead',
           'OpenSetHead']
