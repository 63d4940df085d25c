"""Reads videos: number i is the i-th frame that a player shows, upright, at its own time stamp.

The result does not depend on the caller or on the order of calls. FFmpeg decodes through PyAV, but
it must know where to begin, so :func:`find_layout` first lists the frames of a file once.
"""
import ctypes
import os
from bisect import bisect_right
from collections import OrderedDict
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple

import av
import numpy as np

VIDEO_EXTENSIONS = ('.avi', '.mp4', '.mkv', '.mov', '.m4v', '.webm', '.gif', '.mpg', '.mpeg',
                    '.wmv', '.flv', '.3gp', '.ts', '.mts')
KEPT_BYTES = 2 ** 27  # of decoded frames, for somebody who goes back a little

# Where one packet is one frame, whose place among the others its own time stamp tells, and where
# decoding may begin at every key frame. All else is decoded in order, from the beginning.
SEEKABLE_CODECS = ('h264', 'hevc', 'libdav1d', 'av1', 'vp9', 'mpeg4', 'mjpeg', 'h263', 'flv', 'gif',
                   'png', 'rawvideo', 'ffv1')
# bytes: a smaller packet of MPEG-4 may say "as before", of which no frame comes.
SMALLEST_MPEG4 = 20
SEEKABLE_FORMATS = ('mov', 'matroska', 'flv', 'avi', 'gif')


class BrokenClip(RuntimeError):
    """A clip, or a frame of it, cannot be read; the message says why."""


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
        for p in _packets(container, stream):
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


def open_video(path):
    """Open a video file.

    Args:
        path (str): the file.

    Returns:
        tuple: av.container.InputContainer, which the caller closes, and its first
        av.video.stream.VideoStream that is no cover picture. It is decoded in one thread.

    Raises:
        BrokenClip: the file cannot be opened, or has no video, or one that cannot be decoded.
    """
    try:
        container = av.open(path)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise BrokenClip('cannot be opened') from error
    cover = av.stream.Disposition.attached_pic
    streams = [s for s in container.streams.video if not s.disposition & cover]
    context = getattr(streams[0], 'codec_context', None) if streams else None
    if context is None:
        container.close()
        raise BrokenClip('a kind of video that this FFmpeg cannot decode' if streams else
                         'no video stream')
    context.thread_count = 1
    return container, streams[0]


def _packets(container, stream):
    """The packets of a stream, the empty one at the end included."""
    try:
        yield from container.demux(stream)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise BrokenClip('cannot be read to its end') from error


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
        frames = _frames(_packets(container, stream))
        found = [(frame.pts, frame.duration or 0) for frame in frames]
    if not found:
        raise BrokenClip('no frames')
    return found


def _frames(packets):
    """The frames that packets decode to, in the order in which they are shown."""
    count = 0
    for packet in packets:
        try:
            frames = packet.decode()
        except (av.FFmpegError, ValueError) as error:
            if isinstance(error, EOFError):  # the decoder was emptied before
                return
            if not count and packet.size and not packet.is_keyframe:
                continue  # a stream that was cut begins at its first key frame, as in a player
            raise BrokenClip(f'cannot be decoded after frame {count}') from error
        for frame in frames:
            count += 1
            yield frame


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


def upright(frame, size):
    """A decoded frame as (H, W, 3) uint8 RGB, turned as its display matrix says.

    Args:
        frame (av.VideoFrame): the decoded frame.
        size (tuple[int, int]): height and width of the video as stored. A frame of another size
            (a recorded video call changes it) is scaled to that.

    Returns:
        np.ndarray: (H, W, 3) uint8 RGB.
    """
    height, width = size
    turns = round(frame.rotation / 90) % 4  # counterclockwise, as np.rot90 turns
    if (frame.height, frame.width) != (height, width) and height and width:
        frame = frame.reformat(width, height)
    pixels = frame.to_ndarray(format='rgb24')
    return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels


def return_memory_at_once():
    """Let glibc return blocks of a megabyte or more to the system as soon as they are free.

    Otherwise it keeps such blocks after some were freed, which takes hundreds of megabytes if the
    frames are large. Call it in programs that read long videos. It has no effect with another C
    library.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(-3, 2 ** 20)  # M_MMAP_THRESHOLD


class Video:
    """The frames of a video file, decoded when they are asked for, in constant memory.

    Iterating goes through all of them in order. Use it in a ``with`` block, or :meth:`close` it.

    Args:
        path (str): the file.

    Attributes:
        times (np.ndarray): (n + 1,) seconds from the first frame: when each is shown, and the end.
        fps (float | None): average frames per second; None if there is only one frame.

    Raises:
        BrokenClip: the file cannot be opened, or a frame that is asked for cannot be decoded.
    """

    def __init__(self, path):
        self.path, self.layout = path, find_layout(path)
        stamps = [*self.layout.stamps, self.layout.end]
        self.times = np.array([float((s - stamps[0]) * self.layout.unit) for s in stamps])
        self.fps = self.layout.rate
        self._container, self._stream, self._coming = None, None, None
        self._at = -1  # number of the frame that was decoded last
        self._valid = float('-inf')  # time stamp from which on decoded frames are right
        self._kept = OrderedDict()
        self._most = max(2, KEPT_BYTES // max(1, 3 * self.layout.size[0] * self.layout.size[1]))

    def __len__(self):
        return len(self.layout.stamps)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __iter__(self):
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number):
        if not 0 <= number < len(self):
            raise IndexError(number)
        return upright(self.decode(int(number)), self.layout.size)

    def close(self):
        """Close the file; the next frame that is asked for opens it again."""
        if self._container is not None:
            self._container.close()
        self._container, self._stream, self._coming, self._at = None, None, None, -1
        self._kept.clear()

    def decode(self, number):
        """Returns a decoded frame (av.VideoFrame), starting from the best place to begin."""
        if number in self._kept:
            return self._kept[number]
        keys, stamps = self.layout.keys, self.layout.stamps
        begin = bisect_right(keys, stamps[number]) - 1
        if self._coming is not None and self._at < number:  # no key frame on the way: go on
            near = number == self._at + 1 or begin < 0 or keys[begin] <= stamps[self._at]
            if near and self._go_to(number):
                return self._kept[number]
        # A stream may need more than one key frame to recover, so try earlier ones, too.
        for key in [*reversed(keys[1:begin + 1][-3:]), None]:
            if self._begin(key) and self._go_to(number):
                return self._kept[number]
        raise BrokenClip(f'frame {number} of {len(self)} cannot be decoded')

    def _begin(self, key):
        """Seeks a key frame or the beginning of the file; returns False if that fails."""
        self._kept.clear()
        self._at, self._coming = -1, None
        self._valid = float('-inf') if key is None else key
        if key is None or self._container is None:
            self.close()
            self._container, self._stream = open_video(self.path)
        packets = _packets(self._container, self._stream)
        if key is not None:
            try:
                self._container.seek(key, stream=self._stream)
                first = next(packets)
            except (av.FFmpegError, BrokenClip, StopIteration):
                return False
            # Behind the key frame that is meant, frames would be built on others not yet seen.
            if first.pts is None or first.pts > key:
                return False
            packets = _chain(first, packets)
        self._coming = _frames(packets)
        return True

    def _go_to(self, number):
        """Decodes the next frames and returns whether the frame was among them."""
        counted = not self.layout.keys
        target = number if counted else self.layout.stamps[number]
        try:
            for frame in self._coming:
                stamp = self._at + 1 if counted else frame.pts
                if stamp is None or stamp > target:
                    break
                place = stamp if counted else self._numbers.get(stamp)
                if place is None or stamp < self._valid:
                    continue  # not shown, or built on frames before the key frame
                self._at = place
                self._kept[place] = frame
                if len(self._kept) > self._most:
                    self._kept.popitem(last=False)
                if place == number:
                    return True
        except BrokenClip:
            pass
        self._coming = None
        return False

    @property
    def _numbers(self):
        if '_table' not in self.__dict__:
            self._table = {stamp: i for i, stamp in enumerate(self.layout.stamps)}
        return self._table


def _chain(first, rest):
    yield first
    yield from rest
