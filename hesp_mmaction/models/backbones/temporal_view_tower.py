"""CLIP's image tower whose attention also sees the neighbouring frames (Open-VCLIP, ICML 2023)."""
from functools import partial

import torch
from mmaction.registry import MODELS
from open_clip.modified_resnet import ModifiedResNet

from ...errors import InputError
from ..attention import pool_tokens, run_block, run_pool
from .clip_image_tower import CLIPImageTower


def with_neighbours(x, frames):
    """Keys or values of every frame joined with those of the next and the previous frame.

    Before the first and after the last frame they are zero. Attention does see these zeros
    (with a score of zero), as in the released code.

    Args:
        x (Tensor): (B * T, L, C), the frames of a clip one after the other.
        frames (int): T.

    Returns:
        Tensor: (B * T, 3 * L, C): the next frame, the previous one, the frame itself.
    """
    x = x.unflatten(0, (-1, frames))
    zero = torch.zeros_like(x[:, :1])
    after, before = torch.cat([x[:, 1:], zero], 1), torch.cat([zero, x[:, :-1]], 1)
    return torch.cat([after, before, x], 2).flatten(0, 1)


@MODELS.register_module()
class TemporalViewTower(CLIPImageTower):
    """CLIP's image tower whose attention also sees the neighbouring frames.

    Every self-attention of the ViT takes keys and values of three frames. The ResNet form has one
    attention, its pooling, which does the same. There are no new parameters.

    Source: Open-VCLIP (Weng et al., ICML 2023).

    Args:
        arch (str): see ``CLIPImageTower``.
        pretrained (str, optional): see ``CLIPImageTower``.
        quick_gelu (bool, optional): see ``CLIPImageTower``.
        frozen (bool): see ``CLIPImageTower``.
    """

    def __init__(self, arch, pretrained=None, quick_gelu=None, frozen=True):
        super().__init__(arch, pretrained, quick_gelu, frozen)

    def forward(self, x):
        """Compute the features of the frames of clips.

        Args:
            x (Tensor): (B, 3, T, S, S), normalised as for ``CLIPImageTower``.

        Returns:
            Tensor: (B, T, D).

        Raises:
            InputError: x is no batch of clips, or has frames of another size than the tower's.
        """
        if x.ndim != 5:
            raise InputError('TemporalViewTower takes clips, not frames: set model.clip_input=True')
        self.check_size(x)
        frames = x.shape[2]
        x = x.transpose(1, 2).flatten(0, 1)
        widen = partial(with_neighbours, frames=frames)
        if isinstance(self.visual, ModifiedResNet):
            maps = self.resnet_maps(x.contiguous(memory_format=torch.channels_last))
            x = run_pool(self.visual.attnpool, pool_tokens(self.visual.attnpool, maps), widen)
        else:
            x = self.visual._embeds(x)
            for block in self.visual.transformer.resblocks:
                x = run_block(block, x, widen)
            x = self.project(self.visual._pool(x)[0])
        return x.unflatten(0, (-1, frames))
