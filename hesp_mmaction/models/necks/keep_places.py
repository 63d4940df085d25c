"""For heads that read whole maps."""
from mmaction.registry import MODELS
from torch import nn


@MODELS.register_module()
class KeepPlaces(nn.Module):
    """Maps (B, T, C, h, w) of frames, of several stages the last, to (B, C, T * h * w)."""

    def forward(self, x, data_samples=None):
        x = x[-1] if isinstance(x, tuple) else x
        return x.transpose(1, 2).flatten(2)
