"""Contrastive evidence debiasing, DEAR's auxiliary branches (Bao et al., ICCV 2021)."""
import torch
from mmaction.registry import MODELS
from torch import nn

from ..losses import global_mean
from ..losses.evidential import dirichlet, evidential_loss
from ..widths import width_of
from .temporal_mean import TemporalMean


def hsic(x, y):
    """Hilbert-Schmidt independence criterion with RBF kernels of width sqrt(dimension).

    trace(K H L H) / (N - 1)^2, H taking off the mean: 0 for independent rows, if there are many.

    Args:
        x (Tensor): (N, D). y (Tensor): (N, E).

    Returns:
        Tensor: scalar, not negative; 0 for fewer than two rows.
    """
    if len(x) < 2:
        return x.sum() * 0
    kernels = []
    for rows in (x, y):
        squares = (rows[:, None] - rows[None]).square().sum(2)
        kernel = torch.exp(-squares / (2 * rows.shape[1]))  # 2 sigma^2
        kernels.append(kernel - kernel.mean(0, keepdim=True))
    return (kernels[0] * kernels[1].T).sum() / (len(x) - 1) ** 2


class Branch(nn.Module):
    """Convolution, mean over places and time, dropout, classifier: (B, C, T, h, w) to (B, K)."""

    def __init__(self, channels, num_classes, kernel):
        super().__init__()
        padding = tuple(side // 2 for side in kernel)
        self.convolution = nn.Conv3d(channels, 2 * channels, kernel, (1, 2, 2), padding)
        self.classifier = nn.Linear(2 * channels, num_classes)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x):
        x = self.convolution(x).relu().mean((2, 3, 4))
        return self.classifier(self.dropout(x))


@MODELS.register_module()
class DebiasNeck(nn.Module):
    """Frame features (B, T, D) and maps (B, T, C, h, w) to the video feature (B, D), the mean of
    the features over time; in training also losses. Maps alone serve as features too: their means
    over the places.

    Three branches classify the map: over space and time, over space and *shuffled* time, and over
    space alone. Each learns by the evidential loss. The first makes its evidence independent
    (HSIC) of that of the other two, which can only see scenes and static looks, while these
    imitate it: a game of two sides, played in one step by stopping the gradient of the other side
    (the paper alternates them; the released code's default subtracts HSIC for both sides). All
    times ``weight``. A test does not use the branches.

    On several processes HSIC is that of each process's own samples.

    Args:
        num_classes (int): K.
        in_channels (int, optional): C. Defaults to None, the width of ``clip``.
        clip (dict, optional): the CLIP of the backbone, with ``arch``. Defaults to None.
        weight (float): of all its losses. Defaults to 0.1.
        channels_first (bool): maps are (B, C, T, h, w), and stay maps: so MMAction2's own
            recognizers call necks. Defaults to False.
        temporal (dict, optional): a neck (B, T, D) to (B, D) in place of the mean over time.
            Defaults to None, the mean (the paper).

    Raises:
        InputError: neither ``in_channels`` nor ``clip`` is given.
    """

    def __init__(self, num_classes, in_channels=None, clip=None, weight=0.1, channels_first=False,
                 temporal=None):
        super().__init__()
        width = width_of(self, in_channels, clip)
        self.space_time = Branch(width, num_classes, (3, 3, 3))
        self.shuffled = Branch(width, num_classes, (3, 3, 3))
        self.space = Branch(width, num_classes, (1, 3, 3))
        self.weight, self.channels_first = weight, channels_first
        self.temporal = MODELS.build(temporal) if temporal else TemporalMean()

    def losses(self, maps, labels):
        """Maps (B, C, T, h, w) and labels (B,) to a dict of scalars."""
        scale = maps.detach().std().clamp_min(1e-6)  # CLIPs differ in it by a factor of 15
        maps = maps / scale
        order = torch.randperm(maps.shape[2], device=maps.device)
        alphas = [dirichlet(branch) for branch in (
            self.space_time(maps), self.shuffled(maps[:, :, order]), self.space(maps))]
        evidence = sum(global_mean(evidential_loss(alpha, labels)) for alpha in alphas)
        dependence = sum(hsic(alphas[0], other.detach()) - hsic(alphas[0].detach(), other)
                         for other in alphas[1:])
        return dict(loss_debias=self.weight * evidence, loss_hsic=self.weight * dependence)

    def forward(self, x, data_samples=None):
        """To the features and a dict of losses."""
        feats, maps = x if isinstance(x, tuple) else (x, x)
        if not self.channels_first:
            maps = maps.transpose(1, 2)
            feats = self.temporal(feats if feats.ndim == 3 else feats.mean((3, 4)))
        feats, losses = feats if isinstance(feats, tuple) else (feats, {})
        if self.training:
            labels = torch.cat([sample.gt_label for sample in data_samples]).to(maps.device)
            losses = losses | self.losses(maps, labels)
        return feats, losses
