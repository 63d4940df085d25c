"""Several learned descriptors per emotion, as CLIPER's METD (Li et al., ICME 2024)."""
import torch
from mmaction.registry import MODELS

from ..losses import mean_cross_entropy
from ..prompts.text import PromptLearner
from .coop_head import CoOpHead
from .functional import cosine_logits


def hardest_logits(logits, labels):
    """The least of the own class's descriptors against the best of every other class's.

    Args:
        logits (Tensor): (B, K, n), of n descriptors per class. labels (Tensor): (B,).

    Returns:
        Tensor: (B, K).
    """
    own = torch.nn.functional.one_hot(labels, logits.shape[1]).bool()
    return torch.where(own, logits.min(2).values, logits.max(2).values)


@MODELS.register_module()
class CLIPERHead(CoOpHead):
    """z_k = mean over n descriptors of exp(logit_scale) cos(f, text); loss: cross-entropy of the
    hardest descriptors (the margin of METD) plus that of z.

    The released code covers still images and two stages (texts, then the image tower); this is
    its first stage. Its second, fine-grained term weights descriptors in a way we have no exact
    account of: the plain cross-entropy of z stands in its place.

    Args:
        known (Sequence[str]), clip (dict): see :class:`CoOpHead`. num_descriptors (int): n.
        num_contexts (int): learned tokens of a descriptor.
    """

    def __init__(self, known, clip, num_descriptors=5, num_contexts=4, init_cfg=None):
        super().__init__(known, clip, num_contexts, init_cfg=init_cfg)
        self.num_descriptors = num_descriptors
        names = [name for name in self.known for _ in range(num_descriptors)]
        self.prompts = PromptLearner(self.text, names, num_contexts)

    def forward(self, feats, **kwargs):
        """Video features (B, D) to ``feature``, ``logits`` (B, K), ``descriptor_logits``
        (B, K, n), ``logits_known``, ``probabilities``."""
        each = cosine_logits(feats, self.class_text(), self.text.logit_scale)
        each = each.unflatten(1, (-1, self.num_descriptors))
        logits = each.mean(2)
        return dict(feature=feats, logits=logits, logits_known=logits, descriptor_logits=each,
                    probabilities=logits.softmax(1))

    def class_vectors(self):
        """Mean over descriptors of texts of length 1: their products with a feature are the mean
        of the cosines."""
        return super().class_vectors().unflatten(0, (-1, self.num_descriptors)).mean(1)

    def losses(self, outputs, labels):
        hardest = hardest_logits(outputs['descriptor_logits'], labels)
        return dict(loss_margin=mean_cross_entropy(hardest, labels),
                    loss_known=mean_cross_entropy(outputs['logits'], labels))
