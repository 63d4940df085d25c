"""Difficulty-aware simulator without its GAN (Moon et al., ECCV 2022), on any feature."""
from mmaction.registry import MODELS
from torch import nn
from torch.nn.functional import cross_entropy, l1_loss, layer_norm

from ..losses import global_mean, mean_cross_entropy
from ..widths import width_of
from .open_set_head import OpenSetHead


class SmallNet(nn.Module):
    """Two hidden layers and a classifier; gives the features at both depths, and logits."""

    def __init__(self, channels, hidden, num_classes):
        super().__init__()
        self.layer1 = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU())
        self.layer2 = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU())
        self.fc = nn.Linear(hidden, num_classes)

    def forward(self, x):
        first = self.layer1(x)
        second = self.layer2(first)
        return first, second, self.fc(second)


@MODELS.register_module()
class DIASHead(OpenSetHead):
    """A classifier that learns from the slips of a copycat of itself. Score: largest probability.

    The copycat (``net1``) learns the labels and to have the classifier's (``net2``) features at
    both depths (L1). Its features are *nearly* the classifier's: run through the rest of the
    classifier they are hard fake samples, which are to be classified with smoothed labels, fully
    (all classes alike) from the last depth and half from the first. Either network sees the other
    as constant, so one optimizer does for both; the released code alternates two, over whole
    convolutional networks with one more depth, and has a GAN before, which is left out here.

    Args:
        known (Sequence[str]): names of the known emotions. in_channels (int, optional), clip
            (dict, optional): see :class:`PrototypeHead`. hidden (int): width of both networks.
        pull_weight (float): of the L1 loss. fake_weight (float): of the classifier's loss on the
            copycat's features.
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
        """Video features (B, C) to ``feature``, the classifier's last one, ``logits``,
        ``logits_known``, ``probabilities``, ``input`` and ``depths``."""
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
