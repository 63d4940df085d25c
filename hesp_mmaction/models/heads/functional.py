"""Functions that several heads share."""
from torch.nn.functional import normalize


def cosine_logits(features, text, scale):
    """CLIP's logits z_k = s cos(f, t_k) (Radford et al., ICML 2021; Eq. 9 of HESP).

    Args:
        features (Tensor): f (B, D), of any length.
        text (Tensor): t (K, D), of any length.
        scale (Tensor | float): s, exp(logit_scale) of CLIP.

    Returns:
        Tensor: (B, K).
    """
    return scale * normalize(features, dim=-1) @ normalize(text, dim=-1).T
