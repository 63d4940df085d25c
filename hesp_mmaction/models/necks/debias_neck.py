"""Contrastive evidence debiasing, DEAR's auxiliary branches (Bao et al., ICCV 2021)."""
import torch
from mmaction.registry import MODELS
from torch import nn

from ..labels import labels_of
from ..losses import global_mean
from ..losses.evidential import dirichlet, evidential_loss
from ..widths import width_of
from .temporal_mean import TemporalMean


def hsic(x, y):
    """Hilbert-Schmidt independence criterion with RBF kernels of width sqrt(dimension).

    It is trace(K H L H) / (N - 1)^2, where H takes off the mean. For many independent rows it is
    near 0.

    Args:
        x (Tensor): (N, D).
        y (Tensor): (N, E).

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
    """A small classifier of maps: convolution, mean over time and places, dropout, linear layer.

    Args:
        channels (int): C of the maps.
        num_classes (int): K.
        kernel (tuple[int]): of the convolution, in time, height and width.
    """

    def __init__(self, channels, num_classes, kernel):
        super().__init__()
        padding = tuple(side // 2 for side in kernel)
        self.convolution = nn.Conv3d(channels, 2 * channels, kernel, (1, 2, 2), padding)
        self.classifier = nn.Linear(2 * channels, num_classes)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x):
        """Compute logits from the feature maps of clips.

        Args:
            x (Tensor): (B, C, T, h, w).

        Returns:
            Tensor: logits (B, K).
        """
        x = self.convolution(x).relu().mean((2, 3, 4))
        return self.classifier(self.dropout(x))


@MODELS.register_module()
class DebiasNeck(nn.Module):
    """Mean of frame features over time, with DEAR's debiasing losses in training.

    Three branches classify the maps: over space and time, over space and *shuffled* time, and over
    space alone. Each learns by the evidential loss. The first branch makes its evidence independent
    (HSIC) of the evidence of the other two, which can only see scenes and static looks. These two
    imitate the first one. This game of two sides is played in one step: each side sees the other as
    constant. The paper alternates the sides. The default of the released code subtracts HSIC for
    both sides.

    A test does not use the branches. On several processes HSIC is computed from the samples of each
    process.

    Source: DEAR (Bao et al., ICCV 2021).

    Args:
        num_classes (int): K.
        in_channels (int, optional): C of the maps. Defaults to None, the width of ``clip``.
        clip (dict, optional): the CLIP of the backbone, with ``arch``. Defaults to None.
        weight (float): multiplies all losses of the neck. Defaults to 0.1.
        channels_first (bool): True if maps are (B, C, T, h, w) and the neck returns them as maps.
            MMAction2's own recognizers call necks this way. Defaults to False.
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
        """Losses of the three branches.

        Args:
            maps (Tensor): (B, C, T, h, w).
            labels (Tensor): int (B,), 0 to K - 1.

        Returns:
            dict[str, Tensor]: scalars ``loss_debias`` and ``loss_hsic``.
        """
        scale = maps.detach().std().clamp_min(1e-6)  # CLIPs differ in scale by a factor of 15
        maps = maps / scale
        order = torch.randperm(maps.shape[2], device=maps.device)
        alphas = [dirichlet(branch) for branch in (
            self.space_time(maps), self.shuffled(maps[:, :, order]), self.space(maps))]
        evidence = sum(global_mean(evidential_loss(alpha, labels)) for alpha in alphas)
        dependence = sum(hsic(alphas[0], other.detach()) - hsic(alphas[0].detach(), other)
                         for other in alphas[1:])
        return dict(loss_debias=self.weight * evidence, loss_hsic=self.weight * dependence)

    def forward(self, x, data_samples=None):
        """Compute the video feature, and in training the losses.

        Args:
            x (tuple[Tensor, Tensor] | Tensor): frame features (B, T, D) and maps (B, T, C, h, w).
                Maps alone serve as features too, by their means over the places.
            data_samples (list, optional): with ``gt_label``; needed in training. Defaults to None.

        Returns:
            tuple[Tensor, dict[str, Tensor]]: the feature (B, D), or the maps if ``channels_first``,
            and scalar losses by name.
        """
        feats, maps = x if isinstance(x, tuple) else (x, x)
        if not self.channels_first:
            maps = maps.transpose(1, 2)
            feats = self.temporal(feats if feats.ndim == 3 else feats.mean((3, 4)))
        feats, losses = feats if isinstance(feats, tuple) else (feats, {})
        if self.training:
            losses = losses | self.losses(maps, labels_of(data_samples, maps.device))
        return feats, losses
