"""Opens a clip, whether it is a video file, a folder of frames, in a store (``frame_store``) or
in memory, and decodes sampled frames."""
import os
import re

import cv2
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from .frame_files import read_frames
from .pictures import IMAGE_EXTENSIONS, read_picture
from .video import Video


def list_images(folder):
    """List the frames in a folder, ``2.jpg`` before ``10.jpg``.

    Args:
        folder (str): the folder.

    Returns:
        list[str]: their paths.
    """
    names = [entry.name for entry in os.scandir(folder)
             if entry.name.lower().endswith(IMAGE_EXTENSIONS) and not entry.name.startswith('.')]
    names.sort(key=lambda name: [int(part) if i % 2 else part
                                 for i, part in enumerate(re.split('([0-9]+)', name))])
    return [os.path.join(folder, name) for name in names]


class FrameFolder:
    """The frames of a folder of images; ``fps`` is None.

    Args:
        path (str): the folder.
    """
    fps = None

    def __init__(self, path):
        self.paths = list_images(path)

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, number):
        return read_picture(self.paths[number])

    def close(self):
        """Does nothing, because no file stays open."""


@TRANSFORMS.register_module()
class ClipInit(BaseTransform):
    """Opens a clip and adds ``total_frames`` and, if it is to be decoded, ``clip_frames``.

    ``filename`` is a video (``video.Video``; its rate, if it has one, is ``avg_fps``) or a
    folder of frames. Two kinds of clips are not opened. A clip with ``stored`` (a store and the
    clip's entry in its index) is read from the store. A clip with ``frames``, a sequence of
    (h, w, 3) uint8, is in memory: it has ``total_frames`` frames from ``start_index`` on.
    """

    def transform(self, results):
        if 'frames' in results:
            return results
        if 'stored' in results:
            _, entry = results['stored']
            rate = {} if entry['avg_fps'] is None else dict(avg_fps=entry['avg_fps'])
            return dict(results, total_frames=entry['frames'], **rate)
        path = results['filename']
        frames = FrameFolder(path) if os.path.isdir(path) else Video(path)
        rate = {} if frames.fps is None else dict(avg_fps=frames.fps)
        return dict(results, clip_frames=frames, total_frames=len(frames), **rate)


@TRANSFORMS.register_module()
class ClipDecode(BaseTransform):
    """Decodes the frames ``frame_inds`` of the opened clip, each once, and adds ``imgs``."""

    def transform(self, results):
        if 'stored' in results:
            store, entry = results['stored']
            return dict(results, imgs=read_frames(store, entry, results['frame_inds'].ravel()),
                        original_shape=tuple(entry['original_shape']),
                        img_shape=tuple(entry['shape']))
        results = dict(results)
        opened = results.pop('clip_frames', None)
        source = results['frames'] if opened is None else opened
        wanted = results['frame_inds'].ravel().tolist()
        try:
            images = {number: source[number] for number in sorted(set(wanted))}
        finally:
            if opened is not None:
                opened.close()
        frames = [images[number] for number in wanted]
        size = frames[0].shape[:2]
        # Faces that were cut out one by one may differ in size, and a clip is one array.
        frames = [f if f.shape[:2] == size else cv2.resize(f, size[::-1]) for f in frames]
        return dict(results, imgs=frames, original_shape=size, img_shape=size)
