"""CoCoOp: contexts that depend on the sample (Zhou et al., CVPR 2022)."""
import torch
from mmaction.registry import MODELS
from torch import nn

from .coop_head import CoOpHead


def sample_logits(features, text, scale):
    """z_bk = scale cos(f_b, text_bk). (B, D), (B, K, D) to (B, K)."""
    features = nn.functional.normalize(features, dim=-1)
    return scale * torch.einsum('bd,bkd->bk', features, nn.functional.normalize(text, dim=-1))


@MODELS.register_module()
class CoCoOpHead(CoOpHead):
    """CoOp whose contexts are shifted by a small network of the video feature.

    ``t_m(f) = t_m + h(f / |f|)`` with h: D -> D / 16 -> W (ReLU between). All B * K prompts pass
    the text tower as one batch; the released code takes one image at a time. The feature enters
    h normalised, so that its scale, which differs between CLIPs, does not matter.

    Args:
        known (Sequence[str]), clip (dict), num_contexts (int): see :class:`CoOpHead`.
    """

    def __init__(self, known, clip, num_contexts=4, init_cfg=None):
        super().__init__(known, clip, num_contexts, init_cfg=init_cfg)
        width = self.text.out_channels
        self.meta_net = nn.Sequential(nn.Linear(width, max(1, width // 16)), nn.ReLU(),
                                      nn.Linear(max(1, width // 16), self.text.width))

    def forward(self, feats, **kwargs):
        """Video features (B, D) to ``feature``, ``logits``, ``logits_known``, ``probabilities``."""
        shift = self.meta_net(nn.functional.normalize(feats, dim=-1))
        text = self.text(*self.prompts(shift)).unflatten(0, (len(feats), -1))
        logits = sample_logits(feats, text, self.text.logit_scale)
        return dict(feature=feats, logits=logits, logits_known=logits,
                    probabilities=logits.softmax(1))

    def class_vectors(self):
        """None: every sample has texts of its own."""
        return None

    def extra_logits(self, outputs):
        """The cosines that are logits before CLIP's scale."""
        return dict(cosine=outputs['logits_known'] / self.text.logit_scale)


