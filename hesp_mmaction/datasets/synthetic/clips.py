"""One clip: a subject acts an emotion in front of a camera, and the film becomes a video file."""
from zlib import crc32

import cv2
import numpy as np

from hesp_mmaction.datasets.emotions import MAFW
from hesp_mmaction.files import whole_path

from .actions import sample_clip
from .face import draw_face
from .scene import film, sample_poses, sample_scene
from .subject import make_subject

SIZE, FPS = 112, 25
FRAMES = (18, 30)       # shortest and longest clip


def make_clip(emotion, person, number, seed=0, size=SIZE):
    """Film clip ``number`` of the world of ``seed``.

    Args:
        emotion (str): one of ``MAFW``, one of the vocabulary with action units, or a compound
            of them.
        person (int): who acts it, see ``ROLES``.
        number (int): each number has its own acting, head movement and scene.
        seed (int): seed of the world. Defaults to 0.
        size (int): side of a frame in pixels. Defaults to ``SIZE``.

    Returns:
        list[np.ndarray]: RGB frames, uint8 (size, size, 3).
    """
    parts = [MAFW.index(part) if part in MAFW else crc32(part.encode())
             for part in emotion.split('_')]
    rng = np.random.default_rng((31, seed, number, *parts))
    subject = make_subject(person, seed)
    count = int(rng.integers(FRAMES[0], FRAMES[1] + 1))
    acts, poses, scene = sample_clip(emotion, count, rng), sample_poses(count, rng), \
        sample_scene(rng)
    return [film(draw_face(subject, act, pose, scene, size), scene, rng)
            for act, pose in zip(acts, poses, strict=True)]


def write_video(path, frames):
    """Write frames to a video file. The file has its name only when it is complete.

    Args:
        path (pathlib.Path): the file; its ending is ``.avi`` or ``.mp4``.
        frames (list[np.ndarray]): RGB frames (H, W, 3), uint8.

    Raises:
        RuntimeError: OpenCV cannot write the file.
    """
    codec = {'.avi': 'MJPG', '.mp4': 'mp4v'}[path.suffix]
    height, width = frames[0].shape[:2]
    with whole_path(path) as part:
        writer = cv2.VideoWriter(part, cv2.VideoWriter_fourcc(*codec), FPS, (width, height))
        if not writer.isOpened():
            raise RuntimeError(f'OpenCV cannot write {path}: is the folder writable, and does this '
                               f'OpenCV have the {codec} codec (pip install opencv-python)?')
        for frame in frames:
            writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        writer.release()
