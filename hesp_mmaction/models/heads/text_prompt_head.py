"""Base of the heads whose classes are texts with learned contexts."""
import torch
from torch.nn.functional import normalize

from ..eval_cache import EvalCache
from ..prompts.text import context_text
from .functional import cosine_logits
from .open_set_head import OpenSetHead


class TextPromptHead(OpenSetHead):
    """Texts of the known classes from learned prompts, computed once per evaluation.

    Subclasses set ``text`` and ``prompts``.

    Args:
        known (Sequence[str]): names of the known emotions, in label order.
        init_cfg (dict, optional): see mmengine's ``BaseModule``. Defaults to None.

    Attributes:
        text (CLIPTextTower): reads the prompts.
        prompts (PromptLearner): the prompts of the classes.
    """

    def __init__(self, known, init_cfg=None):
        super().__init__(known, init_cfg)
        self._eval_text, self._eval_context = EvalCache(), EvalCache()

    def class_text(self):
        """Text features of the known classes, as the tower returns them.

        Returns:
            Tensor: (K, D), one row for each prompt.
        """
        return self.read(self.prompts, self._eval_text)

    def read(self, prompts, cache):
        """Text features of prompts, remembered in evaluation.

        Args:
            prompts (PromptLearner): of K prompts.
            cache (EvalCache): of these prompts alone.

        Returns:
            Tensor: (K, D).
        """
        if self.training or torch.is_grad_enabled():
            return self.text(*prompts())
        return cache.get(lambda: self.text(*prompts()), prompts, self.text)

    def class_vectors(self):
        return normalize(self.class_text(), dim=1)

    def context_logits(self, feature):
        """Logit of the contexts with no name, see ``context_text``.

        Args:
            feature (Tensor): (B, D).

        Returns:
            Tensor: (B, 1).
        """
        context = self._eval_context.get(lambda: context_text(self.text, self.prompts),
                                         self.prompts, self.text)
        return cosine_logits(feature, context, self.text.logit_scale)
