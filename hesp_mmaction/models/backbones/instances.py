"""A 3-D backbone over short pieces of a clip (M3DFEL, CVPR 2023)."""
from mmaction.registry import MODELS
from mmengine.model import BaseModule

from ...errors import InputError


@MODELS.register_module()
class Instances(BaseModule):
    """Clips (B, 3, T, S, S) to maps (B, C, n, h, w): the backbone sees T / n frames at a time.

    Args:
        backbone (dict): a 3-D backbone of MMAction2. num_instances (int): n.
    """

    def __init__(self, backbone, num_instances=4, init_cfg=None):
        super().__init__(init_cfg)
        self.backbone = MODELS.build(backbone)
        self.num_instances = num_instances

    def forward(self, x):
        if x.ndim != 5 or x.shape[2] % self.num_instances:
            raise InputError(f'{self.num_instances} instances need clips whose number of frames '
                             f'they divide, not an input of shape {tuple(x.shape)}: set num_frames '
                             'and model.clip_input=True')
        pieces = x.unflatten(2, (self.num_instances, -1)).transpose(1, 2).flatten(0, 1)
        maps = self.backbone(pieces)
        maps = maps[-1] if isinstance(maps, (tuple, list)) else maps
        return maps.mean(2).unflatten(0, (len(x), -1)).transpose(1, 2)
