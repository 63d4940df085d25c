"""Adversarial reciprocal point learning (Chen et al., TPAMI 2021) on any feature."""
import torch
from mmaction.registry import MODELS
from torch import nn

from ..losses import arpl_margin, global_mean, mean_cross_entropy
from .prototype_head import PrototypeHead


@MODELS.register_module()
class ARPLHead(PrototypeHead):
    """One learned reciprocal point per class: a point for what the class is not.

    The logits are z_k = ||f - P_k||^2 / D - f . P_k. A feature far from the point P_k speaks for
    class k. The score is the largest logit.

    Source: ARPL (Chen et al., TPAMI 2021).

    Args:
        known (Sequence[str]): names of the known emotions, in label order.
        in_channels (int, optional): see ``PrototypeHead``.
        clip (dict, optional): see ``PrototypeHead``.
        margin_weight (float): weight of the loss that keeps the features of class k within the
            learned radius R of P_k. Defaults to 0.1.
        init_cfg (dict, optional): see mmengine's ``BaseModule``. Defaults to None.
    """
    kind = 'arpl'

    def __init__(self, known, in_channels=None, clip=None, margin_weight=0.1, init_cfg=None):
        super().__init__(known, in_channels, clip, init_cfg)
        self.margin_weight = margin_weight
        self.radius = nn.Parameter(torch.zeros(()))

    def losses(self, outputs, labels):
        margin = arpl_margin(outputs['feature'], self.points, labels, self.radius)
        return dict(loss_known=mean_cross_entropy(outputs['logits'], labels),
                    loss_margin=self.margin_weight * global_mean(margin))
