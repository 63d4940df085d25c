"""HESP's multi-task loss: the terms of Eq. 8-14 and their weights."""
from ...errors import InputError
from ..losses import (
    arpl_margin,
    clip_alignment,
    diversity,
    global_mean,
    hold_texts,
    mean_cross_entropy,
    opposite_texts,
    supervised_contrastive,
)
from .hesp_functional import at_length, fused_loss

# L_KN = known + contrastive, L_NE = negative + margin + alignment, L_H = fused. Zero = off.
# Not in the paper: `hold` (of the texts to the template's), `opposite` (of the negative texts) and
# `diversity` (of the negatives).
LOSS_WEIGHTS = dict(known=1.0, contrastive=0.5, negative=1.0, margin=0.0, alignment=1.0, fused=1.0,
                    hold=2.0, opposite=0.0, diversity=0.0)


def all_weights(changes=None):
    """The weights of all terms.

    Args:
        changes (dict[str, float], optional): weights that differ from ``LOSS_WEIGHTS``, 0 = off.
            Defaults to None, no change.

    Returns:
        dict[str, float]: by name of the term.

    Raises:
        InputError: ``changes`` names a term that does not exist.
    """
    wrong = set(changes or {}) - set(LOSS_WEIGHTS)
    if wrong:
        raise InputError(f'no loss is named {sorted(wrong)}: {", ".join(LOSS_WEIGHTS)}')
    return LOSS_WEIGHTS | (changes or {})


def loss_terms(head, outputs, labels):
    """The terms that can be computed for a batch, each as a function that computes it.

    Terms of the negatives are there only if the head got negatives.

    Args:
        head (HESPHead): its texts and settings are read.
        outputs (dict[str, Tensor]): as returned by ``HESPHead.forward``.
        labels (Tensor): int (B,), 0 to K - 1.

    Returns:
        dict[str, Callable[[], Tensor]]: name of the term to a function that returns a scalar, not
        yet weighted.
    """
    known, feature = outputs['logits_known'], outputs['feature']
    terms = dict(
        known=lambda: mean_cross_entropy(known, labels),
        contrastive=lambda: supervised_contrastive(feature, labels, head.contrastive_temperature),
        hold=lambda: hold_texts(outputs['text'], head.template_text),
        opposite=lambda: global_mean(opposite_texts(head.negative_text_logits(feature), labels)))
    if 'points' in outputs:
        points, negative = outputs['points'], outputs['logits_negative']
        terms.update(
            negative=lambda: mean_cross_entropy(negative, labels),
            margin=lambda: global_mean(arpl_margin(
                at_length(feature, head.feature_length), points, labels, head.radius)),
            alignment=lambda: clip_alignment(points, head.class_negative_text(),
                                             head.text.logit_scale, head.symmetric),
            fused=lambda: fused_loss(known, negative, labels, head.fusion),
            diversity=lambda: diversity(points))
    return terms
