"""The negative representation: what "not class k" looks like (HESP section 3.3)."""
import torch
from mmaction.registry import MODELS
from torch import nn


@MODELS.register_module()
class NegativeVisuals(nn.Module):
    """K learnable images, whose features are the negatives.

    The images lie in the backbone's normalised pixel space and start as N(0, 1).

    Args:
        num_classes (int): K.
        image_size (int): S, side of the images in pixels.
    """

    def __init__(self, num_classes, image_size):
        super().__init__()
        self.images = nn.Parameter(torch.randn(num_classes, 3, image_size, image_size))

    def forward(self, encode):
        """Compute the negatives.

        Args:
            encode (Callable[[Tensor], Tensor]): normalised images (K, 3, S, S) to features (K, D).

        Returns:
            Tensor: c (K, D).
        """
        return encode(self.images)


@MODELS.register_module()
class NegativePoints(nn.Module):
    """K learnable points in feature space, for backbones that take clips in place of images.

    Args:
        num_classes (int): K.
        dim (int): D, width of the features. The recognizer sets it to that of CLIP's image tower.
    """

    def __init__(self, num_classes, dim):
        super().__init__()
        self.points = nn.Parameter(0.1 * torch.randn(num_classes, dim))

    def forward(self, encode):
        """The negatives themselves.

        Args:
            encode (Callable): not used.

        Returns:
            Tensor: c (K, D).
        """
        return self.points
