"""Difficulty-aware simulator without its GAN (Moon et al., ECCV 2022), on any feature."""
from mmaction.registry import MODELS
from torch import nn
from torch.nn.functional import cross_entropy, l1_loss, layer_norm

from ..losses import global_mean, mean_cross_entropy
from ..widths import width_of
from .open_set_head import OpenSetHead


class SmallNet(nn.Module):
    """Two hidden layers and a classifier.

    Args:
        channels (int): C, width of the input.
        hidden (int): H, width of both hidden layers.
        num_classes (int): K.
    """

    def __init__(self, channels, hidden, num_classes):
        super().__init__()
        self.layer1 = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU())
        self.layer2 = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU())
        self.fc = nn.Linear(hidden, num_classes)

    def forward(self, x):
        """Compute both hidden layers and the logits.

        Args:
            x (Tensor): (B, C).

        Returns:
            tuple[Tensor, Tensor, Tensor]: first and second hidden layer (B, H), logits (B, K).
        """
        first = self.layer1(x)
        second = self.layer2(first)
        return first, second, self.fc(second)


@MODELS.register_module()
class DIASHead(OpenSetHead):
    """A classifier that learns from the errors of a copycat of itself.

    The copycat (``net1``) learns the labels, and learns to have the features of the classifier
    (``net2``) at both depths (L1 loss). Its features are *nearly* those of the classifier. Run
    through the rest of the classifier they are hard fake samples. The classifier learns them with
    smoothed labels: with all classes alike for the last depth, and half of that for the first. Each
    network sees the other as constant, so one optimizer is enough for both. The score is the
    largest probability.

    Source: DIAS (Moon et al., ECCV 2022). The released code alternates two optimizers, uses whole
    convolutional networks with one more depth, and has a GAN. The GAN is left out here.

    Args:
        known (Sequence[str]): names of the known emotions, in label order.
        in_channels (int, optional): see ``PrototypeHead``.
        clip (dict, optional): see ``PrototypeHead``.
        hidden (int): width of both networks. Defaults to 256.
        pull_weight (float): weight of the L1 loss. Defaults to 1.
        fake_weight (float): weight of the classifier's loss on the features of the copycat.
            Defaults to 0.1.
        init_cfg (dict, optional): see mmengine's ``BaseModule``. Defaults to None.
    """
    SMOOTHING = (0.5, 1.0)  # at the first and at the last depth

    def __init__(self, known, in_channels=None, clip=None, hidden=256, pull_weight=1.0,
                 fake_weight=0.1, init_cfg=None):
        super().__init__(known, init_cfg)
        channels = width_of(self, in_channels, clip)
        self.net1 = SmallNet(channels, hidden, len(self.known))
        self.net2 = SmallNet(channels, hidden, len(self.known))
        self.pull_weight, self.fake_weight = pull_weight, fake_weight

    def forward(self, feats, **kwargs):
        """Classify video features.

        Args:
            feats (Tensor): video features (B, C).
            **kwargs (Any): what else the recognizer knows of the batch; not used.

        Returns:
            dict[str, Tensor]: ``feature`` (B, H), the classifier's last hidden layer; ``logits``,
            ``logits_known`` and ``probabilities`` (B, K); ``input`` (B, C), normalised; ``depths``,
            a tuple of both hidden layers (B, H).
        """
        x = layer_norm(feats, feats.shape[-1:])
        first, second, logits = self.net2(x)
        return dict(feature=second, logits=logits, logits_known=logits, input=x,
                    depths=(first, second), probabilities=logits.softmax(1))

    def score(self, outputs):
        return outputs['probabilities'].max(1).values

    def losses(self, outputs, labels):
        *copied, copied_logits = self.net1(outputs['input'])
        pull = sum(global_mean(l1_loss(ours, theirs.detach(), reduction='none').mean(1))
                   for ours, theirs in zip(copied, outputs['depths'], strict=True)) / 2
        first, second = (feature.detach() for feature in copied)
        fakes = self.net2.fc(self.net2.layer2(first)), self.net2.fc(second)
        fake = sum(global_mean(cross_entropy(logits, labels, reduction='none',
                                             label_smoothing=smoothing))
                   for logits, smoothing in zip(fakes, self.SMOOTHING, strict=True)) / 2
        return dict(loss_known=mean_cross_entropy(outputs['logits'], labels),
                    loss_fake=self.fake_weight * fake,
                    loss_copycat=mean_cross_entropy(copied_logits, labels),
                    loss_pull=self.pull_weight * pull)
