"""Reads videos: number i is the i-th frame that a player shows, upright, at its own time stamp.

The result does not depend on the caller or on the order of calls. FFmpeg decodes, but it must know
where to begin, so ``find_layout`` first lists the frames of a file once.
"""
import ctypes
from bisect import bisect_right
from collections import OrderedDict
from contextlib import suppress

import av
import numpy as np

from .decoding import BrokenClip, decode_packets, open_video, read_packets, upright
from .video_layout import find_layout

KEPT_BYTES = 2 ** 27  # of decoded frames, for somebody who goes back a little


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

    Iterating goes through all of them in order. Use it in a ``with`` block, or ``close`` it.

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
        """Decode a frame, starting from the best place to begin.

        Args:
            number (int): the frame, from 0.

        Returns:
            av.VideoFrame: the frame.

        Raises:
            BrokenClip: it cannot be decoded.
        """
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
        packets = read_packets(self._container, self._stream)
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
        self._coming = decode_packets(packets)
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
