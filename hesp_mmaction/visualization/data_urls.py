"""Pictures as data URLs, which a page holds in itself."""
import base64
import io

import cv2
import numpy as np
from PIL import Image


def image_url(frame, side=192):
    """Encode a frame as a picture for browsers.

    Args:
        frame (np.ndarray): RGB (H, W, 3), uint8.
        side (int): its longer side in the picture, in pixels. Defaults to 192.

    Returns:
        str: a data URL of a JPEG picture.
    """
    return _url([_resized(frame, side)], 'jpeg', quality=88)


def moving_url(frames, side=256, duration=80):
    """Encode frames as an animated picture for browsers.

    Args:
        frames (list[np.ndarray]): RGB (H, W, 3), uint8.
        side (int): their longer side in the picture, in pixels. Defaults to 256.
        duration (int): how long a frame is shown, in milliseconds. Defaults to 80.

    Returns:
        str: a data URL of a WebP picture.
    """
    return _url([_resized(frame, side) for frame in frames], 'webp', quality=75, method=1,
                save_all=True, duration=duration, loop=0)


def _resized(frame, side):
    scale = side / max(frame.shape[:2])
    size = tuple(max(1, round(scale * v)) for v in frame.shape[1::-1])
    return cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def _url(frames, kind, **options):
    first, *others = (Image.fromarray(np.ascontiguousarray(frame)) for frame in frames)
    if others:
        options['append_images'] = others
    file = io.BytesIO()
    first.save(file, kind, **options)
    return f'data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}'
