"""A linear classifier with the intensity-aware loss (Li et al., AAAI 2023)."""
from mmaction.registry import MODELS

from ..losses import global_mean
from ..losses.ial import intensity_aware_loss
from .linear_head import LinearHead


@MODELS.register_module()
class IALHead(LinearHead):
    """:class:`LinearHead` with 0.1 times the intensity-aware loss beside cross-entropy.

    0.1 is what the released code multiplies with; a comment there says 0.5. Its backbone (a ResNet
    with global convolution-attention blocks and a transformer) is not part of the loss: any
    backbone and neck go.

    Args:
        known (Sequence[str]), in_channels (int, optional), clip (dict, optional): see
            :class:`LinearHead`. weight (float): of the intensity-aware loss.
    """

    def __init__(self, known, in_channels=None, clip=None, weight=0.1, init_cfg=None):
        super().__init__(known, in_channels, clip, init_cfg=init_cfg)
        self.weight = weight

    def losses(self, outputs, labels):
        intensity = global_mean(intensity_aware_loss(outputs['logits'], labels))
        return dict(super().losses(outputs, labels), loss_intensity=self.weight * intensity)
