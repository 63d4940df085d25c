"""Lists the frames of a video file: when each is shown, and where decoding may begin."""
import os
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .decoding import BrokenClip, decode_packets, open_video, read_packets

# Where one packet is one frame, whose place among the others its own time stamp tells, and where
# decoding may begin at every key frame. All else is decoded in order, from the beginning.
SEEKABLE_CODECS = ('h264', 'hevc', 'libdav1d', 'av1', 'vp9', 'mpeg4', 'mjpeg', 'h263', 'flv', 'gif',
                   'png', 'rawvideo', 'ffv1')
# bytes: a smaller packet of MPEG-4 may say "as before", of which no frame comes.
SMALLEST_MPEG4 = 20
SEEKABLE_FORMATS = ('mov', 'matroska', 'flv', 'avi', 'gif')


class Layout(NamedTuple):
    """The frames of a video in the order in which they are shown.

    Attributes:
        stamps (tuple[int]): presentation time stamps (n,), in units of ``unit``; rising.
        end (int): where the last frame ends.
        unit (Fraction): seconds.
        rate (float | None): average frames per second.
        keys (tuple[int]): time stamps of the frames at which decoding may begin, rising. Empty:
            only at the beginning of the file.
        size (tuple[int, int]): height and width as stored.
    """
    stamps: tuple
    end: int
    unit: object
    rate: float | None
    keys: tuple
    size: tuple


def find_layout(path):
    """Find the layout of a video file, once per process as long as the file does not change.

    Args:
        path (str): the file.

    Returns:
        Layout: the frames in the order in which they are shown.

    Raises:
        BrokenClip: the file has no video, or its layout is only known by decoding and that fails.
    """
    about = os.stat(path)
    return _layout(path, about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=2 ** 17)
def _layout(path, *_):
    container, stream = open_video(path)
    with container:
        packets, smallest = [], None
        for p in read_packets(container, stream):
            if p.size:
                packets.append((p.pts, p.duration or 0, p.is_keyframe, p.is_discard))
                smallest = min(p.size, smallest or p.size)
        repeats = stream.codec_context.name == 'mpeg4' and (smallest or 0) < SMALLEST_MPEG4
        unit, rate, size = stream.time_base, stream.average_rate, (stream.height, stream.width)
        exact = _can_seek(container, stream)
    if not packets:
        raise BrokenClip('no frames')
    if exact and not repeats and _is_plain(packets):
        shown = sorted((pts, duration) for pts, duration, _, discard in packets if not discard)
    else:
        shown = _decoded_stamps(path)
    keys = sorted(pts for pts, _, key, _ in packets if key and exact and pts is not None)
    stamps = [pts for pts, _ in shown]
    if any(pts is None for pts in stamps) or any(np.diff(stamps) <= 0):
        # No usable stamps: frames are counted, and come at an even rate.
        return Layout(tuple(range(len(shown))), len(shown), 1 / (rate or 25),
                      None if rate is None else float(rate), (), size)
    return Layout(*_timing(shown, unit, rate), tuple(keys), size)


def _can_seek(container, stream):
    """Whether decoding may begin at any key frame that the container marks."""
    if container.format.name == 'avi' and stream.codec_context.has_b_frames:
        return False  # the stamps in an AVI are of decoding, not of showing
    return (stream.codec_context.name in SEEKABLE_CODECS
            and any(name in SEEKABLE_FORMATS for name in container.format.name.split(',')))


def _is_plain(packets):
    """Whether the packets alone tell which frames are shown, and when."""
    shown = [pts for pts, *_, discard in packets if not discard]
    return (bool(shown) and None not in [pts for pts, *_ in packets]
            and len(set(shown)) == len(shown)
            # Nothing that is shown stands before the first frame from which decoding can begin.
            and packets[0][2] and min(shown) >= min(pts for pts, _, key, _ in packets if key))


def _decoded_stamps(path):
    """(time stamp, duration) of every frame, found by decoding all."""
    container, stream = open_video(path)
    with container:
        frames = decode_packets(read_packets(container, stream))
        found = [(frame.pts, frame.duration or 0) for frame in frames]
    if not found:
        raise BrokenClip('no frames')
    return found


def _timing(shown, unit, rate):
    """Stamps, end, unit and average rate of frames from their (stamp, duration) pairs."""
    stamps = [pts for pts, _ in shown]
    last = shown[-1][1]
    if last <= 0:  # unknown: as long as the frames before
        last = (stamps[-1] - stamps[0]) / (len(stamps) - 1) if len(stamps) > 1 else 0
    end = stamps[-1] + last
    seconds = float((end - stamps[0]) * unit)
    if len(stamps) == 1 or seconds <= 0:
        return tuple(stamps), end, unit, None
    measured = len(stamps) / seconds
    # What the header says has no rounded time stamps in it; where both agree it is taken.
    if rate and abs(float(rate) / measured - 1) < 0.01:
        measured = float(rate)
    return tuple(stamps), end, unit, measured
