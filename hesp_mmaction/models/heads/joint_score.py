"""HESP's joint score as part of a head, so that what is fitted is saved with the weights."""
import torch
from torch import nn

from ...evaluation.scores import (
    KNOWN,
    LENGTH,
    choose,
    class_gaussians,
    held_out_distances,
    log_length,
    squared_distances,
    standard_units,
    stronger,
    weigh,
)
from ..eval_cache import EvalCache


class JointScore(nn.Module):
    """Buffers of ``joint`` and of the class Gaussians.

    There are two precision matrices, because score and prediction need different shrinkage. The
    shrinkage of the score is chosen on the training clips. That of the prediction is always
    half-way to a ball.

    Args:
        num_classes (int): K.
        dim (int): D, width of the video feature.
    """

    def __init__(self, num_classes, dim):
        super().__init__()
        self.num_classes = num_classes
        self.register_buffer('means', torch.zeros(num_classes, dim))
        self.register_buffer('precision', torch.zeros(dim, dim))
        self.register_buffer('score_precision', torch.zeros(dim, dim))
        self.register_buffer('weights', torch.zeros(3))
        self.register_buffer('centres', torch.full((4,), float('nan')))
        self.register_buffer('spreads', torch.ones(4))

        self._fitted = EvalCache()

    @property
    def fitted(self):
        """bool: True after ``fit``, or with a checkpoint that was saved after a ``fit``."""
        return self._fitted.get(lambda: not bool(self.centres[0].isnan()), self)

    def fit(self, feature, label, known, zero_shot):
        """Fit on the known training clips, with all of them in every process.

        Args:
            feature (Tensor): (M, D).
            label (Tensor): int (M,), 0 to K - 1.
            known (Tensor): (M,), the largest logit of the learned texts.
            zero_shot (Tensor): (M, K), the zero-shot logits.

        Returns:
            tuple[Tensor, dict[str, Tensor]]: squared distances (M, K) to the class Gaussians of the
            prediction, and the scores of ``forward``, both in float64. For each clip they come from
            a fit without that clip.
        """
        fit = feature, label, self.num_classes
        shrinkage, weight = choose(feature, label, zero_shot)
        held_out = held_out_distances(*fit, shrinkage)
        parts = [known, zero_shot.max(1).values, -held_out.min(1).values.sqrt(),
                 log_length(feature)]
        units = [torch.stack(values) for values in zip(*map(standard_units, parts), strict=True)]
        means, precision = class_gaussians(*fit)
        for name, values in dict(
                means=means, precision=precision,
                score_precision=class_gaussians(*fit, shrinkage)[1],
                weights=torch.tensor([KNOWN, weight, 1]), centres=units[0],
                spreads=units[1]).items():
            getattr(self, name).copy_(values)
        return held_out_distances(*fit), self._scores(parts, self.weights.to(known), *units)

    def distances(self, feature):
        """Squared Mahalanobis distances to the class Gaussians of the prediction.

        Args:
            feature (Tensor): (B, D).

        Returns:
            Tensor: (B, K).
        """
        return squared_distances(feature, self.means, self.precision)

    def forward(self, known, zero_shot, feature):
        """Scores of new clips, bigger = more known.

        Args:
            known (Tensor): (B,), the largest logit of the learned texts.
            zero_shot (Tensor): (B, K), the zero-shot logits.
            feature (Tensor): (B, D).

        Returns:
            dict[str, Tensor]: ``joint`` and ``joint_of_compounds`` (B,).
        """
        distances = squared_distances(feature, self.means, self.score_precision)
        parts = [known, zero_shot.max(1).values, -distances.min(1).values.sqrt(),
                 log_length(feature)]
        return self._scores(parts, self.weights, self.centres, self.spreads)

    @staticmethod
    def _scores(parts, weights, centres, spreads):
        joint = weigh(parts[:3], weights, centres[:3], spreads[:3])
        return dict(joint=joint, joint_of_compounds=joint - LENGTH * stronger(
            parts[3], centres[3], spreads[3]))
