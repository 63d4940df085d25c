from .clip_image_tower import CLIPImageTower
from .instances import Instances
from .spatial_former import SpatialFormer
from .temporal_view_tower import TemporalViewTower
from .vpt_tower import VPTTower

__all__ = ['CLIPImageTower', 'Instances', 'SpatialFormer', 'TemporalViewTower', 'VPTTower']
