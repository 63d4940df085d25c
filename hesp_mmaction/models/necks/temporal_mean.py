"""Mean over time."""
from mmaction.registry import MODELS
from torch import nn


@MODELS.register_module()
class TemporalMean(nn.Module):
    """Frame features (B, T, D) to the video feature f (B, D), not normalised."""

    def forward(self, x, data_samples=None):
        return x.mean(1)
