"""The frame encoder of Former-DFER (Zhao and Liu, ACM MM 2021)."""
import torch
from mmaction.registry import MODELS
from torch import nn
from torchvision.models import resnet18

from ...errors import InputError
from ..attention import Block


@MODELS.register_module()
class SpatialFormer(nn.Module):
    """A ResNet-18 with a transformer over the places of its third stage.

    The places (stride 16: 7 x 7 of 112 pixels) get learned position embeddings and pass ``depth``
    blocks. The last stage of the ResNet and the mean over places follow. Weights are random, as in
    the released code. The transformer over time that belongs to the method is
    ``TemporalTransformer``.

    Source: Former-DFER (Zhao and Liu, ACM MM 2021).

    Args:
        image_size (int): S, side of the frames in pixels.
        depth (int): number of blocks. Defaults to 1.
        heads (int): of the attention. Defaults to 8.
        dim_head (int): width of a head. Defaults to 32.
        mlp_dim (int): inner width of the MLP. Defaults to 512.

    Attributes:
        out_channels (int): width of the features, 512.
    """
    out_channels = 512

    def __init__(self, image_size, depth=1, heads=8, dim_head=32, mlp_dim=512):
        super().__init__()
        resnet = resnet18()
        self.stem = nn.Sequential(resnet.conv1, resnet.bn1, resnet.relu, resnet.maxpool,
                                  resnet.layer1, resnet.layer2, resnet.layer3)
        self.side = -(-image_size // 16)
        self.positions = nn.Parameter(0.02 * torch.randn(1, self.side ** 2, 256))
        self.blocks = nn.Sequential(*(Block(256, heads, dim_head, mlp_dim) for _ in range(depth)))
        self.last = resnet.layer4

    def init_weights(self):
        """Does nothing, because the weights are drawn at construction."""

    def forward(self, x):
        """Compute the features of frames.

        Args:
            x (Tensor): (N, 3, S, S), normalised.

        Returns:
            Tensor: (N, 512).

        Raises:
            InputError: frames have another size than ``image_size``.
        """
        maps = self.stem(x)
        if maps.shape[2:] != (self.side, self.side):
            raise InputError(f'this SpatialFormer was made for frames of another size than '
                             f'{x.shape[-2]} x {x.shape[-1]}: set image_size in the config')
        tokens = self.blocks(maps.flatten(2).transpose(1, 2) + self.positions)
        return self.last(tokens.transpose(1, 2).unflatten(2, maps.shape[2:])).mean((2, 3))
