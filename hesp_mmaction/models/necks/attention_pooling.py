"""Self-attention pooling over time (AutoLabel; Zara et al., CVPR 2023)."""
from mmaction.registry import MODELS
from torch import nn

from ..attention import attend
from ..widths import width_of


@MODELS.register_module()
class AttentionPooling(nn.Module):
    """Frame features (B, T, C) to their mean (B, C) after each has looked at the others.

    f_t + out(attention(f_t; f_1 .. f_T)), mean over t. ``out`` starts at zero, hence the neck as
    the mean, which CLIP's texts fit.

    Args:
        in_channels (int, optional): C; ``None`` = that of ``clip`` (dict, optional), the CLIP of
        the backbone. heads (int): their width is C / heads.
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
        attended = attend(*self.qkv(self.norm(x)).chunk(3, 2), self.heads)
        return (x + self.out(attended)).mean(1)
