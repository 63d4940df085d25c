"""A learned weight per frame position."""
import torch
from mmaction.registry import MODELS
from torch import nn

from ...errors import InputError


@MODELS.register_module()
class TemporalFilter(nn.Module):
    """Weighted mean of frame features, f = sum_t w_t f_t, with one learned weight per frame.

    It starts as the mean (w_t = 1 / T). Weights may become negative. A frame in which the face is
    still at rest can then take off what does not change within a clip (the person, the light, the
    background), and the expression is left. This is not in the HESP paper, which takes the mean.

    In training the loss ``loss_filter`` holds the weights near the mean. It is ``hold`` times the
    mean of (T w_t - 1)^2. Without it the filter fits noise where no frame is at rest.

    Args:
        num_frames (int): T.
        hold (float): weight of ``loss_filter``; 0 switches it off. Defaults to 0.03.
    """

    def __init__(self, num_frames, hold=0.03):
        super().__init__()
        self.hold = hold
        self.weights = nn.Parameter(torch.full((num_frames,), 1 / num_frames))

    def forward(self, x, data_samples=None):
        """Compute the video feature.

        Args:
            x (Tensor): frame features (B, T, D).
            data_samples (list, optional): not used. Defaults to None.

        Returns:
            Tensor | tuple[Tensor, dict[str, Tensor]]: the feature (B, D); in training with ``hold``
            also the scalar ``loss_filter``.

        Raises:
            InputError: the clips do not have ``num_frames`` frames.
        """
        if x.shape[1] != len(self.weights):
            raise InputError(f'the temporal filter was made for {len(self.weights)} frames and got '
                             f'{x.shape[1]}: set model.neck.num_frames, or model.neck.type to '
                             "'TemporalMean'")
        feature = (x * self.weights[:, None]).sum(1)
        if not (self.training and self.hold):
            return feature
        away = (len(self.weights) * self.weights - 1).square().mean()
        return feature, dict(loss_filter=self.hold * away)
