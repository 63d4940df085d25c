"""Interpolated weight optimisation (Open-VCLIP; Weng et al., ICML 2023)."""
from copy import deepcopy

import torch
from mmaction.registry import MODELS
from torch.func import functional_call

from ..frozen import freeze
from ..norms import statistics_kept
from .hesp_recognizer import HESPRecognizer


@MODELS.register_module()
class InterpolatedRecognizer(HESPRecognizer):
    """Learns also at weights on the way back to CLIP's, so that these may be mixed in afterwards.

    Every step adds the gradient of ``weight`` times the loss at a CLIP + (1 - a) theta, a drawn
    from U(0, ``max_share``), to that of the loss at theta, as the released code does: as it is,
    without the factor 1 - a of the chain rule. :class:`WeightPatchHook` does the mixing.

    Args:
        max_share (float): largest a. weight (float): of the loss there.
        kwargs: see :class:`HESPRecognizer`; the backbone is a CLIP that is trained.
    """

    def __init__(self, *args, max_share=0.6, weight=0.5, **kwargs):
        super().__init__(*args, **kwargs)
        self.max_share, self.weight = max_share, weight
        self.pretrained = freeze(deepcopy(self.backbone))  # only its weights are read
        self._mixed = None

    def mixed_weights(self, share):
        """Name to share * CLIP's weight + (1 - share) * ours; the gradient passes as it is."""
        theirs = dict(self.pretrained.named_parameters())
        return {name: ours + share * (theirs[name] - ours).detach()
                for name, ours in self.backbone.named_parameters() if ours.requires_grad}

    def run_backbone(self, x):
        if self._mixed is None:
            return self.backbone(x)
        return functional_call(self.backbone, self._mixed, x)

    def loss(self, inputs, data_samples, **kwargs):
        losses = super().loss(inputs, data_samples, **kwargs)
        self._mixed = self.mixed_weights(self.max_share * torch.rand(()).item())
        try:
            with statistics_kept(self.backbone):  # they are those of the weights that are kept
                between = super().loss(inputs, data_samples, **kwargs)
        finally:
            self._mixed = None
        return losses | {f'{name}_between': self.weight * value
                         for name, value in between.items() if 'loss' in name}
