"""Reads pictures: one reader for all of the package, whatever else has been imported.

OpenCV's is not used: once decord is imported, its ``imread`` returns None for PNG files.
"""
import numpy as np
from PIL import Image, ImageOps

from .decoding import BrokenClip

IMAGE_EXTENSIONS = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff')


def read_picture(path):
    """Read a picture file as an array, turned as its EXIF orientation says.

    Args:
        path (str): the file.

    Returns:
        np.ndarray: (H, W, 3) uint8 RGB: the upper 8 of 16 bits, without transparency.

    Raises:
        BrokenClip: the picture cannot be decoded to its end.
    """
    try:
        with Image.open(path) as image:
            image = ImageOps.exif_transpose(image)
            if image.mode.startswith('I;16') or image.mode == 'I':
                grey = np.asarray(image).astype(np.int64).clip(0, 65535) >> 8
                return np.repeat(grey.astype(np.uint8)[..., None], 3, 2)
            return np.array(image.convert('RGB'))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BrokenClip(f'{path} cannot be decoded') from error


def picture_size(path):
    """Read the size of a picture file.

    Args:
        path (str): the file.

    Returns:
        tuple[int, int] | None: width and height as stored. None if it is no picture.
    """
    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
