"""From the instances of a clip to one feature (M3DFEL; Wang et al., CVPR 2023)."""
import torch
from mmaction.registry import MODELS
from torch import nn

from ..attention import attend


class DynamicNorm(nn.Module):
    """Normalisation by a learned mixture of an instance's and the whole bag's statistics.

    Mean and variance are taken over the channels of each instance and over all instances of a clip.
    Two softmaxes of learned weights mix them. Variances are unbiased within an instance, as in the
    released code of M3DFEL (Wang et al., CVPR 2023).

    Args:
        channels (int): C.
        eps (float): added to the variance. Defaults to 1e-5.
    """

    def __init__(self, channels, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(
            torch.zeros(channels))
        self.mix_mean, self.mix_variance = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))

    def forward(self, x):
        """Normalise the instances of clips.

        Args:
            x (Tensor): (B, n, C).

        Returns:
            Tensor: (B, n, C).
        """
        mean = x.mean(2, keepdim=True)
        variance = x.var(2, keepdim=True)
        bag_mean = mean.mean(1, keepdim=True)
        bag_variance = (variance + mean.square()).mean(1, keepdim=True) - bag_mean.square()
        a, b = self.mix_mean.softmax(0)
        c, d = self.mix_variance.softmax(0)
        x = (x - a * mean - b * bag_mean) / (c * variance + d * bag_variance + self.eps).sqrt()
        return x * self.weight + self.bias


@MODELS.register_module()
class InstanceAggregation(nn.Module):
    """Features of the n instances of a clip to one video feature.

    Two bidirectional LSTMs read the instances. Self-attention, ``DynamicNorm`` and a sigmoid make a
    gate from their output, which multiplies that output. A convolution that takes the instances as
    channels makes one feature of them.

    Source: M3DFEL (Wang et al., CVPR 2023).

    Args:
        num_instances (int): n. Defaults to 4.
        in_channels (int): C, width of an instance's feature. Defaults to 512.
        hidden (int): width of each direction of an LSTM. Defaults to 512.
        heads (int): of the self-attention. Defaults to 8.
    """

    def __init__(self, num_instances=4, in_channels=512, hidden=512, heads=8):
        super().__init__()
        width = 2 * hidden
        self.heads = heads
        self.lstm = nn.LSTM(in_channels, hidden, 2, batch_first=True, bidirectional=True)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.norm = DynamicNorm(width)
        self.merge = nn.Conv1d(num_instances, 1, 3, padding=1)

    def forward(self, x, data_samples=None):
        """Compute the video feature.

        Args:
            x (Tensor): (B, n, C).
            data_samples (list, optional): not used. Defaults to None.

        Returns:
            Tensor: (B, 2 * hidden).
        """
        x, _ = self.lstm(x)
        gate = self.norm(attend(*self.qkv(x).chunk(3, 2), self.heads)).sigmoid()
        return self.merge(x * gate)[:, 0]
