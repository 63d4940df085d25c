"""Heads whose logits are distances to one point per class."""
from abc import abstractmethod

import torch
from torch import nn

from ..widths import width_of
from .open_set_head import OpenSetHead


def point_logits(features, points, kind):
    """How the distance to the point of a class speaks for the class.

    Args:
        features (Tensor): f (B, D). points (Tensor): p (K, D).
        kind (str): ``'euclidean'`` = ||f - p_k||, far speaks for the class (HESP Eq. 11);
            ``'arpl'`` = ||f - p_k||^2 / D - f . p_k, far too (ARPL, and HESP's released code);
            ``'near'`` = -||f - p_k||^2, near speaks for the class (GCPL).

    Returns:
        Tensor: (B, K).
    """
    if kind == 'arpl':
        squares = (features[:, None] - points[None]).square().mean(2)
        return squares - features @ points.T
    squares = (features[:, None] - points[None]).square().sum(2)
    return -squares if kind == 'near' else squares.clamp_min(1e-12).sqrt()


class PrototypeHead(OpenSetHead):
    """Base: K learned points, logits of :func:`point_logits`; the score is the largest logit.

    Subclasses set ``kind`` and write ``losses``. (HESP's negatives are points that come from
    learned images instead: see :class:`NegativeVisuals`.)

    Args:
        known (Sequence[str]): names of the known emotions, in label order.
        in_channels (int, optional): D, width of the backbone's features. ``None`` = that of
            ``clip`` (dict, optional), the CLIP of the backbone.
    """
    kind = None

    def __init__(self, known, in_channels=None, clip=None, init_cfg=None):
        super().__init__(known, init_cfg)
        self.points = nn.Parameter(0.1 * torch.randn(len(known), width_of(self, in_channels, clip)))

    def forward(self, feats, **kwargs):
        """Video features (B, D) to ``feature``, ``logits``, ``logits_known``, ``probabilities``."""
        logits = point_logits(feats, self.points, self.kind)
        return dict(feature=feats, logits=logits, logits_known=logits,
                    probabilities=logits.softmax(1))

    def score(self, outputs):
        return outputs['logits'].max(1).values

    @abstractmethod
    def losses(self, outputs, labels):
        """See :class:`OpenSetHead`."""
