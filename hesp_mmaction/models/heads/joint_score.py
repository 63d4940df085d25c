"""HESP's joint score inside a head: what it is fitted with is saved with the weights."""
import torch
from torch import nn

from ...evaluation.scores import (
    class_gaussians,
    held_out_distances,
    joint_score,
    squared_distances,
    standard_units,
)
from ..eval_cache import EvalCache


class JointScore(nn.Module):
    """Buffers of :func:`~hesp_mmaction.evaluation.scores.joint_score` and of the class Gaussians.

    Args:
        num_classes (int): K.
        dim (int): D, width of the video feature.

    Attributes:
        fitted (bool): False until :meth:`fit`, and in a checkpoint that was saved before it.
    """

    def __init__(self, num_classes, dim):
        super().__init__()
        self.num_classes = num_classes
        self.register_buffer('means', torch.zeros(num_classes, dim))
        self.register_buffer('precision', torch.zeros(dim, dim))
        self.register_buffer('centres', torch.full((3,), float('nan')))
        self.register_buffer('spreads', torch.ones(3))

        self._fitted = EvalCache()

    @property
    def fitted(self):
        return self._fitted.get(lambda: not bool(self.centres[0].isnan()), self)

    def fit(self, feature, label, own, zero_shot):
        """Fit on the known training clips, all of them in every process.

        Args:
            feature (Tensor): (M, D).
            label (Tensor): (M,).
            own (Tensor): (M,), the own score.
            zero_shot (Tensor): (M,), the largest zero-shot logit.

        Returns:
            tuple[Tensor, Tensor]: squared distances (M, K) of each clip to the classes fitted
            without it, and its joint score (M,) by these; in float64.
        """
        means, precision = class_gaussians(feature, label, self.num_classes)
        held_out = held_out_distances(feature, label, self.num_classes)
        units = [standard_units(values) for values in (
            own, zero_shot, -held_out.min(1).values.sqrt())]
        self.means.copy_(means)
        self.precision.copy_(precision)
        centres, spreads = map(torch.stack, zip(*units, strict=True))
        self.centres.copy_(centres)
        self.spreads.copy_(spreads)
        return held_out, joint_score(own, zero_shot, -held_out.min(1).values.sqrt(), centres,
                                     spreads)

    def distances(self, feature):
        """Squared distances (B, K) of features (B, D) to the classes."""
        return squared_distances(feature, self.means, self.precision)

    def forward(self, own, zero_shot, distances):
        """Knownness (B,).

        Args:
            own (Tensor): (B,).
            zero_shot (Tensor): (B,), the largest zero-shot logit.
            distances (Tensor): squared, (B, K).

        Returns:
            Tensor: (B,).
        """
        usual = -distances.min(1).values.sqrt()
        return joint_score(own, zero_shot, usual, self.centres, self.spreads)
