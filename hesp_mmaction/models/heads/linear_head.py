"""A softmax classifier on the video feature."""
from mmaction.registry import MODELS
from torch import nn
from torch.nn.functional import cross_entropy, layer_norm

from ..losses import global_mean
from ..widths import width_of
from .open_set_head import OpenSetHead


@MODELS.register_module()
class LinearHead(OpenSetHead):
    """z = W norm(f) + b with cross-entropy; the score is the largest logit.

    norm takes off the mean of a feature and divides by its deviation (LayerNorm without
    parameters): features of one CLIP have length 10, of another 158, and one learning rate should
    do for both.

    Args:
        known (Sequence[str]): names of the known emotions, in label order.
        in_channels (int, optional): C, width of the backbone's features. ``None`` = that of
            ``clip`` (dict, optional), the CLIP of the backbone.
        label_smoothing (float): share of the target that is spread over all classes.
    """

    def __init__(self, known, in_channels=None, clip=None, label_smoothing=0.0, init_cfg=None):
        super().__init__(known, init_cfg)
        self.classifier = nn.Linear(width_of(self, in_channels, clip), len(known))
        self.label_smoothing = label_smoothing

    def forward(self, feats, **kwargs):
        """Features (B, C) to ``feature``, ``logits``, ``logits_known``, ``probabilities``."""
        logits = self.classifier(layer_norm(feats, feats.shape[-1:]))
        return dict(feature=feats, logits=logits, logits_known=logits,
                    probabilities=logits.softmax(1))

    def score(self, outputs):
        return outputs['logits'].max(1).values

    def losses(self, outputs, labels):
        each = cross_entropy(outputs['logits'], labels, reduction='none',
                             label_smoothing=self.label_smoothing)
        return dict(loss_known=global_mean(each))


