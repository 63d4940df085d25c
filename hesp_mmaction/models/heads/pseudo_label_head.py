"""The classifier of Open-set FER (Zhang et al., AAAI 2024), which learns on the test set."""
import torch
from mmaction.registry import MODELS
from torch.nn.functional import layer_norm

from .linear_head import LinearHead


@MODELS.register_module()
class PseudoLabelHead(LinearHead):
    """A linear head that learns pseudo labels once ``PseudoLabelHook`` has set them.

    The score is the log-probability of the pseudo label of a sample, or of its predicted class if
    it has none. The idea: samples of an unknown class get a wrong label, which is harder to learn.

    **Transductive**: it has seen the test samples, though not their labels.

    Source: Open-set FER (Zhang et al., AAAI 2024).

    Args:
        known (Sequence[str]): see ``LinearHead``.
        in_channels (int, optional): see ``LinearHead``.
        clip (dict, optional): see ``LinearHead``.
        label_smoothing (float): see ``LinearHead``.
        init_cfg (dict, optional): see mmengine's ``BaseModule``. Defaults to None.

    Attributes:
        pseudo_labels (dict[str, int]): sample id to label. Empty at first.
    """
    transductive = True

    def __init__(self, known, in_channels=None, clip=None, label_smoothing=0.0, init_cfg=None):
        super().__init__(known, in_channels, clip, label_smoothing, init_cfg)
        self.pseudo_labels = {}  # sample id to label

    def activation_maps(self, maps):
        """Class-activation maps from the features of places.

        Args:
            maps (Tensor): (..., C, h, w).

        Returns:
            Tensor: (..., K, h, w).
        """
        places = layer_norm(maps.movedim(-3, -1), maps.shape[-3:-2])
        return (places @ self.classifier.weight.T).movedim(-1, -3)

    def forward(self, feats, labels=None, **kwargs):
        """Classify video features.

        Args:
            feats (Tensor): video features (B, C).
            labels (Tensor, optional): int (B,); a negative one stands for the predicted class.
                Defaults to None, the predicted classes.
            **kwargs (Any): what else the recognizer knows of the batch; not used.

        Returns:
            dict[str, Tensor]: the outputs of ``LinearHead``, and ``log_likelihood`` (B,) of the
            labels.
        """
        outputs = super().forward(feats)
        predicted = outputs['logits'].argmax(1)
        labels = predicted if labels is None else torch.where(labels < 0, predicted, labels)
        log_p = outputs['logits'].log_softmax(1)
        return dict(outputs, log_likelihood=log_p.gather(1, labels[:, None])[:, 0])

    def score(self, outputs):
        return outputs['log_likelihood']

    def loss(self, feats, data_samples, **kwargs):
        if self.pseudo_labels:
            for sample in data_samples:
                sample.set_gt_label(self.pseudo_labels[sample.sample_id])
        return super().loss(feats, data_samples, **kwargs)

    def predict(self, feats, data_samples, **kwargs):
        labels = torch.tensor([self.pseudo_labels.get(sample.sample_id, -1)
                               for sample in data_samples])
        labels = labels.to(self.classifier.weight.device, non_blocking=True)
        return super().predict(feats, data_samples, labels=labels, **kwargs)
