"""A softmax classifier on the video feature."""
from mmaction.registry import MODELS
from torch import nn
from torch.nn.functional import cross_entropy, layer_norm

from ..losses import global_mean
from ..widths import width_of
from .open_set_head import OpenSetHead


@MODELS.register_module()
class LinearHead(OpenSetHead):
    """A linear softmax classifier.

    The logits are z = W norm(f) + b, trained by cross-entropy. The score is the largest logit. norm
    takes off the mean of a feature and divides by its deviation (LayerNorm without parameters). The
    features of one CLIP have length 10 and those of another 158; with norm one learning rate fits
    both.

    Args:
        known (Sequence[str]): names of the known emotions, in label order.
        in_channels (int, optional): C, width of the backbone's features. Defaults to None, the
            width of ``clip``.
        clip (dict, optional): the CLIP of the backbone, with ``arch``. Defaults to None.
        label_smoothing (float): share of the target that is spread over all classes. Defaults to 0.
        init_cfg (dict, optional): see mmengine's ``BaseModule``. Defaults to None.

    Raises:
        InputError: neither ``in_channels`` nor ``clip`` is given.
    """

    def __init__(self, known, in_channels=None, clip=None, label_smoothing=0.0, init_cfg=None):
        super().__init__(known, init_cfg)
        self.classifier = nn.Linear(width_of(self, in_channels, clip), len(known))
        self.label_smoothing = label_smoothing

    def forward(self, feats, **kwargs):
        """Classify video features.

        Args:
            feats (Tensor): video features (B, C).
            **kwargs (Any): what else the recognizer knows of the batch; not used.

        Returns:
            dict[str, Tensor]: ``feature`` (B, C); ``logits``, ``logits_known`` and
            ``probabilities`` (B, K).
        """
        logits = self.classifier(layer_norm(feats, feats.shape[-1:]))
        return dict(feature=feats, logits=logits, logits_known=logits,
                    probabilities=logits.softmax(1))

    def score(self, outputs):
        return outputs['logits'].max(1).values

    def losses(self, outputs, labels):
        each = cross_entropy(outputs['logits'], labels, reduction='none',
                             label_smoothing=self.label_smoothing)
        return dict(loss_known=global_mean(each))


