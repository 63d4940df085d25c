"""CoCoOp: contexts that depend on the sample (Zhou et al., CVPR 2022)."""
import torch
from mmaction.registry import MODELS
from torch import nn

from .coop_head import CoOpHead


def sample_logits(features, text, scale):
    """The logits z_bk = scale cos(f_b, text_bk), with texts of its own for each sample.

    Args:
        features (Tensor): f (B, D), of any length.
        text (Tensor): (B, K, D), of any length.
        scale (float): exp(logit_scale) of CLIP.

    Returns:
        Tensor: (B, K).
    """
    features = nn.functional.normalize(features, dim=-1)
    return scale * torch.einsum('bd,bkd->bk', features, nn.functional.normalize(text, dim=-1))


@MODELS.register_module()
class CoCoOpHead(CoOpHead):
    """CoOp whose contexts are shifted by a small network that reads the video feature.

    The contexts of a video are ``t_m(f) = t_m + h(f / |f|)``. h has two linear layers, D to D / 16
    to W, with ReLU between.

    Source: CoCoOp (Zhou et al., CVPR 2022). All B * K prompts pass the text tower as one batch,
    where the released code takes one image at a time. h reads the feature at length 1, because the
    length of features differs between CLIPs.

    Args:
        known (Sequence[str]): see ``CoOpHead``.
        clip (dict): see ``CoOpHead``.
        num_contexts (int): see ``CoOpHead``. Defaults to 4.
        init_cfg (dict, optional): see mmengine's ``BaseModule``. Defaults to None.
    """

    def __init__(self, known, clip, num_contexts=4, init_cfg=None):
        super().__init__(known, clip, num_contexts, init_cfg=init_cfg)
        width = self.text.out_channels
        self.meta_net = nn.Sequential(nn.Linear(width, max(1, width // 16)), nn.ReLU(),
                                      nn.Linear(max(1, width // 16), self.text.width))

    def forward(self, feats, **kwargs):
        """Compare each video feature with texts of its own.

        Args:
            feats (Tensor): video features (B, D).
            **kwargs (Any): what else the recognizer knows of the batch; not used.

        Returns:
            dict[str, Tensor]: ``feature`` (B, D); ``logits``, ``logits_known`` and
            ``probabilities`` (B, K).
        """
        shift = self.meta_net(nn.functional.normalize(feats, dim=-1))
        text = self.text(*self.prompts(shift)).unflatten(0, (len(feats), -1))
        logits = sample_logits(feats, text, self.text.logit_scale)
        return dict(feature=feats, logits=logits, logits_known=logits,
                    probabilities=logits.softmax(1))

    def class_vectors(self):
        """There are no texts that all samples share.

        Returns:
            None: always.
        """
        return None

    def extra_logits(self, outputs):
        """Further logits for scores that read them.

        Args:
            outputs (dict[str, Tensor]): as returned by ``forward``.

        Returns:
            dict[str, Tensor]: ``cosine`` (B, K), the logits before CLIP's scale.
        """
        return dict(cosine=outputs['logits_known'] / self.text.logit_scale)


