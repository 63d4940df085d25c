"""Draws predictions on frames: label, score against the threshold, region and time."""
import os
from functools import lru_cache

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .canvas import KNOWN, UNKNOWN

SMALLEST = 384  # pixels: narrower frames are enlarged, so that the text can be read
LARGEST = 1280  # wider ones are made smaller: four times the work would show no more
PANEL, TEXT, FAINT, TRACK = (24, 26, 30), (240, 240, 240), (160, 164, 170), (62, 66, 74)
CROP = 224  # side of an aligned face, see ``datasets.faces``


def _rgb(colour, lighter=0.0):
    """A colour '#rrggbb' as (r, g, b), mixed with white."""
    values = (int(colour[i:i + 2], 16) for i in (1, 3, 5))
    return tuple(round(v + lighter * (255 - v)) for v in values)


COLOURS = dict(known=_rgb(KNOWN, 0.35), unknown=_rgb(UNKNOWN, 0.12))  # light enough on the panel


def colour_of(result):
    """Returns (r, g, b) of a result: one colour for known emotions, another for unknown."""
    return COLOURS['unknown' if result['emotion'] == 'unknown' else 'known']


def shown_probabilities(result):
    """Returns the probabilities (dict) of a result to show; calibrated ones if it has them."""
    return result.get('calibrated') or result['probabilities']


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
    """The result whose window's middle is nearest to a time in seconds."""
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


@lru_cache(maxsize=16)
def _font(size, bold=False):
    name = 'DejaVuSans-Bold.ttf' if bold else 'DejaVuSans.ttf'  # comes with matplotlib
    return ImageFont.truetype(os.path.join(matplotlib.get_data_path(), 'fonts/ttf', name), size)


def frame_size(height, width):
    """Width and height, even, that a frame of (height, width) has in the annotated video."""
    scale = min(max(1.0, SMALLEST / width), LARGEST / width)
    return tuple(max(2, round(scale * side / 2) * 2) for side in (width, height))


def with_time(panel, time):
    """A panel (h, width, 3) with the seconds from the beginning in its corner."""
    unit = panel.shape[1] / SMALLEST
    image = Image.fromarray(panel)
    ImageDraw.Draw(image).text((panel.shape[1] - 14 * unit, 23 * unit), f'{time:.2f} s', FAINT,
                               _font(round(12 * unit)), 'rm')
    return np.asarray(image)


def still_panel(width, result, limits):
    """The panel (h, width, 3) below a frame, without its time; h is about a quarter of the width.

    Args:
        width (int): width of the panel in pixels.
        result (dict): see ``annotate_frame``.
        limits (tuple[float]): see ``annotate_frame``.

    Returns:
        np.ndarray: (h, width, 3) uint8 RGB.
    """
    unit = 2 * width / SMALLEST  # drawn twice as large, for smooth edges
    height = round(43 * width / SMALLEST) * 2
    image = Image.new('RGB', (2 * width, 2 * height), PANEL)
    draw = ImageDraw.Draw(image)

    def at(x, y):
        return x * unit, y * unit

    def text(x, y, words, size, colour=TEXT, bold=False, anchor='lm'):
        draw.text(at(x, y), words, colour, _font(round(size * unit), bold), anchor)

    colour, probabilities = colour_of(result), shown_probabilities(result)
    best = f'{result["best_known"]} {probabilities[result["best_known"]]:.0%}'
    if result['emotion'] == 'unknown':
        font = _font(round(17 * unit), True)
        wide = draw.textlength('unknown', font) / unit
        draw.rounded_rectangle((*at(12, 9), *at(30 + wide, 36)), 6 * unit, colour)
        text(21, 22, 'unknown', 17, PANEL, bold=True)
        text(39 + wide, 23, f'nearest: {best}', 12, FAINT)
    else:
        text(14, 22, result['emotion'], 20, colour, bold=True)
        wide = draw.textlength(result['emotion'], _font(round(20 * unit), True)) / unit
        text(24 + wide, 24, f'{probabilities[result["emotion"]]:.0%}', 12, FAINT)

    low, high = limits
    left, right, top, bottom = 14, SMALLEST - 76, 48, 58

    def along(score):
        share = (score - low) / max(high - low, 1e-12)
        return left + min(max(share, 0.0), 1.0) * (right - left)

    draw.rounded_rectangle((*at(left, top), *at(right, bottom)), 5 * unit, TRACK)
    end = max(along(result['score']), left + 10)
    draw.rounded_rectangle((*at(left, top), *at(end, bottom)), 5 * unit, colour)
    text(SMALLEST - 14, (top + bottom) / 2, f'{result["score"]:.2f}', 14, anchor='rm')
    if result['threshold'] is None:
        text(left, 73, 'score (no threshold)', 10, FAINT)
    else:
        mark = along(result['threshold'])
        draw.line((*at(mark, top - 4), *at(mark, bottom + 4)), TEXT, max(2, round(2 * unit)))
        text(mark, 73, f'threshold {result["threshold"]:.2f}', 10, FAINT, anchor='mm')
        text(left, 73, 'unknown', 10, COLOURS['unknown'])
        text(right, 73, 'known', 10, COLOURS['known'], anchor='rm')
    return np.asarray(image.resize((width, height), Image.Resampling.BOX))
