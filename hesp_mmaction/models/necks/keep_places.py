"""For heads that read whole maps."""
from mmaction.registry import MODELS
from torch import nn


@MODELS.register_module()
class KeepPlaces(nn.Module):
    """Maps (B, T, C, h, w) of frames to (B, C, T * h * w)."""

    def forward(self, x, data_samples=None):
        return x.transpose(1, 2).flatten(2)
