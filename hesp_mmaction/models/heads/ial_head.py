"""A linear classifier with the intensity-aware loss (Li et al., AAAI 2023)."""
from mmaction.registry import MODELS

from ..losses import global_mean
from ..losses.ial import intensity_aware_loss
from .linear_head import LinearHead


@MODELS.register_module()
class IALHead(LinearHead):
    """``LinearHead`` with the intensity-aware loss beside cross-entropy.

    Source: IAL (Li et al., AAAI 2023). The released code multiplies the loss by 0.1; a comment
    there says 0.5. Its backbone (a ResNet with global convolution-attention blocks and a
    transformer) is not part of the loss, so any backbone and neck will do.

    Args:
        known (Sequence[str]): see ``LinearHead``.
        in_channels (int, optional): see ``LinearHead``.
        clip (dict, optional): see ``LinearHead``.
        weight (float): weight of the intensity-aware loss. Defaults to 0.1.
        init_cfg (dict, optional): see mmengine's ``BaseModule``. Defaults to None.
    """

    def __init__(self, known, in_channels=None, clip=None, weight=0.1, init_cfg=None):
        super().__init__(known, in_channels, clip, init_cfg=init_cfg)
        self.weight = weight

    def losses(self, outputs, labels):
        intensity = global_mean(intensity_aware_loss(outputs['logits'], labels))
        return dict(super().losses(outputs, labels), loss_intensity=self.weight * intensity)
