"""Generalised convolutional prototype learning (Yang et al., CVPR 2018) on any feature."""
from mmaction.registry import MODELS
from torch.nn.functional import layer_norm

from ..losses import global_mean, mean_cross_entropy
from .prototype_head import PrototypeHead


@MODELS.register_module()
class GCPLHead(PrototypeHead):
    """One learned prototype per class; a feature far from all of them is unknown.

    The logits are z_k = -||f - p_k||^2, and the score is the largest one. The loss is the
    cross-entropy of z (the paper's distance-based cross-entropy) plus ``prototype_weight`` times
    ||f - p_y||^2, which draws each class together.

    Source: GCPL (Yang et al., CVPR 2018). f is normalised over its channels (LayerNorm without
    parameters), because CLIPs differ in the length of their features by a factor of 15.

    Args:
        known (Sequence[str]): names of the known emotions, in label order.
        in_channels (int, optional): see ``PrototypeHead``.
        clip (dict, optional): see ``PrototypeHead``.
        prototype_weight (float): weight of the prototype loss. Defaults to 0.001.
        init_cfg (dict, optional): see mmengine's ``BaseModule``. Defaults to None.
    """
    kind = 'near'

    def __init__(self, known, in_channels=None, clip=None, prototype_weight=0.001, init_cfg=None):
        super().__init__(known, in_channels, clip, init_cfg)
        self.prototype_weight = prototype_weight

    def forward(self, feats, **kwargs):
        """Measure the distances of normalised features to the prototypes.

        Args:
            feats (Tensor): video features (B, D).
            **kwargs (Any): what else the recognizer knows of the batch; not used.

        Returns:
            dict[str, Tensor]: see ``PrototypeHead``; ``feature`` is the normalised one.
        """
        return super().forward(layer_norm(feats, feats.shape[-1:]))

    def losses(self, outputs, labels):
        own = outputs['feature'] - self.points[labels]
        return dict(loss_known=mean_cross_entropy(outputs['logits'], labels),
                    loss_prototype=self.prototype_weight * global_mean(own.square().sum(1)))
