"""Generalised convolutional prototype learning (Yang et al., CVPR 2018) on any feature."""
from mmaction.registry import MODELS
from torch.nn.functional import layer_norm

from ..losses import global_mean, mean_cross_entropy
from .prototype_head import PrototypeHead


@MODELS.register_module()
class GCPLHead(PrototypeHead):
    """z_k = -||f - p_k||^2 with one learned prototype per class; far from all of them is unknown.

    Cross-entropy of z (the distance-based one of the paper) plus ``prototype_weight`` times
    ||f - p_y||^2, which draws the classes together. f is normalised over its channels (LayerNorm
    without parameters), since CLIPs differ in the length of their features by a factor of 15.

    Args:
        known (Sequence[str]), in_channels (int, optional), clip (dict, optional): see
            :class:`PrototypeHead`. prototype_weight (float): of the prototype loss.
    """
    kind = 'near'

    def __init__(self, known, in_channels=None, clip=None, prototype_weight=0.001, init_cfg=None):
        super().__init__(known, in_channels, clip, init_cfg)
        self.prototype_weight = prototype_weight

    def forward(self, feats, **kwargs):
        """See :class:`PrototypeHead`; ``feature`` is the normalised one."""
        return super().forward(layer_norm(feats, feats.shape[-1:]))

    def losses(self, outputs, labels):
        own = outputs['feature'] - self.points[labels]
        return dict(loss_known=mean_cross_entropy(outputs['logits'], labels),
                    loss_prototype=self.prototype_weight * global_mean(own.square().sum(1)))
