"""Classification by fixed texts, for models that learn something else."""
from mmaction.registry import MODELS

from ..losses import mean_cross_entropy
from .clip_zeroshot_head import CLIPZeroShotHead


@MODELS.register_module()
class FixedTextHead(CLIPZeroShotHead):
    """Zero-shot CLIP's logits with cross-entropy: the head of VP, VPT and Open-VCLIP.

    Args:
        known (Sequence[str]): see ``CLIPZeroShotHead``.
        clip (dict): see ``CLIPZeroShotHead``.
        template (str | Sequence[str]): see ``CLIPZeroShotHead``.
        negative_template (str): see ``CLIPZeroShotHead``.
    """

    def losses(self, outputs, labels):
        return dict(loss_known=mean_cross_entropy(outputs['logits'], labels))
