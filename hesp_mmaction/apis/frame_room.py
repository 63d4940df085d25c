"""How much room a store of frames takes, and how it keeps them by that."""
import os
from collections.abc import Sequence
from contextlib import suppress

from ..datasets.clip_loading import list_images
from ..datasets.decoding import BrokenClip
from ..datasets.frame_files import JPEG, RAW
from ..datasets.pictures import picture_size
from ..datasets.video_layout import find_layout

RAW_LIMIT = 20e9  # bytes: a larger store is kept as JPEG pictures
SHARE = 0.5  # of the free space that a store may take
JPEG_SHARE = 0.35  # of the raw size that JPEG pictures take at most
SAMPLE = 64  # clips that are looked at to know the size of all


def bytes_in_words(number: float) -> str:
    """Write a number of bytes for people.

    Args:
        number (float): bytes.

    Returns:
        str: such as ``'0.3 MB'`` or ``'12.0 GB'``.
    """
    return f'{number / 1e6:.1f} MB' if number < 1e8 else f'{number / 1e9:.1f} GB'


def raw_bytes(paths: Sequence[str], size: Sequence[int] | None = None) -> float:
    """Estimate the size of the decoded frames of clips, from some of the clips.

    Args:
        paths (Sequence[str]): the clips.
        size (Sequence[int], optional): width and height of the frames in pixels. Defaults to None:
            the size of each clip.

    Returns:
        float: bytes; 0 if none of the clips tried can be opened.
    """
    chosen = [paths[i * len(paths) // SAMPLE] for i in range(SAMPLE)] if len(
        paths) > SAMPLE else paths
    total = 0
    for path in chosen:
        with suppress(BrokenClip, OSError):
            if os.path.isdir(path):
                images = list_images(path)
                number, own = len(images), picture_size(images[0]) if images else None
            else:
                layout = find_layout(path)
                number, own = len(layout.stamps), layout.size
            width, height = size or own or (0, 0)
            total += number * width * height * 3
    return total / max(1, len(chosen)) * len(paths)


def choose_kind(raw: float, free: float) -> str | None:
    """Choose how a new store keeps its frames.

    Args:
        raw (float): the bytes of all frames without compression.
        free (float): the free bytes on the disk.

    Returns:
        str | None: ``'raw'`` (equal to decoding, to the bit) if the frames take at most 20 GB and
        at most half of the free space; else ``'jpeg'`` if a third of their bytes fits into that
        half; else None, no store.
    """
    if raw <= min(RAW_LIMIT, SHARE * free):
        return RAW
    return JPEG if JPEG_SHARE * raw <= SHARE * free else None
