"""CLIP's contrastive loss between negative texts and negative visuals (HESP Eq. 12)."""
import torch
import torch.nn.functional as F


def clip_alignment(points, text, scale, symmetric=True):
    """Cross-entropy of matching the k-th negative visual with the k-th negative text.

    Source: HESP Eq. 12, which is CLIP's contrastive loss.

    Args:
        points (Tensor): c (K, D), the negative visuals. Normalised here.
        text (Tensor): Fn_T (K, D), the negative texts. Normalised here.
        scale (float): exp(logit_scale) of CLIP.
        symmetric (bool): True takes the mean of both directions (the paper). False takes image to
            text alone (the released code). Defaults to True.

    Returns:
        Tensor: scalar.
    """
    logits = scale * F.normalize(points, dim=-1) @ F.normalize(text, dim=-1).T
    target = torch.arange(len(logits), device=logits.device)
    image_to_text = F.cross_entropy(logits, target)
    if not symmetric:
        return image_to_text
    return (image_to_text + F.cross_entropy(logits.T, target)) / 2
