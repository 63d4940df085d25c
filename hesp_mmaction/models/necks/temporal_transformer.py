"""A transformer over frame features (the temporal model of DFER-CLIP and Former-DFER)."""
import torch
from mmaction.registry import MODELS
from torch import nn

from ...errors import InputError
from ..attention import Block
from ..widths import width_of


@MODELS.register_module()
class TemporalTransformer(nn.Module):
    """Frame features (B, T, C) to the video feature (B, C): the class token after ``depth`` blocks.

    Class token and position embeddings are learned; blocks are pre-norm. Depth 0 is the mean over
    time, without parameters (the first row of DFER-CLIP's Table 1).

    Args:
        num_frames (int): T. in_channels (int, optional): C; ``None`` = that of ``clip`` (dict,
        optional), the CLIP of the backbone. depth (int): number of blocks. heads (int), dim_head
        (int): of the attention. mlp_dim (int): inner width of the MLP.
    """

    def __init__(self, num_frames, in_channels=None, clip=None, depth=1, heads=8, dim_head=64,
                 mlp_dim=1024):
        super().__init__()
        dim = width_of(self, in_channels, clip)
        self.blocks = nn.Sequential(*(Block(dim, heads, dim_head, mlp_dim) for _ in range(depth)))
        if depth:
            self.token = nn.Parameter(0.02 * torch.randn(1, 1, dim))
            self.positions = nn.Parameter(0.02 * torch.randn(1, num_frames + 1, dim))

    def forward(self, x, data_samples=None):
        if not len(self.blocks):
            return x.mean(1)
        if x.shape[1] + 1 != self.positions.shape[1]:
            raise InputError(f'the temporal transformer was made for {self.positions.shape[1] - 1} '
                             f'frames and got {x.shape[1]}: set model.neck.num_frames')
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.positions
        return self.blocks(x)[:, 0]
