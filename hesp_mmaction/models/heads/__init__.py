from .arpl_head import ARPLHead
from .clip_zeroshot_head import CLIPZeroShotHead
from .cliper_head import CLIPERHead
from .cocoop_head import CoCoOpHead
from .coop_head import CoOpHead
from .evidential_head import EvidentialHead
from .hesp_head import HESPHead
from .ial_head import IALHead
from .linear_head import LinearHead
from .open_set_head import OpenSetHead

__all__ = ['ARPLHead', 'CLIPERHead', 'CLIPZeroShotHead', 'CoCoOpHead', 'CoOpHead',
           'EvidentialHead', 'HESPHead', 'IALHead', 'LinearHead', 'OpenSetHead']
