"""The negative representation: what "not class k" looks like (HESP section 3.3)."""
import torch
from mmaction.registry import MODELS
from torch import nn


@MODELS.register_module()
class NegativeVisuals(nn.Module):
    """K learnable images in the backbone's normalised space, N(0, 1) at first, made features.

    Args:
        num_classes (int): K. image_size (int): S.
    """

    def __init__(self, num_classes, image_size):
        super().__init__()
        self.images = nn.Parameter(torch.randn(num_classes, 3, image_size, image_size))

    def forward(self, encode):
        """``encode`` maps normalised images (K, 3, S, S) to features (K, D); gives c (K, D)."""
        return encode(self.images)


@MODELS.register_module()
class NegativePoints(nn.Module):
    """K learnable points in feature space, for backbones that take clips instead of images.

    Args:
        num_classes (int): K. dim (int): D, width of the features; the recognizer
        fills in that of CLIP's image tower.
    """

    def __init__(self, num_classes, dim):
        super().__init__()
        self.points = nn.Parameter(0.1 * torch.randn(num_classes, dim))

    def forward(self, encode):
        """c (K, D); ``encode`` is not used."""
        return self.points
