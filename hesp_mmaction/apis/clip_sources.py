"""The inputs of a prediction: files, folders, arrays or a webcam, whole or in windows."""
import logging
import os
import time
from functools import cached_property

import cv2
import numpy as np
from mmengine.logging import print_log

from ..datasets.clip_loading import FrameFolder, list_images
from ..datasets.decoding import VIDEO_EXTENSIONS
from ..datasets.face_tracks import main_track, smooth
from ..datasets.faces import TARGETS, WEIGHTS, align, similarity
from ..datasets.integrity import damage, undecodable
from ..datasets.pictures import IMAGE_EXTENSIONS
from ..datasets.video import Video
from ..errors import InputError
from ..text import some
from .windows import spans

NO_FACE = 'no face found'


class FaceCrops:
    """A sequence of the face of every frame, turned upright and cut out: (224, 224, 3) uint8 RGB.

    Args:
        frames (Sequence[np.ndarray]): T frames (H, W, 3) uint8 RGB.
        points (np.ndarray): (T, P, 2), the pixel positions of P points of the face in each frame.
    """

    def __init__(self, frames, points):
        self.frames, self.points = frames, points

    def __len__(self):
        return len(self.frames)

    def __getitem__(self, number):
        return align(self.frames[number], self.points[number])


class OpenedClip:
    """A named sequence of frames. It is opened when the frames are first needed.

    Args:
        name (str): the name of the clip in the results.
        source (str | np.ndarray): the path of a video or of a folder of frames, or the frames
            themselves, (T, H, W, 3) uint8 RGB.
        fps (float): frames per second, used if the source does not tell.

    Attributes:
        windows (int): the number of windows that got a result or an error.
        problem (str | None): why the clip cannot be used. Set by ``check`` and ``follow_face``.
        track (dict[int, dict] | None): the face found in each frame, by frame number. Set by
            ``follow_face``.
    """

    def __init__(self, name, source, fps):
        self.name, self.source, self._fps = name, source, fps
        self.windows = 0
        self.problem, self.track, self.points = None, None, None

    @cached_property
    def frames(self):
        """The frames of the whole clip, T x (H, W, 3) RGB uint8; a file is opened at first use."""
        if isinstance(self.source, np.ndarray):
            return self.source
        return (FrameFolder if os.path.isdir(self.source) else Video)(self.source)

    @property
    def fps(self):
        """Frames per second, on average."""
        return getattr(self.frames, 'fps', None) or self._fps

    @property
    def times(self):
        """(T + 1,) seconds: when each frame is shown, and when the last one ends."""
        times = getattr(self.frames, 'times', None)
        if times is None or times[-1] <= 0:
            times = np.arange(len(self.frames) + 1) / self.fps
        return times

    def spans(self, window=None, stride=None):
        """List the windows of the clip.

        Args:
            window (float, optional): seconds of a window. Defaults to None: the whole clip.
            stride (float, optional): seconds from one window to the next. Defaults to None: half a
                window.

        Returns:
            list[tuple[int, int]]: the windows, as the function ``spans`` returns them.
        """
        even = np.arange(len(self.frames) + 1) / self.fps
        uneven = np.abs(self.times - even).max() * self.fps > 0.5
        return spans(len(self.frames), self.fps, window, stride, self.times if uneven else None)

    def close(self):
        """Close a video. It opens again if its frames are needed."""
        frames = self.__dict__.pop('frames', None)
        if hasattr(frames, 'close'):
            frames.close()

    def check(self):
        """Decode every frame, and set ``problem`` if one cannot be decoded."""
        if not isinstance(self.source, np.ndarray):
            # `damage` would also refuse a video that lacks its end but can be decoded.
            look = damage if os.path.isdir(self.source) else undecodable
            self.problem = look(self.source)

    def follow_face(self, find):
        """Find the main face and follow it, as ``tools/data/prepare_faces.py`` does.

        Args:
            find (Callable): a face detector of ``hesp_mmaction.datasets.faces.DETECTORS``.
        """
        self.track = main_track([find(self.frames[i]) for i in range(len(self.frames))])
        if self.track is None:
            self.problem = NO_FACE
        else:
            self.points = smooth(self.track, len(self.frames))

    def seen(self):
        """Returns the frames for the model (Sequence): the followed faces, or the whole frames."""
        return self.frames if self.points is None else FaceCrops(self.frames, self.points)

    def face(self, start, stop):
        """The place of the face in a part of the clip.

        Args:
            start (int): the first frame.
            stop (int): the frame after the last.

        Returns:
            list[int] | None: the median box [x, y, width, height] in pixels; None if no face was
            found.
        """
        boxes = [face['box'] for number, face in self.track.items() if start <= number < stop]
        return [int(v) for v in np.median(boxes, axis=0)] if boxes else None

    def to_crop(self, number):
        """The map from a frame to its crop.

        Args:
            number (int): the frame.

        Returns:
            np.ndarray | None: (2, 3), from pixels of the frame to pixels of the 224 x 224 crop;
            None if no face was followed.
        """
        if self.points is None:
            return None
        points = self.points[number]
        return similarity(points, TARGETS[:len(points)], WEIGHTS[:len(points)])


def find_clips(inputs, fps=25.0, seconds=5.0):
    """List everything in the input as clips.

    Args:
        inputs (str | Path | np.ndarray | int | list): the path of a video, of a folder of frames,
            or of a folder that is searched for both; frames (T, H, W, 3) uint8 RGB; the number of a
            webcam; or a list of these.
        fps (float): frames per second of inputs that have no rate of their own. Defaults to 25.
        seconds (float): how long a webcam films. Defaults to 5.

    Returns:
        list[OpenedClip]: the clips. Those of a folder are sorted by path.

    Raises:
        InputError: the input is something else, a folder without clips, or a webcam that cannot be
            opened.
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

    Other files are counted and named in the log.
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
        print_log(f'{len(others)} files in {path} are neither videos nor pictures and are left '
                  f'out: {some(sorted(others))}', 'current', logging.WARNING)
    return sorted(found)


def film(index, seconds):
    """Film with a webcam.

    Args:
        index (int): the number of the webcam.
        seconds (float): how long to film.

    Returns:
        tuple[np.ndarray, float]: frames (T, H, W, 3) uint8 RGB, and frames per second.

    Raises:
        InputError: the webcam cannot be opened, or delivers no picture.
    """
    camera = cv2.VideoCapture(index)
    try:
        if not camera.isOpened():
            raise InputError(f'webcam {index} cannot be opened: connect it, end other programs '
                             'that use it, or give a video file')
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
        raise InputError(f'webcam {index} delivers no picture')
    return np.stack(frames), max(1.0, len(frames) / max(elapsed, 1e-3))
