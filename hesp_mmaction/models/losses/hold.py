"""What CLIP knew is kept: learned texts stay near those of a fixed template."""
import torch.nn.functional as F


def hold_texts(text, template_text):
    """mean_k ||t_k - t_k^0||^2 of unit texts (KgCoOp, Yao et al., CVPR 2023).

    Args:
        text (Tensor): learned texts (K, D). Normalised here.
        template_text (Tensor): texts of the template (K, D). Normalised here.

    Returns:
        Tensor: scalar, 0 to 4.
    """
    difference = F.normalize(text, dim=-1) - F.normalize(template_text, dim=-1)
    return difference.square().sum(1).mean()
