"""Mean over time."""
from mmaction.registry import MODELS
from torch import nn


@MODELS.register_module()
class TemporalMean(nn.Module):
    """Frame features (B, T, D) to the video feature f (B, D), not normalised.

    Args:
        num_frames (int, optional): of no effect; taken so that ``model.neck.type`` alone turns a
            :class:`TemporalFilter` into the mean.
    """

    def __init__(self, num_frames=None):
        super().__init__()

    def forward(self, x, data_samples=None):
        return x.mean(1)
