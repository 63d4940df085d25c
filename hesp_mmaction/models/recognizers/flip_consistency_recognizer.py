"""A recognizer whose class-activation maps should follow a mirror (Open-set FER's second stage)."""
import torch
from mmaction.registry import MODELS

from ..losses import flip_consistency, global_mean
from ..precision import in_float32
from .prompted_recognizer import PromptedRecognizer, pool_grid


@MODELS.register_module()
class FlipConsistencyRecognizer(PromptedRecognizer):
    """``PromptedRecognizer`` with a loss on mirrored frames, for ``PseudoLabelHead``.

    Once the head learns pseudo labels, the map of each class in a frame and in the mirrored frame
    must agree (``flip_consistency``). The backbone must return feature maps.

    Source: the second stage of Open-set FER (Zhang et al., AAAI 2024).

    Args:
        *args (Any): see ``PromptedRecognizer``.
        flip_weight (float): weight of the loss on mirrored frames. Defaults to 6.
        **kwargs (Any): see ``PromptedRecognizer``.

    Raises:
        InputError: a visual prompt, negatives or ``grad_frames`` are given. The second stage uses
            none of these.
    """

    def __init__(self, *args, flip_weight=6.0, **kwargs):
        super().__init__(*args, pool=False, **kwargs)
        self.flip_weight = flip_weight

    def features_and_maps(self, frames):
        """Features and maps of frames.

        Args:
            frames (Tensor): (B, T, 3, S, S), normalised.

        Returns:
            tuple[Tensor, Tensor]: features (B, T, C) and maps (B, T, C, h, w).
        """
        stages = super().frame_features(frames)
        return stages if isinstance(stages, tuple) else (pool_grid(stages), stages)

    def frame_features(self, frames):
        return self.features_and_maps(frames)[0]

    def loss(self, inputs, data_samples, **kwargs):
        if not self.cls_head.pseudo_labels:
            return super().loss(inputs, data_samples, **kwargs)
        frames = self.normalise(inputs / 255)
        feats, maps = self.features_and_maps(torch.cat([frames, frames.flip(-1)]))
        with in_float32(frames):
            return self._second_stage(feats[:len(frames)], maps, data_samples)

    def _second_stage(self, feats, maps, data_samples):
        x, auxiliary = self.neck(feats, data_samples=data_samples), {}
        if isinstance(x, tuple):
            x, auxiliary = x
        losses = self.cls_head.loss(x, data_samples) | auxiliary
        activations = self.cls_head.activation_maps(maps).chunk(2)
        losses['loss_flip'] = self.flip_weight * global_mean(flip_consistency(*activations))
        return losses
