"""A 3-D backbone over short pieces of a clip (M3DFEL, CVPR 2023)."""
from mmaction.registry import MODELS
from mmengine.model import BaseModule

from ...errors import InputError


@MODELS.register_module()
class Instances(BaseModule):
    """A 3-D backbone that sees T / n frames of a clip at a time.

    Source: M3DFEL (Wang et al., CVPR 2023).

    Args:
        backbone (dict): a 3-D backbone of MMAction2.
        num_instances (int): n. Defaults to 4.
        init_cfg (dict, optional): see mmengine's ``BaseModule``. Defaults to None.
    """

    def __init__(self, backbone, num_instances=4, init_cfg=None):
        super().__init__(init_cfg)
        self.backbone = MODELS.build(backbone)
        self.num_instances = num_instances

    def forward(self, x):
        """Compute one map per instance, the mean over its time.

        Args:
            x (Tensor): clips (B, 3, T, S, S).

        Returns:
            Tensor: (B, C, n, h, w).

        Raises:
            InputError: x is no batch of clips, or n does not divide T.
        """
        if x.ndim != 5 or x.shape[2] % self.num_instances:
            raise InputError(f'{self.num_instances} instances need clips whose number of frames '
                             f'they divide, not an input of shape {tuple(x.shape)}: set num_frames '
                             'and model.clip_input=True')
        pieces = x.unflatten(2, (self.num_instances, -1)).transpose(1, 2).flatten(0, 1)
        maps = self.backbone(pieces)
        maps = maps[-1] if isinstance(maps, (tuple, list)) else maps
        return maps.mean(2).unflatten(0, (len(x), -1)).transpose(1, 2)
