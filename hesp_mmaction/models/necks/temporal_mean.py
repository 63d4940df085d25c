"""Mean over time."""
from mmaction.registry import MODELS
from torch import nn


@MODELS.register_module()
class TemporalMean(nn.Module):
    """Mean of frame features over time; the video feature is not normalised.

    Args:
        num_frames (int, optional): not used. It is accepted so that a config turns a
            ``TemporalFilter`` into the mean by ``model.neck.type`` alone. Defaults to None.
    """

    def __init__(self, num_frames=None):
        super().__init__()

    def forward(self, x, data_samples=None):
        """Compute the video feature.

        Args:
            x (Tensor): frame features (B, T, D).
            data_samples (list, optional): not used. Defaults to None.

        Returns:
            Tensor: (B, D).
        """
        return x.mean(1)
