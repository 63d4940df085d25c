"""Attention consistency under a mirror (EAC, ECCV 2022; used by Open-set FER, AAAI 2024)."""


def flip_consistency(maps, maps_of_mirrored):
    """Mean square difference of a map and the mirrored map of the mirrored image.

    Args:
        maps (Tensor): (B, ..., h, w), of the images.
        maps_of_mirrored (Tensor): (B, ..., h, w), of the images mirrored from left to right.

    Returns:
        Tensor: (B,).
    """
    return (maps - maps_of_mirrored.flip(-1)).square().flatten(1).mean(1)
