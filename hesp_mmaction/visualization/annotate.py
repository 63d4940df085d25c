"""Draws predictions on frames: the region, and below it the panel of ``panel.py``."""
import cv2
import numpy as np

from .panel import SMALLEST, TEXT, colour_of, still_panel, with_time

LARGEST = 1280  # wider ones are made smaller: four times the work would show no more
CROP = 224  # side of an aligned face, see ``datasets.faces``


def score_limits(results):
    """Lowest and highest score that a bar shows; the threshold, if there is one, is its middle.

    Args:
        results (list[dict]): predictions of ``HESPInferencer``. Those with an ``error`` are
            skipped.

    Returns:
        tuple[float, float]: lowest and highest score.
    """
    results = [r for r in results if 'error' not in r]
    if not results:
        return 0.0, 1.0
    scores = [r['score'] for r in results]
    threshold = results[0]['threshold']
    if threshold is None:
        reach = max(max(scores) - min(scores), 1e-6)
        return min(scores) - 0.25 * reach, max(scores) + 0.25 * reach
    reach = 1.15 * max(max(abs(s - threshold) for s in scores), 1e-6)
    return threshold - reach, threshold + reach


def result_at(results, time):
    """Find the result whose window has its middle nearest to a time.

    Args:
        results (list[dict]): one for each window, with ``start`` and ``end`` in seconds.
        time (float): in seconds.

    Returns:
        dict: one of the results.
    """
    return min(results, key=lambda r: abs((r['start'] + r['end']) / 2 - time))


def region_corners(region, image_size, frame_shape, to_crop=None):
    """Where the region lies in the frame: corners (4, 2), x and y, clockwise from the top left.

    Args:
        region (list[int]): top, left and side in the square of ``image_size`` pixels that the
            model sees: the whole frame, squeezed, or the crop of the face.
        image_size (int): S, the side of that square in pixels.
        frame_shape (tuple[int]): (H, W) of the frame.
        to_crop (np.ndarray, optional): matrix (2, 3) from the frame to a crop of 224 pixels.

    Returns:
        np.ndarray: corners (4, 2), in pixels of the frame.
    """
    top, left, side = region
    corners = np.array([(left, top), (left + side, top), (left + side, top + side),
                        (left, top + side)], dtype=float) / image_size
    if to_crop is None:
        return corners * frame_shape[1::-1]
    return cv2.transform(corners[None] * CROP, cv2.invertAffineTransform(to_crop))[0]


def annotate_frame(frame, result, time, limits, to_crop=None, panel=None):
    """Draw a result on one frame.

    Args:
        frame (np.ndarray): (H, W, 3) uint8 RGB.
        result (dict): a prediction of ``HESPInferencer``.
        time (float): time of the frame in seconds from the beginning.
        limits (tuple[float]): ends of the score bar, see ``score_limits``.
        to_crop (np.ndarray, optional): see ``region_corners``.
        panel (np.ndarray, optional): ``still_panel`` of this result, made before.

    Returns:
        np.ndarray: (H', W', 3) uint8 RGB, even sides, W' from 384 to 1280: the frame with the
        region and the face, and a panel below.
    """
    height, width = frame.shape[:2]
    size = frame_size(height, width)
    picture = cv2.resize(frame, size, interpolation=(
        cv2.INTER_CUBIC if size[0] > width else cv2.INTER_AREA))
    stretch = np.array(size) / (width, height)
    thick = max(2, round(size[0] / 190))
    if result.get('face'):
        x, y, w, h = result['face']
        corners = np.array([(x, y), (x + w, y), (x + w, y + h), (x, y + h)]) * stretch
        _outline(picture, corners, TEXT, max(1, thick // 2))
    if result.get('region'):
        corners = region_corners(result['region'], result['image_size'], (height, width), to_crop)
        _outline(picture, corners * stretch, colour_of(result), thick)
    if result['emotion'] == 'unknown':
        cv2.rectangle(picture, (0, 0), (size[0] - 1, size[1] - 1), colour_of(result), 2 * thick)
    panel = still_panel(size[0], result, limits) if panel is None else panel
    return np.concatenate([picture, with_time(panel, time)])


def annotate(frames, results, times, limits=None, to_crop=lambda number: None):
    """Draw the results of a clip's windows on its frames, one frame at a time.

    Args:
        frames (Sequence[np.ndarray]): n x (H, W, 3) uint8 RGB.
        results (list[dict]): predictions of the clip's windows.
        times (Sequence[float]): (n + 1,) seconds: when each frame is shown, and the end.
        limits (tuple[float], optional): see ``annotate_frame``. Defaults to those of
            ``results``.
        to_crop (Callable): frame number to the matrix of ``region_corners`` or None.

    Yields:
        np.ndarray: as returned by ``annotate_frame``.
    """
    limits = limits or score_limits(results)
    before, panel = None, None  # many frames in a row have one result
    for number in range(len(frames)):
        frame, time = frames[number], times[number]
        result = result_at(results, time)
        if result is not before:
            before, panel = result, still_panel(frame_size(*frame.shape[:2])[0], result, limits)
        yield annotate_frame(frame, result, time, limits, to_crop(number), panel)


def _outline(picture, corners, colour, thick):
    """A polygon, anti-aliased, with a dark edge that shows on light pictures too."""
    points = np.round(corners * 16).astype(np.int32)
    for shade, width in (((20, 20, 20), thick + 2), (colour, thick)):
        cv2.polylines(picture, [points], True, shade, width, cv2.LINE_AA, shift=4)


def frame_size(height, width):
    """Compute the size of a frame in the annotated video. Both sides are even.

    Args:
        height (int): of the frame of the clip, in pixels.
        width (int): of the frame of the clip, in pixels.

    Returns:
        tuple[int, int]: width and height in pixels.
    """
    scale = min(max(1.0, SMALLEST / width), LARGEST / width)
    return tuple(max(2, round(scale * side / 2) * 2) for side in (width, height))
