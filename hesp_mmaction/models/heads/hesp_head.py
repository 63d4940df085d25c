"""HESP's head: text prompts, negative representation, multi-task loss (ACM MM 2024)."""
import torch
from mmaction.registry import MODELS
from torch import nn

from ...datasets.emotions import prompt_word
from ...errors import InputError
from ..eval_cache import EvalCache
from ..prompts.text import CLIPTextTower, PromptLearner
from .functional import cosine_logits
from .hesp_functional import at_length, fuse, with_density
from .hesp_losses import all_weights, loss_terms
from .hesp_scores import JOINT, branch_scores, fit_joint
from .joint_score import JointScore
from .prototype_head import point_logits
from .text_prompt_head import TextPromptHead


@MODELS.register_module()
class HESPHead(TextPromptHead):
    """Known, negative and fused predictions over K known emotions.

    Without negatives (the recognizer passes none) the head is the textual prompting alone.

    Source: HESP (ACM MM 2024). Differences from paper and released code stand beside the arguments.

    Args:
        known (Sequence[str]): names of the known emotions, in label order.
        clip (dict): arguments of ``CLIPTextTower`` (the CLIP of the backbone).
        in_channels (int, optional): width of the backbone's features. If it is not CLIP's D, a
            learned projection brings features and negatives to D. Defaults to None, CLIP's D.
        num_contexts (int): see ``PromptLearner``. Defaults to 16.
        class_specific (bool): see ``PromptLearner``. Defaults to True.
        words (dict[str, str], optional): see ``PromptLearner``. Defaults to None.
        learn_contexts (bool): False leaves contexts as they were drawn, as the released code does.
            Defaults to True.
        negative_template (str): fixed negative text of a class (Eq. 10). Defaults to
            ``'This video is not {}.'``.
        learn_negative_text (bool): negative texts have contexts of their own in place of the fixed
            sentence. The losses ``alignment`` and ``opposite`` train them. Defaults to False.
        template (str): zero-shot CLIP's sentence. Its texts hold the learned ones (loss ``hold``),
            are the zero-shot part of the score, and decide the region by their activation map.
            Defaults to ``'a photo of a {} expression'``.
        negative_kind (str): ``'euclidean'`` (the paper) or ``'arpl'`` (the released code), see
            ``point_logits``. Defaults to ``'euclidean'``.
        negative_scale (float): multiplies z_neg. Defaults to 1.
        feature_length (float, optional): L2 length that features and negatives are brought to
            before distances are taken. Distances then mean the same for every CLIP; OpenAI's
            features are about 10 long. None leaves them as they are (paper, released code).
            Defaults to 10.
        fusion (str): what is averaged in prediction and loss, ``'prob'`` or ``'logit'``. Defaults
            to ``'logit'``.
        score_kind (str): the score that decides. ``'prob'``, ``'logit'`` and ``'centred'`` are
            those of ``branch_scores``. ``'joint'`` is ``joint`` of the largest known logit,
            zero-shot CLIP and the density of the known training clips, whose class Gaussians then
            take part in the prediction too (not in the paper). ``'joint_of_compounds'`` is the same
            less what is stronger than usual. Both are fitted after the last epoch; before that
            ``'centred'`` decides. Defaults to ``'joint'``.
        symmetric (bool): both directions of the alignment loss. Defaults to True.
        contrastive_temperature (float): of the supervised contrastive loss. Defaults to 0.5.
        loss_weights (dict[str, float], optional): changes to ``LOSS_WEIGHTS``. Defaults to None.
        init_cfg (dict, optional): see mmengine's ``BaseModule``. Defaults to None.

    Raises:
        InputError: an argument has a value that does not exist, or the negative texts are to be
            learned and no loss trains them.
    """

    def __init__(self, known, clip, in_channels=None, num_contexts=16, class_specific=True,
                 words=None, learn_contexts=True, negative_template='This video is not {}.',
                 learn_negative_text=False, template='a photo of a {} expression',
                 negative_kind='euclidean', negative_scale=1.0, feature_length=10.0,
                 fusion='logit', score_kind='joint', symmetric=True,
                 contrastive_temperature=0.5, loss_weights=None, init_cfg=None):
        super().__init__(known, init_cfg)
        known = self.known
        self._check(negative_kind=(negative_kind, ('euclidean', 'arpl')),
                    fusion=(fusion, ('prob', 'logit')),
                    score_kind=(score_kind, ('prob', 'logit', 'centred', *JOINT)))
        self.weights = all_weights(loss_weights)
        if learn_negative_text and not (self.weights['alignment'] or self.weights['opposite']):
            raise InputError('learn_negative_text=True learns by the losses alignment and opposite '
                             'alone: give one of them a weight in loss_weights')
        self.negative_kind, self.negative_scale = negative_kind, negative_scale
        self.fusion, self.score_kind, self.symmetric = fusion, score_kind, symmetric
        self.contrastive_temperature = contrastive_temperature

        self.text = CLIPTextTower(**clip)
        width = self.text.out_channels
        self.projection = None
        if in_channels not in (None, width):
            self.projection = nn.Linear(in_channels, width)
        self.prompts = PromptLearner(self.text, known, num_contexts, class_specific, words)
        self.prompts.requires_grad_(learn_contexts)
        self.negative_prompts = None
        if learn_negative_text:
            self.negative_prompts = PromptLearner(self.text, known, num_contexts, class_specific,
                                                  words)
        if self.weights['margin']:
            self.radius = nn.Parameter(torch.zeros(()))
        said = [(words or {}).get(name) or prompt_word(name) for name in known]
        with torch.no_grad():
            self.register_buffer('negative_text', self.text.encode_text(
                [negative_template.format(word) for word in said]), persistent=False)
            self.register_buffer('template_text', self.text.encode_text(
                [template.format(word) for word in said]), persistent=False)
        self.register_buffer('feature_length', torch.tensor(float(feature_length or 0)))
        self.joint = JointScore(len(known), width)
        self._eval_negative_text = EvalCache()

    def older_state(self):
        older = dict(super().older_state(), feature_length=torch.zeros_like(self.feature_length))
        return older | {f'joint.{name}': torch.full_like(value, float('nan'))
                        for name, value in self.joint.state_dict().items()}

    @staticmethod
    def _check(**choices):
        for name, (value, allowed) in choices.items():
            if value not in allowed:
                raise InputError(f'{name}={value!r}: one of {", ".join(allowed)}')

    def class_negative_text(self):
        """Negative texts, fixed or learned.

        Returns:
            Tensor: Fn_T (K, D).
        """
        if self.negative_prompts is None:
            return self.negative_text
        return self.read(self.negative_prompts, self._eval_negative_text)

    def negative_text_logits(self, feature):
        """CLIP's logits of the negative texts.

        Args:
            feature (Tensor): (B, D).

        Returns:
            Tensor: (B, K).
        """
        return cosine_logits(feature, self.class_negative_text(), self.text.logit_scale)

    def forward(self, feats, points=None, **kwargs):
        """Compute the predictions of a batch.

        Args:
            feats (Tensor): video features (B, C).
            points (Tensor, optional): negatives (K, C). Defaults to None, the textual prompting
                alone.
            **kwargs (Any): what else the recognizer knows of the batch; not used.

        Returns:
            dict[str, Tensor]: ``feature`` (B, D); ``text`` (K, D); ``logits``, ``logits_known`` and
            ``probabilities`` (B, K). With negatives also ``logits_negative`` and ``logits_mean``
            (B, K) and ``points`` (K, D). In evaluation, once the joint score is fitted, also
            ``distances`` (B, K).
        """
        if self.projection is not None:
            feats = self.projection(feats)
            points = None if points is None else self.projection(points)
        text = self.class_text()
        known = cosine_logits(feats, text, self.text.logit_scale)
        outputs = dict(feature=feats, text=text, logits_known=known)
        if points is None:
            outputs.update(logits=known, probabilities=known.softmax(1))
        else:
            outputs.update(self._fuse(known, feats, points))
        if not self.training and self.joint.fitted:
            outputs['distances'] = self.joint.distances(feats)
            if self.score_kind in JOINT:
                logits, probabilities = with_density(outputs['logits'], outputs['distances'])
                outputs.update(logits=logits, probabilities=probabilities)
        return outputs

    def _fuse(self, known, feats, points):
        """Eq. 11 and 13: the entries of the outputs that need negatives."""
        points = at_length(points, self.feature_length)
        negative = self.negative_scale * point_logits(
            at_length(feats, self.feature_length), points, self.negative_kind)
        logits, probabilities = fuse(known, negative, self.fusion)
        return dict(probabilities=probabilities, logits=logits, logits_negative=negative,
                    logits_mean=(known + negative) / 2, points=points)

    def _zero_shot(self, outputs):
        """CLIP's logits (B, K) of the template's texts."""
        return cosine_logits(outputs['feature'], self.template_text, self.text.logit_scale)

    def scores(self, outputs):
        """Every kind of score of a batch; ``score_kind`` names the one that decides.

        Args:
            outputs (dict[str, Tensor]): as returned by ``forward``.

        Returns:
            dict[str, Tensor]: (B,) each, bigger = more known: those of ``branch_scores``, and of
            ``JointScore`` once it is fitted.
        """
        found = branch_scores(outputs)
        if 'distances' in outputs:
            found.update(self.joint(found['known'], self._zero_shot(outputs), outputs['feature']))
        return found

    def score(self, outputs):
        scores = self.scores(outputs)
        return scores.get(self.score_kind, scores['own'])

    def fit_scores(self, dump):
        return fit_joint(self.joint, dump, self.fusion, self.score_kind)

    def extra_logits(self, outputs):
        """Further logits for scores that read them.

        Args:
            outputs (dict[str, Tensor]): as returned by ``forward``.

        Returns:
            dict[str, Tensor]: ``cosine`` (B, K), the logits before CLIP's scale; ``zero_shot``
            (B, K), those of the template's texts; ``context`` (B, 1), that of the contexts with no
            name; ``negative_text`` (B, K), those of the negative texts.
        """
        feature = outputs['feature']
        return dict(cosine=outputs['logits_known'] / self.text.logit_scale,
                    zero_shot=self._zero_shot(outputs),
                    context=self.context_logits(feature),
                    negative_text=self.negative_text_logits(feature))

    def losses(self, outputs, labels):
        """The weighted terms of Eq. 8-14 whose weight is not zero.

        Args:
            outputs (dict[str, Tensor]): as returned by ``forward``.
            labels (Tensor): int (B,), 0 to K - 1.

        Returns:
            dict[str, Tensor]: scalars, ``loss_*``.

        Raises:
            InputError: negative texts are learned by the alignment alone, and there are no
                negatives.
        """
        if ('points' not in outputs and self.negative_prompts is not None
                and not self.weights['opposite']):
            raise InputError('learn_negative_text=True needs model.negatives to align with')
        return {f'loss_{name}': self.weights[name] * term()
                for name, term in loss_terms(self, outputs, labels).items() if self.weights[name]}
