"""DEAR's classifier: evidence instead of probabilities (Bao et al., ICCV 2021)."""
from mmaction.registry import MODELS
from mmengine.logging import MessageHub

from ..losses import global_mean
from ..losses.evidential import calibration_loss, dirichlet, evidential_loss, uncertainty
from .linear_head import LinearHead


def training_progress():
    """Share of the epochs that are done, as mmengine's runner says.

    Returns:
        float: 0 to 1; 1 outside of a runner.
    """
    hub = MessageHub.get_current_instance()
    if 'epoch' not in hub.runtime_info or 'max_epochs' not in hub.runtime_info:
        return 1.0
    return hub.get_info('epoch') / max(1, hub.get_info('max_epochs'))


@MODELS.register_module()
class EvidentialHead(LinearHead):
    """Evidence in place of probabilities.

    alpha = exp(z) + 1, p = alpha / sum of alpha, u = K / sum of alpha. The score is -u. The loss is
    the evidential loss plus the calibration of accuracy and uncertainty.

    Source: DEAR (Bao et al., ICCV 2021). The KL term of evidential learning is off, as in DEAR's
    own setting.

    Args:
        known (Sequence[str]): see ``LinearHead``.
        in_channels (int, optional): see ``LinearHead``.
        clip (dict, optional): see ``LinearHead``.
        calibration_weight (float): weight of the calibration loss; 0 switches it off. Defaults to
            1.
        init_cfg (dict, optional): see mmengine's ``BaseModule``. Defaults to None.
    """
    softmax_probabilities = False  # they are the mean of a Dirichlet distribution

    def __init__(self, known, in_channels=None, clip=None, calibration_weight=1.0, init_cfg=None):
        super().__init__(known, in_channels, clip, init_cfg=init_cfg)
        self.calibration_weight = calibration_weight

    def forward(self, feats, **kwargs):
        """Classify video features.

        Args:
            feats (Tensor): video features (B, C).
            **kwargs (Any): what else the recognizer knows of the batch; not used.

        Returns:
            dict[str, Tensor]: the outputs of ``LinearHead``, with ``probabilities`` p and ``alpha``
            (B, K).
        """
        outputs = super().forward(feats)
        alpha = dirichlet(outputs['logits'])
        return dict(outputs, alpha=alpha, probabilities=alpha / alpha.sum(1, keepdim=True))

    def score(self, outputs):
        return -uncertainty(outputs['alpha'])

    def losses(self, outputs, labels):
        alpha = outputs['alpha']
        losses = dict(loss_evidence=global_mean(evidential_loss(alpha, labels)))
        if self.calibration_weight:
            each = calibration_loss(alpha, labels, training_progress())
            losses['loss_calibration'] = self.calibration_weight * global_mean(each)
        return losses
