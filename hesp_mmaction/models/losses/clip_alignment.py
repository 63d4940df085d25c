"""CLIP's contrastive loss between negative texts and negative visuals (HESP Eq. 12)."""
import torch
import torch.nn.functional as F


def clip_alignment(points, text, scale, symmetric=True):
    """Cross-entropy of matching the k-th negative visual with the k-th negative text.

    Args:
        points (Tensor): c (K, D). text (Tensor): Fn_T (K, D). Both normalised here.
        scale (float): exp(logit_scale) of CLIP.
        symmetric (bool): mean of both directions (the paper); False keeps image to text only
            (the released code).

    Returns:
        Tensor: scalar.
    """
    logits = scale * F.normalize(points, dim=-1) @ F.normalize(text, dim=-1).T
    target = torch.arange(len(logits), device=logits.device)
    image_to_text = F.cross_entropy(logits, target)
    if not symmetric:
        return image_to_text
    return (image_to_text + F.cross_entropy(logits.T, target)) / 2
