"""What a user hands in for prediction: files, folders, arrays, a webcam; whole or in windows."""
import logging
import os
import time
from functools import cached_property

import cv2
import numpy as np
from mmengine.logging import print_log

from ..datasets.clip_loading import FrameFolder, list_images
from ..datasets.decoding import VIDEO_EXTENSIONS
from ..datasets.faces import TARGETS, WEIGHTS, align, main_track, similarity, smooth
from ..datasets.integrity import damage, undecodable
from ..datasets.pictures import IMAGE_EXTENSIONS
from ..datasets.video import Video
from ..errors import InputError
from ..text import some

NO_FACE = 'no face found'


class FaceCrops:
    """The upright crops (224, 224, 3) of a face; points (T, P, 2) say where it is in each frame."""

    def __init__(self, frames, points):
        self.frames, self.points = frames, points

    def __len__(self):
        return len(self.frames)

    def __getitem__(self, number):
        return align(self.frames[number], self.points[number])


class OpenedClip:
    """Frames with a name, opened when they are asked for.

    Args:
        name (str): what results call it.
        source (str | np.ndarray): path of a video or of a folder of frames, or frames
            (T, H, W, 3) uint8 RGB.
        fps (float): frames per second, where the source does not tell.

    Attributes:
        windows (int): how many windows of it were judged, or named as unusable.
        problem (str | None): why it cannot be used, after :meth:`check`.
        track (dict[int, dict] | None): frame number to the face, after :meth:`follow_face`.
    """

    def __init__(self, name, source, fps):
        self.name, self.source, self._fps = name, source, fps
        self.windows = 0
        self.problem, self.track, self.points = None, None, None

    @cached_property
    def frames(self):
        if isinstance(self.source, np.ndarray):
            return self.source
        return (FrameFolder if os.path.isdir(self.source) else Video)(self.source)

    @property
    def fps(self):
        """Frames per second, on average."""
        return getattr(self.frames, 'fps', None) or self._fps

    @property
    def times(self):
        """(n + 1,) seconds: when each frame is shown, and the end."""
        times = getattr(self.frames, 'times', None)
        if times is None or times[-1] <= 0:
            times = np.arange(len(self.frames) + 1) / self.fps
        return times

    def spans(self, window=None, stride=None):
        """Its windows, see :func:`spans`."""
        even = np.arange(len(self.frames) + 1) / self.fps
        uneven = np.abs(self.times - even).max() * self.fps > 0.5
        return spans(len(self.frames), self.fps, window, stride, self.times if uneven else None)

    def close(self):
        """Close a video; :attr:`frames` opens it again."""
        frames = self.__dict__.pop('frames', None)
        if hasattr(frames, 'close'):
            frames.close()

    def check(self):
        """Find out whether every frame can be decoded."""
        if not isinstance(self.source, np.ndarray):
            # `damage` would also refuse a video that lacks its end but can be decoded.
            look = damage if os.path.isdir(self.source) else undecodable
            self.problem = look(self.source)

    def follow_face(self, find):
        """Find the main face and follow it, as ``tools/data/prepare_faces.py`` does."""
        self.track = main_track([find(self.frames[i]) for i in range(len(self.frames))])
        if self.track is None:
            self.problem = NO_FACE
        else:
            self.points = smooth(self.track, len(self.frames))

    def seen(self):
        """The frames that the model is shown: the face of each, if it was followed."""
        return self.frames if self.points is None else FaceCrops(self.frames, self.points)

    def face(self, start, stop):
        """The middle box [x, y, width, height] of the face in some frames; None if not found."""
        boxes = [face['box'] for number, face in self.track.items() if start <= number < stop]
        return [int(v) for v in np.median(boxes, axis=0)] if boxes else None

    def to_crop(self, number):
        """The (2, 3) matrix from a frame to its crop of 224 pixels; None without a face."""
        if self.points is None:
            return None
        points = self.points[number]
        return similarity(points, TARGETS[:len(points)], WEIGHTS[:len(points)])


def find_clips(inputs, fps=25.0, seconds=5.0):
    """Everything that was handed in as a list of :class:`OpenedClip`.

    Args:
        inputs: a path of a video, of a folder of frames or of a folder of such (searched through);
            frames (T, H, W, 3) uint8 RGB; the number of a webcam; or a list of these.
        fps (float): of frames that have no rate of their own. seconds (float): to film.

    Raises:
        InputError: something else, an empty folder, a webcam that cannot be opened.
    """
    clips = []
    for item in inputs if isinstance(inputs, (list, tuple)) else [inputs]:
        if isinstance(item, (str, os.PathLike)):
            clips += [OpenedClip(path, path, fps) for path in _paths(os.fspath(item))]
        elif isinstance(item, (int, np.integer)) and not isinstance(item, bool):
            clips.append(OpenedClip(f'webcam {item}', *film(int(item), seconds)))
        elif isinstance(item, np.ndarray):
            if item.ndim != 4 or item.shape[-1] != 3 or item.dtype != np.uint8 or not len(item):
                raise InputError('frames must be an array (T, H, W, 3) of uint8, RGB, not '
                                 f'{item.shape} of {item.dtype}')
            number = sum(isinstance(clip.source, np.ndarray) for clip in clips)
            clips.append(OpenedClip(f'array {number}', item, fps))
        else:
            raise InputError(f'cannot predict on {type(item).__name__}: give the path of a video '
                             'or folder, an array (T, H, W, 3) of frames or the number of a webcam')
    return clips


def _paths(path):
    """Videos and folders of frames at or below a path, sorted; a file as it is.

    What is neither is passed over, counted and named in the log.
    """
    path = os.path.expanduser(path)
    if not os.path.isdir(path):
        return [path]
    found, others = [], []
    for folder, folders, files in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith('.')]
        names = [name for name in files if not name.startswith('.')]
        videos = [name for name in names if name.lower().endswith(VIDEO_EXTENSIONS)]
        found += [os.path.join(folder, name) for name in videos]
        if list_images(folder):
            found.append(folder)
        others += [os.path.join(folder, name) for name in names if name not in videos
                   and not name.lower().endswith(IMAGE_EXTENSIONS)]
    if not found:
        raise InputError(f'{path} holds neither videos ({", ".join(VIDEO_EXTENSIONS)}) nor images')
    if others:
        print_log(f'{len(others)} files in {path} are neither videos nor pictures and are passed '
                  f'over: {some(sorted(others))}', 'current', logging.WARNING)
    return sorted(found)


def film(index, seconds):
    """Frames (T, H, W, 3) RGB of a webcam, and their rate.

    Raises:
        InputError: it cannot be opened, or gives no picture.
    """
    camera = cv2.VideoCapture(index)
    try:
        if not camera.isOpened():
            raise InputError(f'webcam {index} cannot be opened: is it connected, and used by no '
                             'other program? Give a video file otherwise')
        frames, begin = [], time.monotonic()
        while time.monotonic() - begin < seconds or not frames:
            there, frame = camera.read()
            if not there:
                break
            frames.append(frame[..., ::-1])
        elapsed = time.monotonic() - begin
    finally:
        camera.release()
    if not frames:
        raise InputError(f'webcam {index} gives no picture')
    return np.stack(frames), max(1.0, len(frames) / max(elapsed, 1e-3))


def spans(num_frames, fps, window=None, stride=None, times=None):
    """Windows over a clip, as pairs (first frame, frame after the last).

    The last window ends with the clip, so every frame is in one; a clip not longer than a window
    is one window.

    Args:
        num_frames (int): n.
        fps (float): frames per second.
        window (float, optional): seconds; None = the whole clip.
        stride (float, optional): seconds from one window to the next. Defaults to half a window.
        times (np.ndarray, optional): (n + 1,) seconds when each frame is shown, and the end; if
            the rate varies. A window then holds the frames that are shown in its seconds.

    Returns:
        list[tuple[int, int]]

    Raises:
        InputError: a window or stride that is not positive.
    """
    if window is None:
        if stride is not None:
            raise InputError('stride means nothing without window')
        return [(0, num_frames)]
    stride = window / 2 if stride is None else stride
    if not (window > 0 and stride > 0):
        raise InputError(f'window={window} and stride={stride} must be more than 0 seconds')
    if times is not None:
        return _uneven_spans(np.asarray(times), window, stride)
    length = max(1, round(window * fps))
    if length >= num_frames:
        return [(0, num_frames)]
    count = int((num_frames - length) / max(1, stride * fps) + 1e-9) + 1
    starts = [round(i * max(1, stride * fps)) for i in range(count)]
    if starts[-1] + length < num_frames:
        starts.append(num_frames - length)
    return [(start, start + length) for start in starts]


def _uneven_spans(times, window, stride):
    """The same where the rate varies; a border lies at the frame that begins nearest to it."""
    last = len(times) - 1
    if window >= times[-1]:
        return [(0, last)]
    starts = np.append(np.arange(0, times[-1] - window, stride), times[-1] - window)
    borders = [np.round(np.interp(at, times, np.arange(last + 1))).astype(int)
               for at in (starts, starts + window)]
    found = [(min(start, last - 1), max(stop, min(start, last - 1) + 1))
             for start, stop in zip(*(border.tolist() for border in borders), strict=True)]
    return sorted(set(found))
