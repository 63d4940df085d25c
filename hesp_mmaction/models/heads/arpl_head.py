"""Adversarial reciprocal point learning (Chen et al., TPAMI 2021) on any feature."""
import torch
from mmaction.registry import MODELS
from torch import nn

from ..clip import width_of
from ..losses import arpl_margin, global_mean
from .hesp_functional import mean_cross_entropy, negative_logits
from .open_set_head import OpenSetHead


@MODELS.register_module()
class ARPLHead(OpenSetHead):
    """z_k = ||f - P_k||^2 / D - f . P_k with one learned reciprocal point P_k per class: what class
    k is not, so that far means "that class". The score is the largest logit.

    Args:
        known (Sequence[str]): names of the known emotions, in label order.
        in_channels (int, optional): D, width of the backbone's features. ``None`` = that of `clip`.
        clip (dict, optional): CLIP of the backbone, as in :class:`CLIPImageTower`; only its width
            is read.
        margin_weight (float): weight of the loss that keeps the features of class k within the
            learned radius R of P_k.
    """

    def __init__(self, known, in_channels=None, clip=None, margin_weight=0.1, init_cfg=None):
        super().__init__(known, init_cfg)
        width = width_of(self, in_channels, clip)
        self.margin_weight = margin_weight
        self.points = nn.Parameter(0.1 * torch.randn(len(known), width))
        self.radius = nn.Parameter(torch.zeros(()))

    def forward(self, feats, **kwargs):
        """Video features (B, D) to ``feature``, ``logits``, ``logits_known``, ``probabilities``."""
        logits = negative_logits(feats, self.points, 'arpl')
        return dict(feature=feats, logits=logits, logits_known=logits,
                    probabilities=logits.softmax(1))

    def score(self, outputs):
        return outputs['logits'].max(1).values

    def losses(self, outputs, labels):
        margin = arpl_margin(outputs['feature'], self.points, labels, self.radius)
        return dict(loss_known=mean_cross_entropy(outputs['logits'], labels),
                    loss_margin=self.margin_weight * global_mean(margin))
