"""One face per clip: found in its frames, followed, turned upright and cut out.

A face is ``dict(box, points)``: ``box`` (4,) x, y, width, height and ``points`` (P, 2), where P is
5 (eyes, nose, corners of the mouth) or 2 (eyes), left in the image first.
"""
import functools
import os

import cv2
import numpy as np

from ..errors import InputError
from .face_tracks import main_track, smooth

# Where the five points come to lie in a crop of 224 pixels: those of ArcFace, twice as large.
SIZE = 224
TARGETS = 2 * np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366],
                        [41.5493, 92.3655], [70.7299, 92.2041]])
# The mouth moves with the expression: it must not move the crop.
WEIGHTS = np.array([1, 1, 0.05, 0.05, 0.05])
LARGEST = 960  # pixels: longer side of a frame in which Haar cascades look for faces


def similarity(source, target, weights=None):
    """Find the rotation, scale and shift that map points closest to others (least squares).

    Args:
        source (np.ndarray): points (P, 2).
        target (np.ndarray): points (P, 2) to which they are mapped.
        weights (np.ndarray, optional): weights (P,) of the squared distances. Defaults to None:
            all weights are equal.

    Returns:
        np.ndarray: matrix (2, 3) for ``cv2.warpAffine``.
    """
    weights = np.ones(len(source)) if weights is None else weights
    mean_s, mean_t = (np.average(points, axis=0, weights=weights) for points in (source, target))
    # As complex numbers, a turn with a scale is a product.
    s, t = ((points - mean) @ [1, 1j] for points, mean in ((source, mean_s), (target, mean_t)))
    factor = np.vdot(s, weights * t) / np.vdot(s, weights * s).real
    turn = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.column_stack([turn, mean_t - turn @ mean_s])


def align(frame, points):
    """The crop (224, 224, 3) of a frame in which the points lie at ``TARGETS``.

    Args:
        frame (np.ndarray): (H, W, 3) uint8.
        points (np.ndarray): (P, 2) in pixels, P = 5, or 2 for the eyes.

    Returns:
        np.ndarray: (224, 224, 3) uint8.
    """
    matrix = similarity(points, TARGETS[:len(points)], WEIGHTS[:len(points)])
    return cv2.warpAffine(frame, matrix, (SIZE, SIZE), flags=cv2.INTER_LINEAR,
                          borderMode=cv2.BORDER_REPLICATE)


def find_haar(frame):
    """Find the faces of a frame by OpenCV's Haar cascades, with the eyes as points.

    An eye that is not found is placed where it is in an average face. Frames of more than 960
    pixels are reduced to that size first, because the smallest face that is searched for is a tenth
    of the frame anyway.

    Args:
        frame (np.ndarray): RGB (H, W, 3), uint8.

    Returns:
        list[dict]: for each face, ``box`` (x, y, width, height) and ``points`` (2, 2), in pixels.
    """
    scale = max(1.0, max(frame.shape) / LARGEST)
    if scale > 1:
        size = [round(side / scale) for side in frame.shape[1::-1]]
        frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    faces, eyes = (_cascade(name) for name in ('frontalface_default', 'eye'))
    grey = cv2.equalizeHist(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY))
    result = []
    smallest = max(24, min(grey.shape) // 10)
    for x, y, w, h in faces.detectMultiScale(grey, 1.1, 6, minSize=(smallest, smallest)):
        upper = cv2.resize(grey[y:y + int(0.6 * h), x:x + w], None, fx=240 / w, fy=240 / w)
        seen = eyes.detectMultiScale(upper, 1.05, 3, minSize=(36, 36), maxSize=(90, 90))
        centres = np.array([(a + c / 2, b + d / 2) for a, b, c, d in seen]).reshape(-1, 2) * w / 240
        points = []
        for usual in (np.array([0.31, 0.39]), np.array([0.69, 0.39])):
            usual = usual * (w, h)
            near = centres[np.linalg.norm(centres - usual, axis=1) < 0.13 * w]
            centre = np.median(near, axis=0) if len(near) else usual
            points.append((x, y) + _pupil(grey[y:y + h, x:x + w], centre, 0.09 * w))
        box = tuple(round(float(side) * scale) for side in (x, y, w, h))
        result.append(dict(box=box, points=np.array(points) * scale))
    return result


def _pupil(grey, centre, reach):
    """Returns the point of an eye (x, y), moved sideways to the darkest place near it.

    Boxes of eyes are inaccurate. The point is not moved up or down, because lashes and brows are
    dark too.
    """
    low = np.maximum(0, np.round(centre - [reach, reach / 2])).astype(int)
    high = np.round(centre + [reach, reach / 2]).astype(int) + 1
    window = cv2.GaussianBlur(grey, (0, 0), reach / 6)[low[1]:high[1], low[0]:high[0]]
    columns = np.nonzero(window <= np.percentile(window, 100 / 7))[1]
    return np.array([low[0] + columns.mean(), centre[1]])


@functools.lru_cache
def _cascade(name):
    if not hasattr(cv2, 'CascadeClassifier'):  # nothing else here needs it
        raise InputError(f'OpenCV {cv2.__version__} has no Haar cascades: pip install '
                         '"opencv-python<5" "opencv-contrib-python<5"; or use --detector mtcnn')
    return cv2.CascadeClassifier(os.path.join(cv2.data.haarcascades, f'haarcascade_{name}.xml'))


def find_mtcnn(frame):
    """Find the faces of a frame by MTCNN (Zhang et al. 2016), with five points.

    Args:
        frame (np.ndarray): RGB (H, W, 3), uint8.

    Returns:
        list[dict]: for each face, ``box`` (x, y, width, height) and ``points`` (5, 2), in pixels.

    Raises:
        InputError: see ``load_mtcnn``.
    """
    boxes, scores, points = load_mtcnn().detect(frame, landmarks=True)
    if boxes is None:
        return []
    return [dict(box=(a, b, c - a, d - b), points=np.asarray(p, dtype=float))
            for (a, b, c, d), score, p in zip(boxes, scores, points, strict=True) if score > 0.9]


@functools.lru_cache
def load_mtcnn():
    """Load MTCNN with its weights.

    Returns:
        facenet_pytorch.MTCNN: the detector.

    Raises:
        InputError: facenet-pytorch is not installed.
    """
    try:
        from facenet_pytorch import MTCNN  # by hand only, see the error
    except ImportError as error:
        raise InputError('--detector mtcnn needs facenet-pytorch: pip install --no-deps '
                         'facenet-pytorch==2.6.0 requests; or use --detector haar') from error
    return MTCNN(keep_all=True, min_face_size=40)


DETECTORS = dict(haar=find_haar, mtcnn=find_mtcnn)


def load_detector(name):
    """Prepare a detector for its first frame.

    Args:
        name (str): a key of ``DETECTORS``.

    Returns:
        Callable: its function, from a frame to a list of faces.

    Raises:
        InputError: a package that it needs is not installed.
    """
    if name == 'haar':
        _cascade('eye')
    elif name == 'mtcnn':
        load_mtcnn()
    return DETECTORS[name]


def aligned_faces(frames, find):
    """The main face of a clip in every frame, upright.

    Args:
        frames (Sequence[np.ndarray]): T x (H, W, 3) RGB uint8; read twice, one at a time.
        find (Callable): maps a frame to its faces; one of ``DETECTORS``.

    Returns:
        tuple: iterator of T crops (224, 224, 3), or None without a face, and the number of frames
        in which the face was found.
    """
    track = main_track([find(frame) for frame in frames])
    if track is None:
        return None, 0
    points = smooth(track, len(frames))
    return map(align, frames, points), len(track)
