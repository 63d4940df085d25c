"""One face per clip: found in its frames, followed, turned upright and cut out.

A face is ``dict(box, points)``: ``box`` (4,) x, y, width, height and ``points`` (P, 2), where P is
5 (eyes, nose, corners of the mouth) or 2 (eyes), left in the image first.
"""
import functools
import os

import cv2
import numpy as np
import torch
from scipy.signal import savgol_filter
from torchvision.ops import box_convert, box_iou

from ..errors import InputError

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


def overlaps(boxes, others):
    """Intersection over union of each pair of boxes.

    Args:
        boxes (Sequence[Sequence[float]]): A boxes, each x, y, width and height in pixels.
        others (Sequence[Sequence[float]]): B boxes.

    Returns:
        np.ndarray: (A, B), 0 to 1.
    """
    corners = [box_convert(torch.as_tensor(np.reshape(group, (-1, 4)), dtype=torch.float64),
                           'xywh', 'xyxy') for group in (boxes, others)]
    return box_iou(*corners).numpy()


def tracks(found):
    """Follow faces from frame to frame, over gaps too.

    Args:
        found (list[list[dict]]): the faces found in each frame.

    Returns:
        list[dict[int, dict]]: for each track, frame number to face.
    """
    result = []
    for number, faces in enumerate(found):
        shares = overlaps([track[max(track)]['box'] for track in result],
                          [face['box'] for face in faces])
        taken = set()
        pairs = ((shares[pair], *pair) for pair in np.ndindex(shares.shape))
        for share, t, f in sorted(pairs, reverse=True):
            if share > 0.3 and f not in taken and number not in result[t]:
                result[t][number] = faces[f]
                taken.add(f)
        result += [{number: face} for f, face in enumerate(faces) if f not in taken]
    return result


def main_track(found):
    """The track with the largest sum of areas: large and seen for long; None without a face."""
    return max(tracks(found), key=lambda track: sum(
        face['box'][2] * face['box'][3] for face in track.values()), default=None)


def smooth(track, num_frames, window=5):
    """Points of every frame, interpolated where no face was found and smoothed over time.

    Each point is read off the straight line that best fits the points of the nearest frames. The
    points of a face that moves evenly therefore do not lag. The first and last frames are smoothed
    too.

    Args:
        track (dict[int, dict]): frame number to the face.
        num_frames (int): T, the number of frames of the clip.
        window (int): how many frames a line is fitted to.

    Returns:
        np.ndarray: points (T, P, 2), in pixels.
    """
    numbers = sorted(track)
    known = np.array([track[n]['points'] for n in numbers], dtype=float)
    frames = np.arange(num_frames)
    points = np.stack([np.interp(frames, numbers, column)
                       for column in known.reshape(len(numbers), -1).T], 1)
    if num_frames >= 3:  # a line through two would be no smoothing
        points = savgol_filter(points, min(window, num_frames), polyorder=1, axis=0)
    return points.reshape(num_frames, -1, 2)


def find_haar(frame):
    """Faces of a frame (H, W, 3) RGB by OpenCV's Haar cascades, with the eyes as points.

    An eye that is not found is placed where it is in an average face. Frames of more than 960
    pixels are reduced to that size first, because the smallest face that is searched for is a
    tenth of the frame anyway.
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
    """Faces of a frame (H, W, 3) RGB by MTCNN (Zhang et al. 2016), with five points."""
    boxes, scores, points = load_mtcnn().detect(frame, landmarks=True)
    if boxes is None:
        return []
    return [dict(box=(a, b, c - a, d - b), points=np.asarray(p, dtype=float))
            for (a, b, c, d), score, p in zip(boxes, scores, points, strict=True) if score > 0.9]


@functools.lru_cache
def load_mtcnn():
    try:
        from facenet_pytorch import MTCNN  # by hand only, see the error
    except ImportError as error:
        raise InputError('--detector mtcnn needs facenet-pytorch: pip install --no-deps '
                         'facenet-pytorch==2.6.0 requests; or use --detector haar') from error
    return MTCNN(keep_all=True, min_face_size=40)


DETECTORS = dict(haar=find_haar, mtcnn=find_mtcnn)


def load_detector(name):
    """The function of a name in ``DETECTORS``, ready for its first frame.

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
