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
    """z_k = exp(logit_scale) cos(f, text of the learned prompt of class k), cross-entropy.

    With contexts of its own for each class, and descriptions in place of names, it is the head of
    DFER-CLIP (Zhao and Patras, BMVC 2023). The score is the largest logit; neither paper is about
    open sets.

    Args:
        known (Sequence[str]): names of the known emotions, in label order.
        clip (dict): arguments of :class:`CLIPTextTower` (the CLIP of the backbone).
        num_contexts (int), class_specific (bool), position (str): see :class:`PromptLearner`.
        descriptions (bool): what the face looks like stands in place of the name.
    """

    def __init__(self, known, clip, num_contexts=16, class_specific=False, position='end',
                 descriptions=False, init_cfg=None):
        super().__init__(known, init_cfg)
        self.text = CLIPTextTower(**clip)
        words = descriptions_of(self.known) if descriptions else None
        self.prompts = PromptLearner(self.text, self.known, num_contexts, class_specific, words,
                                     position)
        with torch.no_grad():  # what zero-shot CLIP reads, for the scores that ask it
            self.register_buffer('zero_shot_text', self.text.encode_text(
                [TEMPLATE.format(prompt_word(name)) for name in self.known]), persistent=False)

    def forward(self, feats, **kwargs):
        """Video features (B, D) to ``feature``, ``logits``, ``logits_known``, ``probabilities``."""
        logits = cosine_logits(feats, self.class_text(), self.text.logit_scale)
        return dict(feature=feats, logits=logits, logits_known=logits,
                    probabilities=logits.softmax(1))

    def score(self, outputs):
        return outputs['logits'].max(1).values

    def extra_logits(self, outputs):
        """The cosines that are logits before CLIP's scale, the logits of zero-shot CLIP's texts,
        and the logit (B, 1) of the contexts with no name."""
        feature, scale = outputs['feature'], self.text.logit_scale
        return dict(cosine=outputs['logits_known'] / scale,
                    zero_shot=cosine_logits(feature, self.zero_shot_text, scale),
                    context=self.context_logits(feature))

    def losses(self, outputs, labels):
        return dict(loss_known=mean_cross_entropy(outputs['logits'], labels))
