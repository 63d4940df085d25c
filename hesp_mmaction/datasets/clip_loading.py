"""Opens a clip, whether it is a video file, a folder of frames, in a store (:mod:`frame_store`) or
in memory, and decodes sampled frames."""
import functools
import os
import re

import cv2
import decord
import numpy as np
from mmaction.datasets.transforms import DecordDecode, DecordInit
from mmaction.registry import TRANSFORMS

FRAMES = 'frames.npy'  # of a store
IMAGE_EXTENSIONS = ('.jpg', '.jpeg', '.png', '.bmp')


class BrokenClip(RuntimeError):
    """A frame of a clip cannot be decoded."""


def list_images(folder):
    """Paths of the frames in a folder, ``2.jpg`` before ``10.jpg``, whatever they are called."""
    names = [entry.name for entry in os.scandir(folder)
             if entry.name.lower().endswith(IMAGE_EXTENSIONS) and not entry.name.startswith('.')]
    names.sort(key=lambda name: [int(part) if i % 2 else part
                                 for i, part in enumerate(re.split('([0-9]+)', name))])
    return [os.path.join(folder, name) for name in names]


class Video:
    """The frames of a video file, each decoded when it is asked for; ``fps`` may be None."""

    def __init__(self, path):
        self.reader = decord.VideoReader(path, num_threads=1)
        self.fps = self.reader.get_avg_fps() or None

    def __len__(self):
        return len(self.reader)

    def __getitem__(self, number):
        if number >= len(self):  # decord gives the last frame again
            raise IndexError(number)
        return self.reader[int(number)].asnumpy()


class FrameFolder:
    """The frames of a folder of images; ``fps`` is None."""
    fps = None

    def __init__(self, path):
        self.paths = list_images(path)

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, number):
        return _read(self.paths[number])


@TRANSFORMS.register_module()
class ClipInit(DecordInit):
    """MMAction2's ``DecordInit`` that also takes a folder of frames as ``filename``.

    Of a folder it adds ``frame_paths`` and ``total_frames``. A clip with ``stored``, a store and
    what its index says of the clip, is not opened at all, and neither is one with ``frames``, a
    sequence of (h, w, 3) uint8, of which those from ``start_index`` on are the clip,
    ``total_frames`` in number.
    """

    def transform(self, results):
        if 'frames' in results:
            return results
        if 'stored' in results:
            _, entry = results['stored']
            rate = {} if entry['avg_fps'] is None else dict(avg_fps=entry['avg_fps'])
            return dict(results, total_frames=entry['frames'], **rate)
        if not os.path.isdir(results['filename']):
            return super().transform(results)
        paths = list_images(results['filename'])
        return dict(results, frame_paths=paths, total_frames=len(paths))

    def _get_video_reader(self, filename):
        # MMAction2 reads the file into memory first; decord 0.6 crashes the process if such a file
        # is cut off.
        if self.io_backend == 'disk':
            return decord.VideoReader(filename, num_threads=self.num_threads)
        return super()._get_video_reader(filename)


@TRANSFORMS.register_module()
class ClipDecode(DecordDecode):
    """MMAction2's ``DecordDecode`` that, of a folder of frames, reads only the sampled ones."""

    def transform(self, results):
        if 'stored' in results:
            store, entry = results['stored']
            return dict(results, imgs=stored_frames(store, entry, results['frame_inds'].ravel()),
                        original_shape=tuple(entry['original_shape']),
                        img_shape=tuple(entry['shape']))
        if 'frame_paths' not in results and 'frames' not in results:
            return super().transform(results)
        wanted = results['frame_inds'].ravel().tolist()
        if 'frames' in results:
            images = {number: results['frames'][number] for number in sorted(set(wanted))}
        else:
            images = {number: _read(results['frame_paths'][number]) for number in set(wanted)}
        frames = [images[number] for number in wanted]
        size = frames[0].shape[:2]
        # Faces that were cut out one by one may differ in size, and a clip is one array.
        frames = [f if f.shape[:2] == size else cv2.resize(f, size[::-1]) for f in frames]
        return dict(results, imgs=frames, original_shape=size, img_shape=size)


def _read(path):
    image = cv2.imread(path)
    if image is None:
        raise BrokenClip(f'{path} cannot be decoded')
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


@functools.lru_cache(maxsize=4)
def open_frames(store):
    """The frames of a store, (bytes,) uint8; the memory that holds them is shared by processes."""
    return np.load(os.path.join(store, FRAMES), mmap_mode='r')


def stored_frames(store, entry, numbers):
    """Frames of a clip: list of (h, w, 3) uint8.

    Args:
        store (str): folder. entry (dict): of the clip in the index: ``start`` (byte), ``frames``
            and ``shape`` (h, w). numbers (Iterable[int]): wanted frames.
    """
    height, width = entry['shape']
    size = height * width * 3
    frames = open_frames(store)[entry['start']:entry['start'] + entry['frames'] * size]
    frames = frames.reshape(-1, height, width, 3)
    return [np.array(frames[number]) for number in numbers]
