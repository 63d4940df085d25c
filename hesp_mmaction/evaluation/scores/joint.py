"""One score of what a clip means and of how usual it looks.

Two logits say whether a clip *means* a known emotion, and the density says whether it *looks* like
the known training clips. Each is scaled to median 0 and standard deviation 1 on the known training
clips, so that they can be added. The shrinkage of the covariance and the weight of zero-shot CLIP
are chosen on the known training clips: each class in turn plays the unknown one. The
other weights were chosen on held-out training people (docs/choices.md).
"""
import itertools

import numpy as np
import torch

from ..ranking import auroc
from .density import SHRINKAGE, class_gaussians, held_out_distances, squared_distances
from .registry import register_score

KNOWN = 0.75  # weight of the learned texts
LENGTH = 2.0  # of the length of the feature, where the unknown emotions are compounds of the known
FEWEST = 5  # clips of a class that plays the unknown one, and of the others together
SHRINKAGES = (0.2, 0.35, 0.5, 0.65, 0.8, 0.95)
ZERO_SHOT = (0.0, 0.25, 0.5, 0.75, 1.0)


def standard_units(values):
    """Median and deviation of a score on the known training clips.

    Args:
        values (Tensor): (M,).

    Returns:
        tuple[Tensor, Tensor]: two scalars in float64; the deviation is 1 if all values are equal.
    """
    values = values.double()
    spread = values.std(correction=0)
    return values.median(), torch.where(spread > 1e-12, spread, torch.ones_like(spread))


def log_length(feature):
    """The logarithm of the length of features; length 0 counts as tiny.

    Args:
        feature (Tensor): (N, D).

    Returns:
        Tensor: (N,).
    """
    return feature.norm(dim=1).clamp_min(1e-12).log()


def choose(feature, label, zero_shot=None):
    """Shrinkage of the density and weight of zero-shot CLIP, without an unknown clip.

    Each known class in turn plays the unknown one: its clips against those of the other classes,
    which are scored by the fit without them. The pair with the largest mean AUROC of density and
    zero-shot CLIP is taken. The learned texts take no part, because they have seen all classes.

    Args:
        feature (Tensor): (M, D), of the known training clips.
        label (Tensor): (M,), from 0 to K - 1.
        zero_shot (Tensor, optional): zero-shot logits (M, K). None if there are no texts.

    Returns:
        tuple[float, float]: one of ``SHRINKAGES`` and one of ``ZERO_SHOT`` (0 without texts). They
        are 0.5 and 0.5 (0 without texts) if every class, or the others together, have fewer than
        ``FEWEST`` clips.
    """
    weights = (0.0,) if zero_shot is None else ZERO_SHOT
    found = {pair: [] for pair in itertools.product(SHRINKAGES, weights)}
    classes = label.unique().tolist()
    for left_out in classes:
        others = [k for k in classes if k != left_out]
        known = label != left_out
        if not others or min(known.sum(), (~known).sum()) < FEWEST:
            continue
        renamed = torch.stack([label == k for k in others], 1).int().argmax(1)
        meant = None if zero_shot is None else _in_units(zero_shot[:, others].max(1).values, known)
        for shrinkage in SHRINKAGES:
            usual = _in_units(_densities(feature, renamed, known, len(others), shrinkage), known)
            for weight in weights:
                total = (usual if meant is None else usual + weight * meant).cpu().numpy()
                found[shrinkage, weight].append(auroc(total[known.cpu()], total[~known.cpu()]))
    means = {pair: np.mean(values) for pair, values in found.items() if values}
    return max(means, key=means.get) if means else (SHRINKAGE, min(0.5, weights[-1]))


def _densities(feature, label, known, count, shrinkage):
    """Density (M,) by the Gaussians of the clips in ``known`` (M,); theirs by the fit without."""
    found = torch.empty(len(feature), dtype=torch.float64, device=feature.device)
    found[known] = -held_out_distances(feature[known], label[known], count,
                                       shrinkage).min(1).values.sqrt()
    fitted = class_gaussians(feature[known], label[known], count, shrinkage)
    found[~known] = -squared_distances(feature[~known].double(), *fitted).min(1).values.sqrt()
    return found


def _in_units(values, known):
    centre, spread = standard_units(values[known])
    return (values.double() - centre) / spread


def weigh(parts, weights, centres, spreads):
    """Weighted sum of parts in units of the known training clips.

    Args:
        parts (Sequence[Tensor]): values (N,), bigger = more known.
        weights (Sequence[float]): weight of each part.
        centres (Sequence[Tensor]): medians on the known training clips.
        spreads (Sequence[Tensor]): deviations on the known training clips.

    Returns:
        Tensor: (N,).
    """
    return sum(weight * (part - centre) / spread for part, weight, centre, spread in zip(
        parts, weights, centres, spreads, strict=True))


def stronger(length, centre, spread):
    """By how many deviations an expression is stronger than the known clips usually are.

    Two emotions at once are stronger than one. Where the unknown emotions are compounds of the
    known ones, ``LENGTH`` times this is subtracted from the joint score.

    Args:
        length (Tensor): ``log_length`` (N,).
        centre (Tensor): its median on the known training clips.
        spread (Tensor): its deviation on the known training clips.

    Returns:
        Tensor: (N,), not negative.
    """
    return ((length - centre) / spread).clamp_min(0)


def _fitted(parts, train_parts, feature, train_feature, train_label, zero_shot=None):
    """Joint score (N,): parts that are scores, zero-shot CLIP if there is one, and the density."""
    count = int(train_label.max()) + 1
    shrinkage, weight = choose(train_feature, train_label, zero_shot)
    gaussians = class_gaussians(train_feature, train_label, count, shrinkage)
    held_out = held_out_distances(train_feature, train_label, count, shrinkage)
    train_parts = [*train_parts, -held_out.min(1).values.sqrt()]
    return weigh([*parts, -squared_distances(feature.double(), *gaussians).min(1).values.sqrt()],
                 (KNOWN, weight)[:len(parts)] + (1.0,),
                 *zip(*map(standard_units, train_parts), strict=True))


@register_score
def joint(score_known, logits_zero_shot, feature, train_score_known, train_logits_zero_shot,
          train_feature, train_label):
    """HESP's default: 0.75 known + w zero-shot + density, in units of the training clips.

    w and the shrinkage of the density are found by ``choose``.

    Args:
        score_known (Tensor): score of the learned texts (N,): ``score_known`` of a dump, or the
            score of a method that has no such field.
        logits_zero_shot (Tensor): CLIP's logits of the fixed template (N, K).
        feature (Tensor): (N, D).
        train_score_known (Tensor): (M,).
        train_logits_zero_shot (Tensor): (M, K).
        train_feature (Tensor): (M, D).
        train_label (Tensor): (M,).

    Returns:
        Tensor: (N,).
    """
    return _fitted([score_known, logits_zero_shot.max(1).values],
                   [train_score_known, train_logits_zero_shot.max(1).values],
                   feature, train_feature, train_label, train_logits_zero_shot)


@register_score
def joint_of_compounds(score_known, logits_zero_shot, feature, train_score_known,
                       train_logits_zero_shot, train_feature, train_label):
    """``joint`` minus 2 times ``stronger``, for unknown emotions that are compounds.

    Args:
        score_known (Tensor): see ``joint``.
        logits_zero_shot (Tensor): (N, K).
        feature (Tensor): (N, D).
        train_score_known (Tensor): (M,).
        train_logits_zero_shot (Tensor): (M, K).
        train_feature (Tensor): (M, D).
        train_label (Tensor): (M,).

    Returns:
        Tensor: (N,).
    """
    length = standard_units(log_length(train_feature))
    return joint(score_known, logits_zero_shot, feature, train_score_known,
                 train_logits_zero_shot, train_feature,
                 train_label) - LENGTH * stronger(log_length(feature), *length)


@register_score
def joint_without_texts(score_known, feature, train_score_known, train_feature, train_label):
    """The joint score without zero-shot CLIP, for methods that have no texts.

    Args:
        score_known (Tensor): see ``joint``.
        feature (Tensor): (N, D).
        train_score_known (Tensor): (M,).
        train_feature (Tensor): (M, D).
        train_label (Tensor): (M,).

    Returns:
        Tensor: (N,).
    """
    return _fitted([score_known], [train_score_known], feature, train_feature, train_label)
