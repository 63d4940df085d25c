"""Widths of the features that parts of a model hand to each other."""
from ..errors import InputError
from .clip_configs import feature_width


def width_of(owner, in_channels=None, clip=None):
    """Width of a backbone's features: as given, or that of its CLIP.

    Args:
        owner (object): the part that asks, named in the error.
        in_channels (int, optional): the width. Defaults to None.
        clip (dict, optional): with ``arch``, see ``load_clip``. Defaults to None.

    Returns:
        int: the width.

    Raises:
        InputError: neither is given.
    """
    if in_channels is None and clip is None:
        raise InputError(f"{type(owner).__name__} needs `in_channels`, the width of the backbone's "
                         'features, or the `clip` it is')
    return in_channels or feature_width(clip['arch'])
