"""The file in which a frame store keeps one clip: all its frames, as they are or as JPEG pictures.

``raw``: the pixels, one frame after the other. ``jpeg``: n + 1 offsets (int64, little-endian) from
the beginning of the file, then the n pictures; quality 95, colours at full resolution.
"""
import hashlib
import io
import os

import cv2
import numpy as np
from PIL import Image

from ..errors import InputError
from ..files import whole_path

KINDS = RAW, JPEG = 'raw', 'jpeg'
QUALITY = 95


def clip_file(store, name, kind):
    """Returns the path at which a store keeps a clip.

    Args:
        store (str): its folder.
        name (str): sample id of the clip.
        kind (str): ``'raw'`` or ``'jpeg'``.

    Returns:
        str: a path below ``store``; at most 256 folders share the clips.
    """
    key = hashlib.sha256(name.encode(errors='surrogateescape')).hexdigest()[:32]
    return os.path.join(store, 'clips', key[:2], f'{key}.{kind}')


def encode(frame):
    """Encode a frame as a JPEG picture.

    Args:
        frame (np.ndarray): RGB (h, w, 3), uint8.

    Returns:
        bytes: the file.
    """
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, 'JPEG', quality=QUALITY, subsampling=0)
    return buffer.getvalue()


def write_frames(path, frames, number, kind):
    """Write the file of a clip; it appears whole or not at all.

    Args:
        path (str): as returned by ``clip_file``.
        frames (Iterable[np.ndarray]): (h, w, 3) uint8 RGB, all of one size.
        number (int): number of frames.
        kind (str): ``'raw'`` or ``'jpeg'``.
    """
    ends = np.full(number + 1, 8 * (number + 1), '<i8')
    with whole_path(path) as part, open(part, 'wb') as file:
        if kind == JPEG:
            file.write(ends.tobytes())
        for i, frame in enumerate(frames):
            content = encode(frame) if kind == JPEG else np.ascontiguousarray(frame).data
            file.write(content)
            ends[i + 1] = ends[i] + len(content)
        if kind == JPEG:
            file.seek(0)
            file.write(ends.tobytes())


def read_frames(store, entry, numbers):
    """Read frames of a stored clip.

    Args:
        store (str): its folder.
        entry (dict): what the index says of it: ``name``, ``kind``, ``frames`` (how many) and
            ``shape`` (h, w).
        numbers (Iterable[int]): numbers of the frames to read; repetitions are allowed.

    Returns:
        list[np.ndarray]: (h, w, 3) uint8 RGB.

    Raises:
        InputError: the file is not there, or is not what the index says.
    """
    path, shape = clip_file(store, entry['name'], entry['kind']), (*entry['shape'], 3)
    read = _read_jpeg if entry['kind'] == JPEG else _read_raw
    try:
        with open(path, 'rb') as file:
            return [read(file, int(number), shape, entry['frames']) for number in numbers]
    except PermissionError as error:
        raise InputError(f'the frame store {store} is not readable for you ({path}): choose '
                         'another with cache=DIR, or ask its owner') from error
    except (OSError, ValueError, cv2.error) as error:
        raise InputError(f'the frame store {store} is damaged ({path}, of {entry["name"]}): '
                         'delete that file, the next run makes it anew') from error


def _read_raw(file, number, shape, _):
    size = shape[0] * shape[1] * shape[2]
    file.seek(number * size)
    return np.fromfile(file, np.uint8, size).reshape(shape)


def _read_jpeg(file, number, shape, count):
    if not 0 <= number < count:
        raise ValueError(number)
    file.seek(8 * number)
    begin, end = np.fromfile(file, '<i8', 2).tolist()
    if not 8 * (count + 1) <= begin < end <= os.fstat(file.fileno()).st_size:
        raise ValueError(number)
    file.seek(begin)
    # OpenCV's reader: the same pixels as Pillow's in less time.
    frame = cv2.imdecode(np.fromfile(file, np.uint8, end - begin), cv2.IMREAD_COLOR)
    if frame is None or frame.shape != shape:
        raise ValueError(number)
    return cv2.cvtColor(frame, cv2.COLOR_BGR2RGB, frame)
