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
    """Zero-shot CLIP's logits z_k = exp(logit_scale) cos(f, text of class k), without training.

    The score is the largest logit.

    Source: CLIP (Radford et al., ICML 2021).

    Args:
        known (Sequence[str]): names of the known emotions, in label order.
        clip (dict): arguments of ``CLIPTextTower``.
        template (str | Sequence[str]): sentence around the word for a class. With several
            sentences, the text of a class is the mean of their normalised features. Defaults to
            ``'a photo of a {} expression'``.
        negative_template (str): sentence that denies the class, for scores that read both. Defaults
            to ``'This video is not {}.'``.
        init_cfg (dict, optional): see mmengine's ``BaseModule``. Defaults to None.
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
        """Mean over sentences of the normalised text features.

        Args:
            sentences (Sequence[str]): templates with ``{}`` in the place of the word for a class.

        Returns:
            Tensor: (K, D).
        """
        return sum(normalize(self.text.encode_text(
            [sentence.format(prompt_word(name)) for name in self.known]), dim=1)
            for sentence in sentences) / len(sentences)

    def forward(self, feats, **kwargs):
        """Compare video features with the texts.

        Args:
            feats (Tensor): video features (B, D).
            **kwargs (Any): what else the recognizer knows of the batch; not used.

        Returns:
            dict[str, Tensor]: ``feature`` (B, D); ``logits``, ``logits_known`` and
            ``probabilities`` (B, K).
        """
        logits = cosine_logits(feats, self.class_text, self.text.logit_scale)
        return dict(feature=feats, logits=logits, logits_known=logits,
                    probabilities=logits.softmax(1))

    def score(self, outputs):
        return outputs['logits'].max(1).values

    def class_vectors(self):
        return normalize(self.class_text, dim=1)

    def extra_logits(self, outputs):
        """Further logits for scores that read them.

        Args:
            outputs (dict[str, Tensor]): as returned by ``forward``.

        Returns:
            dict[str, Tensor]: (B, K) each: ``cosine``, the logits before CLIP's scale;
            ``zero_shot``, those of the template's texts; ``negative_text``, those of the negative
            texts.
        """
        scale = self.text.logit_scale
        return dict(cosine=outputs['logits_known'] / scale, zero_shot=outputs['logits_known'],
                    negative_text=cosine_logits(outputs['feature'], self.negative_text, scale))

    def losses(self, outputs, labels):
        raise InputError('zero-shot CLIP has nothing to train: run it with tools/test.py')
