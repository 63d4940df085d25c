"""Zero-shot CLIP: the baseline that learns nothing."""
import torch
from mmaction.registry import MODELS
from torch.nn.functional import normalize

from ...datasets.emotions import prompt_word
from ...errors import InputError
from ..prompts.text import CLIPTextTower
from .functional import cosine_logits
from .open_set_head import OpenSetHead


@MODELS.register_module()
class CLIPZeroShotHead(OpenSetHead):
    """z_k = exp(logit_scale) cos(f, text of class k); the score is the largest logit.

    Args:
        known (Sequence[str]): names of the known emotions. clip (dict): arguments of
        :class:`CLIPTextTower`. template (str | Sequence[str]): the sentence around a class's
        prompt word; of several the class's text is the mean of their normalised features.
        negative_template (str): the one that denies it, for scores that read both.
    """

    def __init__(self, known, clip, template='a photo of a {} expression',
                 negative_template='This video is not {}.', init_cfg=None):
        super().__init__(known, init_cfg)
        self.text = CLIPTextTower(**clip)
        self.text.warn_of_unreadable({name: prompt_word(name) for name in self.known})
        with torch.no_grad():
            for name, sentences in (('class_text', template), ('negative_text', negative_template)):
                sentences = [sentences] if isinstance(sentences, str) else sentences
                self.register_buffer(name, self.mean_text(sentences), persistent=False)

    def mean_text(self, sentences):
        """Mean over sentences of the normalised features of all classes: (K, D)."""
        return sum(normalize(self.text.encode_text(
            [sentence.format(prompt_word(name)) for name in self.known]), dim=1)
            for sentence in sentences) / len(sentences)

    def forward(self, feats, **kwargs):
        """Video features (B, D) to ``feature``, ``logits``, ``logits_known``, ``probabilities``."""
        logits = cosine_logits(feats, self.class_text, self.text.logit_scale)
        return dict(feature=feats, logits=logits, logits_known=logits,
                    probabilities=logits.softmax(1))

    def score(self, outputs):
        return outputs['logits'].max(1).values

    def class_vectors(self):
        return normalize(self.class_text, dim=1)

    def extra_logits(self, outputs):
        """The cosines that are logits before CLIP's scale, the logits of the template's texts, and
        those of the negative texts."""
        scale = self.text.logit_scale
        return dict(cosine=outputs['logits_known'] / scale, zero_shot=outputs['logits_known'],
                    negative_text=cosine_logits(outputs['feature'], self.negative_text, scale))

    def losses(self, outputs, labels):
        raise InputError('zero-shot CLIP has nothing to train: run it with tools/test.py')
