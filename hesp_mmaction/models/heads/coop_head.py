"""CoOp: learned context tokens in front of class names (Zhou et al., IJCV 2022)."""
import torch
from mmaction.registry import MODELS

from ...datasets.emotions import prompt_word
from ..losses import mean_cross_entropy
from ..prompts.descriptions import descriptions_of
from ..prompts.text import CLIPTextTower, PromptLearner
from .functional import cosine_logits
from .text_prompt_head import TextPromptHead

TEMPLATE = 'a photo of a {} expression'


@MODELS.register_module()
class CoOpHead(TextPromptHead):
    """Learned prompts of the classes, trained by cross-entropy.

    The logits are z_k = exp(logit_scale) cos(f, text of the learned prompt of class k). The score
    is the largest logit.

    Source: CoOp (Zhou et al., IJCV 2022). With contexts of its own for each class, and descriptions
    in place of names, it is the head of DFER-CLIP (Zhao and Patras, BMVC 2023). Neither paper is
    about open sets.

    Args:
        known (Sequence[str]): names of the known emotions, in label order.
        clip (dict): arguments of ``CLIPTextTower`` (the CLIP of the backbone).
        num_contexts (int): see ``PromptLearner``. Defaults to 16.
        class_specific (bool): see ``PromptLearner``. Defaults to False.
        position (str): see ``PromptLearner``. Defaults to ``'end'``.
        descriptions (bool): prompts say how the face looks instead of naming the emotion. Defaults
            to False.
        init_cfg (dict, optional): see mmengine's ``BaseModule``. Defaults to None.
    """

    def __init__(self, known, clip, num_contexts=16, class_specific=False, position='end',
                 descriptions=False, init_cfg=None):
        super().__init__(known, init_cfg)
        self.text = CLIPTextTower(**clip)
        words = descriptions_of(self.known) if descriptions else None
        self.prompts = PromptLearner(self.text, self.known, num_contexts, class_specific, words,
                                     position)
        with torch.no_grad():  # for scores that read zero-shot CLIP's texts
            self.register_buffer('zero_shot_text', self.text.encode_text(
                [TEMPLATE.format(prompt_word(name)) for name in self.known]), persistent=False)

    def forward(self, feats, **kwargs):
        """Compare video features with the texts of the learned prompts.

        Args:
            feats (Tensor): video features (B, D).
            **kwargs (Any): what else the recognizer knows of the batch; not used.

        Returns:
            dict[str, Tensor]: ``feature`` (B, D); ``logits``, ``logits_known`` and
            ``probabilities`` (B, K).
        """
        logits = cosine_logits(feats, self.class_text(), self.text.logit_scale)
        return dict(feature=feats, logits=logits, logits_known=logits,
                    probabilities=logits.softmax(1))

    def score(self, outputs):
        return outputs['logits'].max(1).values

    def extra_logits(self, outputs):
        """Further logits for scores that read them.

        Args:
            outputs (dict[str, Tensor]): as returned by ``forward``.

        Returns:
            dict[str, Tensor]: ``cosine`` (B, K), the logits before CLIP's scale; ``zero_shot``
            (B, K), those of zero-shot CLIP's texts; ``context`` (B, 1), that of the contexts with
            no name.
        """
        feature, scale = outputs['feature'], self.text.logit_scale
        return dict(cosine=outputs['logits_known'] / scale,
                    zero_shot=cosine_logits(feature, self.zero_shot_text, scale),
                    context=self.context_logits(feature))

    def losses(self, outputs, labels):
        return dict(loss_known=mean_cross_entropy(outputs['logits'], labels))
