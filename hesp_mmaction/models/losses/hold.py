"""Learned texts stay near those of a fixed template, so that CLIP keeps what it knew."""
import torch.nn.functional as F


def hold_texts(text, template_text):
    """Mean over the classes of ||t_k - t_k^0||^2, for texts of length 1.

    Source: KgCoOp (Yao et al., CVPR 2023).

    Args:
        text (Tensor): t (K, D), learned texts. Normalised here.
        template_text (Tensor): t^0 (K, D), texts of the template. Normalised here.

    Returns:
        Tensor: scalar, 0 to 4.
    """
    difference = F.normalize(text, dim=-1) - F.normalize(template_text, dim=-1)
    return difference.square().sum(1).mean()
