"""Writes videos that play in browsers."""
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from ..errors import InputError
from ..files import whole_path

UNIT = Fraction(1, 90000)  # seconds; of the time stamps
# The first encoder that is there is taken.
ENCODERS = (('libx264', {'preset': 'superfast', 'crf': '20', 'bf': '0', 'rc-lookahead': '0'}),
            ('libvpx-vp9', {'deadline': 'realtime', 'cpu-used': '8', 'row-mt': '1', 'crf': '30',
                            'b': '0'}))


def write_video(path, frames, times):
    """Write frames as a video, whole or not at all, each shown at its own time.

    ``.webm`` is VP9, every other name H.264 (VP9 where PyAV has no H.264 encoder).

    Args:
        path (str): path of the new file.
        frames (Iterable[np.ndarray]): n x (H, W, 3) uint8 RGB; those of another size than the first
            are resized.
        times (Sequence[float]): (n + 1,) rising seconds: when each is shown, and the end.

    Raises:
        InputError: the video cannot be written.
    """
    try:
        with whole_path(path) as part:
            _encode(part, Path(path).suffix, frames, _stamps(times))
    except (av.FFmpegError, OSError, ValueError) as error:
        raise InputError(f'{path} cannot be written as a video: {error}') from error


def _stamps(times):
    """Maps seconds to time stamps in units of ``UNIT``, all different."""
    stamps = np.round(np.asarray(times, dtype=np.float64) / float(UNIT)).astype(np.int64)
    steps = np.maximum(np.diff(stamps), 1)
    return np.concatenate([[0], steps.cumsum()]).tolist()


def _encode(path, extension, frames, stamps):
    names = [name for name, _ in ENCODERS if name in av.codecs_available]
    if extension == '.webm':
        names = [name for name in names if 'vp9' in name]
    if not names:
        raise ValueError('this PyAV has no encoder for it')
    options = {} if extension == '.webm' else dict(movflags='faststart')
    form = 'webm' if extension == '.webm' else 'mp4'
    with av.open(path, 'w', format=form, options=options) as container:
        # Every frame has a time stamp of its own; the rate says how long the last one is shown.
        rate = Fraction(len(stamps) - 1, stamps[-1]) / UNIT
        stream = container.add_stream(names[0], rate=rate.limit_denominator(10 ** 4),
                                      options=dict(ENCODERS)[names[0]])
        stream.pix_fmt = 'yuv420p'
        stream.codec_context.time_base = UNIT
        size = None
        for pixels, begin, end in zip(frames, stamps, stamps[1:], strict=False):
            if size is None:
                size = pixels.shape[1::-1]
                stream.width, stream.height = size
            if pixels.shape[1::-1] != size:
                pixels = cv2.resize(pixels, size)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format='rgb24')
            frame.pts, frame.time_base, frame.duration = begin, UNIT, end - begin
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
