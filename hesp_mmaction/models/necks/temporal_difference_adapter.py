"""A recurrent adapter over frame features, after PE-CLIP (Saadi et al., arXiv 2503.16945)."""
from mmaction.registry import MODELS
from torch import nn

from ..widths import width_of

REDUCTION = 8


@MODELS.register_module()
class TemporalDifferenceAdapter(nn.Module):
    """Mean of frame features after a recurrent network has changed each of them.

    With n_t = LayerNorm(f_t):

        h_1 .. h_T = GRU(W_down n_1 .. W_down n_T)
        g_t = ReLU(w . n_t + b)
        f = mean_t (f_t + g_t W_up GELU(h_t))

    W_down takes C to C / 8 and W_up takes it back. W_up and its bias are zero at the start, so the
    neck starts as the mean. w is zero too and b is 1, so at first the gate g_t lets every frame
    through.

    PE-CLIP (Saadi et al., arXiv 2503.16945) calls it the temporal dynamic adapter and puts it into
    the blocks of CLIP's image tower. Here it follows the tower. The released code hands its GRU the
    batch as the axis of time, so that the features of a clip depend on the other clips of the
    batch. Here the axis of time is time.

    Args:
        in_channels (int, optional): C. Defaults to None, the width of ``clip``.
        clip (dict, optional): the CLIP of the backbone, with ``arch``. Defaults to None.

    Raises:
        InputError: neither ``in_channels`` nor ``clip`` is given.
    """

    def __init__(self, in_channels=None, clip=None):
        super().__init__()
        width = width_of(self, in_channels, clip)
        narrow = max(1, width // REDUCTION)
        self.norm = nn.LayerNorm(width)
        self.down = nn.Linear(width, narrow)
        self.gru = nn.GRU(narrow, narrow, batch_first=True)
        self.activation = nn.GELU()
        self.up = nn.Linear(narrow, width)
        self.gate = nn.Linear(width, 1)
        for parameter in (self.up.weight, self.up.bias, self.gate.weight):
            nn.init.zeros_(parameter)
        nn.init.ones_(self.gate.bias)

    def forward(self, x, data_samples=None):
        """Compute the video feature.

        Args:
            x (Tensor): frame features (B, T, C).
            data_samples (list, optional): not used. Defaults to None.

        Returns:
            Tensor: (B, C).
        """
        normed = self.norm(x)
        hidden, _ = self.gru(self.down(normed))
        change = self.gate(normed).relu() * self.up(self.activation(hidden))
        return (x + change).mean(1)
