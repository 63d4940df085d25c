"""Opens a clip, whether it is a video file or a folder of frames, and decodes sampled frames."""
import os
import re

import cv2
from mmaction.datasets.transforms import DecordDecode, DecordInit
from mmaction.registry import TRANSFORMS

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


@TRANSFORMS.register_module()
class ClipInit(DecordInit):
    """MMAction2's ``DecordInit`` that also takes a folder of frames as ``filename``.

    Of a folder it adds ``frame_paths`` and ``total_frames``.
    """

    def transform(self, results):
        if not os.path.isdir(results['filename']):
            return super().transform(results)
        paths = list_images(results['filename'])
        return dict(results, frame_paths=paths, total_frames=len(paths))


@TRANSFORMS.register_module()
class ClipDecode(DecordDecode):
    """MMAction2's ``DecordDecode`` that, of a folder of frames, reads only the sampled ones."""

    def transform(self, results):
        if 'frame_paths' not in results:
            return super().transform(results)
        wanted = results['frame_inds'].ravel().tolist()
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
