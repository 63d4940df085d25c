"""Margin term of adversarial reciprocal point learning (ARPL, TPAMI 2021)."""


def arpl_margin(features, points, labels, radius):
    """Keep the features of a class within the radius R of its point.

    The loss of a clip is ``max(0, mean_d (f - c_y)^2 - R + 1)``, as in ARPL
    (Chen et al., TPAMI 2021). It bounds the open space by R.

    Args:
        features (Tensor): f (B, D).
        points (Tensor): c (K, D), the point of each class.
        labels (Tensor): int (B,), 0 to K - 1.
        radius (Tensor): R, a learned scalar.

    Returns:
        Tensor: (B,), 0 or more.
    """
    distance = (features - points[labels]).square().mean(1)
    return (distance - radius + 1).clamp_min(0)
