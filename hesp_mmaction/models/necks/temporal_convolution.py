"""A convolution over time, after ST-Adapter (Pan et al., NeurIPS 2022, arXiv 2206.13559)."""
from mmaction.registry import MODELS
from torch import nn

from ..widths import width_of


@MODELS.register_module()
class TemporalConvolution(nn.Module):
    """Mean of frame features after a convolution over neighbouring frames.

    The video feature is f = mean_t (f_t + W_2 conv(W_1 f)_t). W_1 takes C to a few channels and W_2
    takes them back. conv is a depth-wise convolution over three frames: each channel has a kernel
    of its own, and the clip is padded with zeros at both ends. The kernels and all biases are zero
    at the start, so the neck starts as the mean. As in the released code, the two projections have
    nothing but the convolution between them.

    ST-Adapter (Pan et al., NeurIPS 2022) puts this into the blocks of CLIP's image tower, at every
    place, with half of the tower's width as channels. Here it follows the tower, where a frame is
    one vector. All of it is linear, so the result depends on the mean, the first and the last frame
    alone.

    Args:
        in_channels (int, optional): C. Defaults to None, the width of ``clip``.
        clip (dict, optional): the CLIP of the backbone, with ``arch``. Defaults to None.
        channels (int): the number of channels of the convolution. Defaults to 64.

    Raises:
        InputError: neither ``in_channels`` nor ``clip`` is given.
    """

    def __init__(self, in_channels=None, clip=None, channels=64):
        super().__init__()
        width = width_of(self, in_channels, clip)
        self.down = nn.Linear(width, channels)
        self.convolution = nn.Conv1d(channels, channels, 3, padding=1, groups=channels)
        self.up = nn.Linear(channels, width)
        for parameter in (self.convolution.weight, self.convolution.bias, self.down.bias,
                          self.up.bias):
            nn.init.zeros_(parameter)

    def forward(self, x, data_samples=None):
        """Compute the video feature.

        Args:
            x (Tensor): frame features (B, T, C).
            data_samples (list, optional): not used. Defaults to None.

        Returns:
            Tensor: (B, C).
        """
        mixed = self.convolution(self.down(x).transpose(1, 2)).transpose(1, 2)
        return (x + self.up(mixed)).mean(1)
