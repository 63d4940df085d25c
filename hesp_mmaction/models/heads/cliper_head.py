"""Several learned descriptors per emotion, as CLIPER's METD (Li et al., ICME 2024)."""
import torch
from mmaction.registry import MODELS

from ..losses import mean_cross_entropy
from ..prompts.text import PromptLearner
from .coop_head import CoOpHead
from .functional import cosine_logits


def hardest_logits(logits, labels):
    """The lowest descriptor of the own class and the highest of every other class.

    Args:
        logits (Tensor): (B, K, n), of n descriptors per class.
        labels (Tensor): int (B,), 0 to K - 1.

    Returns:
        Tensor: (B, K).
    """
    own = torch.nn.functional.one_hot(labels, logits.shape[1]).bool()
    return torch.where(own, logits.min(2).values, logits.max(2).values)


@MODELS.register_module()
class CLIPERHead(CoOpHead):
    """Several learned descriptors per emotion.

    The logits are z_k = mean over n descriptors of exp(logit_scale) cos(f, text). The loss is the
    cross-entropy of the hardest descriptors (the margin of METD) plus that of z.

    Source: CLIPER (Li et al., ICME 2024). The released code covers still images and trains in two
    stages, first the texts and then the image tower. This is its first stage. Its second term
    weights descriptors in a way that is not described exactly. The plain cross-entropy of z takes
    its place.

    Args:
        known (Sequence[str]): see ``CoOpHead``.
        clip (dict): see ``CoOpHead``.
        num_descriptors (int): n. Defaults to 5.
        num_contexts (int): number of learned tokens of a descriptor. Defaults to 4.
        init_cfg (dict, optional): see mmengine's ``BaseModule``. Defaults to None.
    """

    def __init__(self, known, clip, num_descriptors=5, num_contexts=4, init_cfg=None):
        super().__init__(known, clip, num_contexts, init_cfg=init_cfg)
        self.num_descriptors = num_descriptors
        names = [name for name in self.known for _ in range(num_descriptors)]
        self.prompts = PromptLearner(self.text, names, num_contexts)

    def forward(self, feats, **kwargs):
        """Compare video features with the descriptors.

        Args:
            feats (Tensor): video features (B, D).
            **kwargs (Any): what else the recognizer knows of the batch; not used.

        Returns:
            dict[str, Tensor]: ``feature`` (B, D); ``logits``, ``logits_known`` and
            ``probabilities`` (B, K); ``descriptor_logits`` (B, K, n).
        """
        each = cosine_logits(feats, self.class_text(), self.text.logit_scale)
        each = each.unflatten(1, (-1, self.num_descriptors))
        logits = each.mean(2)
        return dict(feature=feats, logits=logits, logits_known=logits, descriptor_logits=each,
                    probabilities=logits.softmax(1))

    def class_vectors(self):
        """Mean over the descriptors of a class of their texts of length 1.

        The product of such a mean and a feature is the mean of the cosines.

        Returns:
            Tensor: (K, D).
        """
        return super().class_vectors().unflatten(0, (-1, self.num_descriptors)).mean(1)

    def losses(self, outputs, labels):
        hardest = hardest_logits(outputs['descriptor_logits'], labels)
        return dict(loss_margin=mean_cross_entropy(hardest, labels),
                    loss_known=mean_cross_entropy(outputs['logits'], labels))
