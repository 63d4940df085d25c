"""A transformer over frame features (the temporal model of DFER-CLIP and Former-DFER)."""
import torch
from mmaction.registry import MODELS
from torch import nn

from ...errors import InputError
from ..attention import Block
from ..widths import width_of


@MODELS.register_module()
class TemporalTransformer(nn.Module):
    """The class token of a transformer over frame features.

    Class token and position embeddings are learned. Blocks have their norms first (pre-norm). Depth
    0 is the mean over time, without parameters (the first row of DFER-CLIP's Table 1).

    Sources: DFER-CLIP (Zhao and Patras, BMVC 2023) and Former-DFER (Zhao and Liu, ACM MM 2021).

    Args:
        num_frames (int): T.
        in_channels (int, optional): C, width of the frame features. Defaults to None, the width of
            ``clip``.
        clip (dict, optional): the CLIP of the backbone, with ``arch``. Defaults to None.
        depth (int): number of blocks. Defaults to 1.
        heads (int): of the attention. Defaults to 8.
        dim_head (int): width of a head. Defaults to 64.
        mlp_dim (int): inner width of the MLP. Defaults to 1024.

    Raises:
        InputError: neither ``in_channels`` nor ``clip`` is given.
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
        """Compute the video feature.

        Args:
            x (Tensor): frame features (B, T, C).
            data_samples (list, optional): not used. Defaults to None.

        Returns:
            Tensor: (B, C).

        Raises:
            InputError: the clips do not have ``num_frames`` frames.
        """
        if not len(self.blocks):
            return x.mean(1)
        if x.shape[1] + 1 != self.positions.shape[1]:
            raise InputError(f'the temporal transformer was made for {self.positions.shape[1] - 1} '
                             f'frames and got {x.shape[1]}: set model.neck.num_frames')
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.positions
        return self.blocks(x)[:, 0]
