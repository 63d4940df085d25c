"""Visual prompt tuning: learned tokens inside a frozen image tower (Jia et al., ECCV 2022)."""
import torch
from mmaction.registry import MODELS
from open_clip.modified_resnet import ModifiedResNet
from torch import nn

from ..attention import pool_tokens, run_pool
from .clip_image_tower import CLIPImageTower


@MODELS.register_module()
class VPTTower(CLIPImageTower):
    """CLIP's frozen image tower with learned tokens among those of the image.

    In the ViT the tokens follow the class token. Shallow tokens enter the first block and stay.
    Deep tokens enter every block anew, in place of those that left the previous one. The ResNet
    form has one attention layer, its pooling, where the tokens join the places.

    Source: VPT (Jia et al., ECCV 2022). The paper knows no network like the ResNet form. For a
    convolutional network it pads the image, which is ``VisualPrompt`` with ``region='border'``.

    Args:
        arch (str): see ``CLIPImageTower``.
        pretrained (str, optional): see ``CLIPImageTower``.
        quick_gelu (bool, optional): see ``CLIPImageTower``.
        num_tokens (int): number of learned tokens. Defaults to 8.
        deep (bool): True for tokens of their own in every block of a ViT. Defaults to True.
    """

    def __init__(self, arch, pretrained=None, quick_gelu=None, num_tokens=8, deep=True):
        super().__init__(arch, pretrained, quick_gelu)
        layers = 1
        if isinstance(self.visual, ModifiedResNet):
            width = self.visual.attnpool.positional_embedding.shape[1]
        else:
            width = self.visual.positional_embedding.shape[1]
            layers = len(self.visual.transformer.resblocks) if deep else 1
        # Made after the tower was frozen, so that they are trained and saved, and nothing else is.
        self.tokens = nn.Parameter(0.02 * torch.randn(layers, num_tokens, width))

    def forward(self, x):
        """Compute the features of frames.

        Args:
            x (Tensor): (N, 3, S, S), normalised as for ``CLIPImageTower``.

        Returns:
            Tensor: (N, D).

        Raises:
            InputError: frames have another size than the tower's.
        """
        self.check_size(x)
        if isinstance(self.visual, ModifiedResNet):
            maps = self.resnet_maps(x.contiguous(memory_format=torch.channels_last))
            x = pool_tokens(self.visual.attnpool, maps)
            tokens = self.tokens[0].to(x.dtype).expand(len(x), -1, -1)
            return run_pool(self.visual.attnpool, torch.cat([x, tokens], 1))
        x = self.visual._embeds(x)
        rest = 1  # position of the first token of the image
        for i, block in enumerate(self.visual.transformer.resblocks):
            if i < len(self.tokens):
                tokens = self.tokens[i].to(x.dtype).expand(len(x), -1, -1)
                x = torch.cat([x[:, :1], tokens, x[:, rest:]], 1)
                rest = 1 + self.tokens.shape[1]
            x = block(x)
        return self.project(self.visual._pool(x)[0])
