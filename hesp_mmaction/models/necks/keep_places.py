"""A neck for heads that read whole maps."""
from mmaction.registry import MODELS
from torch import nn


@MODELS.register_module()
class KeepPlaces(nn.Module):
    """All places of all frames side by side, for heads that read whole maps."""

    def forward(self, x, data_samples=None):
        """Flatten time and places into one axis.

        Args:
            x (Tensor | tuple[Tensor]): maps (B, T, C, h, w); of several stages the last is taken.
            data_samples (list, optional): not used. Defaults to None.

        Returns:
            Tensor: (B, C, T * h * w).
        """
        x = x[-1] if isinstance(x, tuple) else x
        return x.transpose(1, 2).flatten(2)
