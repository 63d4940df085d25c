"""Draws the panel below a frame: label, probability, and the score against the threshold."""
import os
from functools import lru_cache

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .canvas import KNOWN, UNKNOWN

SMALLEST = 384  # pixels: narrower frames are enlarged, so that the text can be read
PANEL, TEXT, FAINT, TRACK = (24, 26, 30), (240, 240, 240), (160, 164, 170), (62, 66, 74)


def _rgb(colour, lighter=0.0):
    """A colour '#rrggbb' as (r, g, b), mixed with white."""
    values = (int(colour[i:i + 2], 16) for i in (1, 3, 5))
    return tuple(round(v + lighter * (255 - v)) for v in values)


COLOURS = dict(known=_rgb(KNOWN, 0.35), unknown=_rgb(UNKNOWN, 0.12))  # light enough on the panel


def colour_of(result):
    """Choose the colour of a result: one for known emotions, another for unknown.

    Args:
        result (dict): of the inferencer; only ``emotion`` is read.

    Returns:
        tuple[int]: RGB.
    """
    return COLOURS['unknown' if result['emotion'] == 'unknown' else 'known']


def shown_probabilities(result):
    """Choose the probabilities to show: calibrated ones if the result has them.

    Args:
        result (dict): of the inferencer.

    Returns:
        dict[str, float]: known emotion to probability, from 0 to 1.
    """
    return result.get('calibrated') or result['probabilities']


@lru_cache(maxsize=16)
def _font(size, bold=False):
    name = 'DejaVuSans-Bold.ttf' if bold else 'DejaVuSans.ttf'  # comes with matplotlib
    return ImageFont.truetype(os.path.join(matplotlib.get_data_path(), 'fonts/ttf', name), size)


def with_time(panel, time):
    """Write the seconds from the beginning into the corner of a panel.

    Args:
        panel (np.ndarray): RGB (h, width, 3), uint8.
        time (float): in seconds.

    Returns:
        np.ndarray: a copy with the text.
    """
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
