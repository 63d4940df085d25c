"""Interpolated weight optimisation (Open-VCLIP; Weng et al., ICML 2023)."""
from copy import deepcopy

import torch
from mmaction.registry import MODELS
from torch.func import functional_call

from ...errors import InputError
from ..frozen import freeze
from ..norms import statistics_kept
from .hesp_recognizer import HESPRecognizer


@MODELS.register_module()
class InterpolatedRecognizer(HESPRecognizer):
    """Learns also at weights on the way back to CLIP's, so that the two can be mixed afterwards.

    Every step adds two gradients: that of the loss at theta, the weights that are learned, and
    ``weight`` times that of the loss at a CLIP + (1 - a) theta. a is drawn from U(0,
    ``max_share``). As in the released code, the second gradient does not have the factor 1 - a of
    the chain rule. ``WeightPatchHook`` does the mixing.

    Source: interpolated weight optimisation of Open-VCLIP (Weng et al., ICML 2023).

    Args:
        *args (Any): see ``HESPRecognizer``.
        max_share (float): largest a. Defaults to 0.6.
        weight (float): weight of the loss at the mixed weights. Defaults to 0.5.
        **kwargs (Any): see ``HESPRecognizer``; the backbone is a CLIP that is trained.

    Raises:
        InputError: the backbone recomputes its blocks, which would use the learned weights in place
            of the mixed ones.
    """

    def __init__(self, *args, max_share=0.6, weight=0.5, **kwargs):
        super().__init__(*args, **kwargs)
        if getattr(self.backbone, 'recompute', False):
            raise InputError('InterpolatedRecognizer mixes weights for one pass, and recomputation '
                             'would not see them: take model.backbone.recompute out')
        self.max_share, self.weight = max_share, weight
        self.pretrained = freeze(deepcopy(self.backbone))  # only its weights are read
        self._mixed = None

    def mixed_weights(self, share):
        """Mixtures of CLIP's weights and ours, through which the gradient passes unchanged.

        Args:
            share (float): a, the share of CLIP's weights, 0 to 1.

        Returns:
            dict[str, Tensor]: name of a trained parameter to a CLIP + (1 - a) theta.
        """
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
            with statistics_kept(self.backbone):  # they belong to the weights that are learned
                between = super().loss(inputs, data_samples, **kwargs)
        finally:
            self._mixed = None
        return losses | {f'{name}_between': self.weight * value
                         for name, value in between.items() if 'loss' in name}
