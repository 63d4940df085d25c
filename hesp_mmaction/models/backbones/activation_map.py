"""Class-activation maps."""
import torch


def class_activation_map(features, score):
    """Compute how much each position of a feature map raises a score: gradient times activation.

    Source: HiResCAM (Draelos and Carin, 2020). Grad-CAM averages the gradient over the image first.
    A cosine does not change when all features grow. So for a cosine this average is often negative
    everywhere, and the map of Grad-CAM would be empty.

    Args:
        features (Tensor): (N, C, h, w), a feature map in the graph of ``score``.
        score (Tensor): scalar, the sum over the N images of the score to be explained.

    Returns:
        Tensor: (N, h, w), not negative, detached.
    """
    gradient, = torch.autograd.grad(score, features)
    return (gradient * features).sum(1).clamp_min(0).detach()
