"""Zero-shot CLIP: the baseline that learns nothing."""
import torch
from mmaction.registry import MODELS

from ...datasets.emotions import prompt_word
from ...errors import InputError
from ..prompts.text import CLIPTextTower
from .hesp_functional import cosine_logits
from .open_set_head import OpenSetHead


@MODELS.register_module()
class CLIPZeroShotHead(OpenSetHead):
    """z_k = exp(logit_scale) cos(f, text of class k); the score is the largest logit.

    Args:
        known (Sequence[str]): names of the known emotions. clip (dict): arguments of
        :class:`CLIPTextTower`. template (str): the sentence around a class's prompt word.
    """

    def __init__(self, known, clip, template='a photo of a {} expression', init_cfg=None):
        super().__init__(known, init_cfg)
        self.text = CLIPTextTower(**clip)
        with torch.no_grad():
            self.register_buffer('class_text', self.text.encode_text(
                [template.format(prompt_word(name)) for name in known]), persistent=False)

    def forward(self, feats, **kwargs):
        """Video features (B, D) to ``feature``, ``logits``, ``logits_known``, ``probabilities``."""
        logits = cosine_logits(feats, self.class_text, self.text.logit_scale)
        return dict(feature=feats, logits=logits, logits_known=logits,
                    probabilities=logits.softmax(1))

    def score(self, outputs):
        return outputs['logits'].max(1).values

    def losses(self, outputs, labels):
        raise InputError('zero-shot CLIP has nothing to train: run it with tools/test.py')
