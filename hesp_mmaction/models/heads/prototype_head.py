"""Heads whose logits are distances to one point per class."""
from abc import abstractmethod

import torch
from torch import nn

from ..widths import width_of
from .open_set_head import OpenSetHead


def point_logits(features, points, kind):
    """Logits from the distances of features to one point per class.

    Args:
        features (Tensor): f (B, D).
        points (Tensor): p (K, D).
        kind (str): ``'euclidean'`` = ||f - p_k||, far speaks for the class (HESP Eq. 11);
            ``'arpl'`` = ||f - p_k||^2 / D - f . p_k, far speaks for it too (ARPL, and HESP's
            released code); ``'near'`` = -||f - p_k||^2, near speaks for it (GCPL).

    Returns:
        Tensor: (B, K).
    """
    if kind == 'arpl':
        squares = (features[:, None] - points[None]).square().mean(2)
        return squares - features @ points.T
    squares = (features[:, None] - points[None]).square().sum(2)
    return -squares if kind == 'near' else squares.clamp_min(1e-12).sqrt()


class PrototypeHead(OpenSetHead):
    """Base of the heads with K learned points and the logits of ``point_logits``.

    The score is the largest logit. Subclasses set ``kind`` and write ``losses``. HESP's negatives
    are points too, but come from learned images: see ``NegativeVisuals``.

    Args:
        known (Sequence[str]): names of the known emotions, in label order.
        in_channels (int, optional): D, width of the backbone's features. Defaults to None, the
            width of ``clip``.
        clip (dict, optional): the CLIP of the backbone, with ``arch``. Defaults to None.
        init_cfg (dict, optional): see mmengine's ``BaseModule``. Defaults to None.

    Attributes:
        kind (str): see ``point_logits``.

    Raises:
        InputError: neither ``in_channels`` nor ``clip`` is given.
    """
    kind = None

    def __init__(self, known, in_channels=None, clip=None, init_cfg=None):
        super().__init__(known, init_cfg)
        self.points = nn.Parameter(0.1 * torch.randn(len(known), width_of(self, in_channels, clip)))

    def forward(self, feats, **kwargs):
        """Measure the distances of features to the points.

        Args:
            feats (Tensor): video features (B, D).
            **kwargs (Any): what else the recognizer knows of the batch; not used.

        Returns:
            dict[str, Tensor]: ``feature`` (B, D); ``logits``, ``logits_known`` and
            ``probabilities`` (B, K).
        """
        logits = point_logits(feats, self.points, self.kind)
        return dict(feature=feats, logits=logits, logits_known=logits,
                    probabilities=logits.softmax(1))

    def score(self, outputs):
        return outputs['logits'].max(1).values

    @abstractmethod
    def losses(self, outputs, labels):
        """Compute the losses of a batch.

        Args:
            outputs (dict[str, Tensor]): as returned by ``forward``.
            labels (Tensor): int (B,), 0 to K - 1.

        Returns:
            dict[str, Tensor]: scalars; names with ``loss`` are added up.
        """
