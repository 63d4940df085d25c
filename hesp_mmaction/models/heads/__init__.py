from .arpl_head import ARPLHead
from .clip_zeroshot_head import CLIPZeroShotHead
from .cliper_head import CLIPERHead
from .cocoop_head import CoCoOpHead
from .coop_head import CoOpHead
from .cssr_head import CSSRHead
from .dias_head import DIASHead
from .evidential_head import EvidentialHead
from .fixed_text_head import FixedTextHead
from .gcpl_head import GCPLHead
from .hesp_head import HESPHead
from .ial_head import IALHead
from .linear_head import LinearHead
from .open_set_head import OpenSetHead
from .prototype_head import PrototypeHead
from .pseudo_label_head import PseudoLabelHead

__all__ = ['ARPLHead', 'CLIPERHead', 'CLIPZeroShotHead', 'CSSRHead', 'CoCoOpHead', 'CoOpHead',
           'DIASHead', 'EvidentialHead', 'FixedTextHead', 'GCPLHead', 'HESPHead', 'IALHead',
           'LinearHead', 'OpenSetHead', 'PrototypeHead', 'PseudoLabelHead']
