"""What is meant and what is usual: semantic scores and a density in one number.

CLIP and the learned classifier say whether a clip *means* a known emotion; the density says whether
it *looks* like the known training clips. Each is brought to median 0 and deviation 1 on the known
training clips, so that they can be added. The weights were chosen on training people that were held
out (docs/choices.md).
"""
import torch

from .density import class_gaussians, held_out_distances, squared_distances
from .registry import register_score

WEIGHTS = dict(own=0.5, zero_shot=0.5, density=1.0)


def standard_units(values):
    """Median and deviation of a score on the known training clips.

    Args:
        values (Tensor): (M,).

    Returns:
        tuple[Tensor, Tensor]: two scalars in float64; the deviation is 1 where all are equal.
    """
    values = values.double()
    spread = values.std(correction=0)
    return values.median(), torch.where(spread > 1e-12, spread, torch.ones_like(spread))


def joint_score(own, zero_shot, density, centres, spreads):
    """0.5 own + 0.5 zero-shot + density, each in units of the known training clips.

    Args:
        own (Tensor): the method's own score (N,).
        zero_shot (Tensor): largest zero-shot logit of CLIP (N,).
        density (Tensor): see :func:`.density.density`, (N,).
        centres (Tensor): medians (3,) on the known training clips, in this order.
        spreads (Tensor): deviations (3,), likewise.

    Returns:
        Tensor: knownness (N,).
    """
    parts = (own, zero_shot, density)
    return sum(weight * (part - centre) / spread for weight, part, centre, spread in zip(
        WEIGHTS.values(), parts, centres, spreads, strict=True))


def _densities(feature, train_feature, train_label):
    """Densities (N,) of clips, and (M,) of training clips, each by the fit without it."""
    count = int(train_label.max()) + 1
    fitted = class_gaussians(train_feature, train_label, count)
    held_out = held_out_distances(train_feature, train_label, count)
    return (-squared_distances(feature.double(), *fitted).min(1).values.sqrt(),
            -held_out.min(1).values.sqrt())


def _units(*pairs):
    return [(values - centre) / spread for values, (centre, spread) in (
        (values, standard_units(train)) for values, train in pairs)]


@register_score
def joint(score_own, logits_zero_shot, feature, train_score_own, train_logits_zero_shot,
          train_feature, train_label):
    """HESP's default: 0.5 own + 0.5 zero-shot + density, in units of the known training clips.

    Args:
        score_own (Tensor): the method's own score (N,): ``score_own`` of a dump, else ``score``.
        logits_zero_shot (Tensor): CLIP's logits of the fixed template (N, K).
        feature (Tensor): (N, D).
        train_score_own (Tensor): (M,).
        train_logits_zero_shot (Tensor): (M, K).
        train_feature (Tensor): (M, D).
        train_label (Tensor): (M,).

    Returns:
        Tensor: (N,).
    """
    own, zero_shot, usual = _units(
        (score_own, train_score_own),
        (logits_zero_shot.max(1).values, train_logits_zero_shot.max(1).values),
        _densities(feature, train_feature, train_label))
    return WEIGHTS['own'] * own + WEIGHTS['zero_shot'] * zero_shot + WEIGHTS['density'] * usual


@register_score
def own_and_density(score_own, feature, train_score_own, train_feature, train_label):
    """Own score + density, in units of the known training clips: for methods without texts.

    Args:
        score_own (Tensor): see :func:`joint`.
        feature (Tensor): (N, D).
        train_score_own (Tensor): (M,).
        train_feature (Tensor): (M, D).
        train_label (Tensor): (M,).

    Returns:
        Tensor: (N,).
    """
    own, usual = _units((score_own, train_score_own),
                        _densities(feature, train_feature, train_label))
    return own + usual
