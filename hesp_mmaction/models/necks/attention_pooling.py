"""Self-attention pooling over time (AutoLabel; Zara et al., CVPR 2023)."""
from mmaction.registry import MODELS
from torch import nn

from ..attention import attend
from ..widths import width_of


@MODELS.register_module()
class AttentionPooling(nn.Module):
    """Mean over time of frame features after self-attention among the frames of a clip.

    The video feature is the mean over t of f_t + out(attention(f_t; f_1 .. f_T)). ``out`` is zero
    at the start, so the neck starts as the mean over time, which fits CLIP's texts.

    Args:
        in_channels (int, optional): C, width of the frame features. Defaults to None, the width of
            ``clip``.
        clip (dict, optional): the CLIP of the backbone, with ``arch``. Defaults to None.
        heads (int): number of heads, each C / heads wide. Defaults to 4.

    Raises:
        InputError: neither ``in_channels`` nor ``clip`` is given.
    """

    def __init__(self, in_channels=None, clip=None, heads=4):
        super().__init__()
        width = width_of(self, in_channels, clip)
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x, data_samples=None):
        """Compute the video feature.

        Args:
            x (Tensor): frame features (B, T, C).
            data_samples (list, optional): not used. Defaults to None.

        Returns:
            Tensor: (B, C).
        """
        attended = attend(*self.qkv(self.norm(x)).chunk(3, 2), self.heads)
        return (x + self.out(attended)).mean(1)
