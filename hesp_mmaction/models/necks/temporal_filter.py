"""A learned weight per frame position."""
import torch
from mmaction.registry import MODELS
from torch import nn

from ...errors import InputError


@MODELS.register_module()
class TemporalFilter(nn.Module):
    """Frame features (B, T, D) to the video feature f = sum_t w_t f_t (B, D), w learned.

    It starts as the mean (w_t = 1 / T). Weights may become negative: frames in which the face is
    still at rest then take off what does not change within a clip (the person, the light, the
    background) and the expression is left. Not in the paper, which takes the mean.

    In training it is held to the mean: with ``hold`` times the mean squared relative deviation
    (T w_t - 1)^2 as a loss, weights that bring nothing stay where they are. Without it the filter
    fits noise where no frame is at rest.

    Args:
        num_frames (int): T.
        hold (float): weight of that loss; 0 = off.
    """

    def __init__(self, num_frames, hold=0.03):
        super().__init__()
        self.hold = hold
        self.weights = nn.Parameter(torch.full((num_frames,), 1 / num_frames))

    def forward(self, x, data_samples=None):
        if x.shape[1] != len(self.weights):
            raise InputError(f'the temporal filter was made for {len(self.weights)} frames and got '
                             f'{x.shape[1]}: set model.neck.num_frames, or model.neck.type to '
                             "'TemporalMean'")
        feature = (x * self.weights[:, None]).sum(1)
        if not (self.training and self.hold):
            return feature
        away = (len(self.weights) * self.weights - 1).square().mean()
        return feature, dict(loss_filter=self.hold * away)
