"""Margin term of adversarial reciprocal point learning (ARPL, TPAMI 2021)."""


def arpl_margin(features, points, labels, radius):
    """``max(0, mean_d (f - c_y)^2 - R + 1)`` per sample: the open space is bounded by R.

    Args:
        features (Tensor): (B, D). points (Tensor): (K, D). labels (Tensor): (B,).
        radius (Tensor): R, scalar, learned.

    Returns:
        Tensor: (B,).
    """
    distance = (features - points[labels]).square().mean(1)
    return (distance - radius + 1).clamp_min(0)
