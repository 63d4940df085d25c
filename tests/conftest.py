"""Fixtures for all tests: small, real data made on the spot."""
import cv2
import numpy as np
import pytest

AFEW_FOLDERS = ('Angry', 'Disgust', 'Fear', 'Happy', 'Neutral', 'Sad', 'Surprise')


def _write_clip(path, frames):
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 25, (width, height))
    for frame in frames:
        writer.write(np.ascontiguousarray(frame))
    writer.release()


@pytest.fixture(scope='session')
def write_clip():
    """A function (path, frames (T, H, W, 3) uint8) that writes an .avi file (motion JPEG)."""
    return _write_clip


@pytest.fixture(scope='session')
def tiny_afew(tmp_path_factory):
    """A folder in AFEW's layout: 7 emotions x 2 clips in each part, 64 px, 12 frames."""
    root = tmp_path_factory.mktemp('afew')
    rng = np.random.default_rng(0)
    for part in ('Train_AFEW', 'Val_AFEW'):
        for folder in AFEW_FOLDERS:
            (root / part / folder).mkdir(parents=True)
            for i in range(2):
                coarse = rng.integers(0, 256, (12, 4, 4, 3), dtype=np.uint8)
                _write_clip(root / part / folder / f'{i:03d}.avi',
                            coarse.repeat(16, axis=1).repeat(16, axis=2))
    return root
