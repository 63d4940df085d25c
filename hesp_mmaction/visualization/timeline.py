"""Draws what a model says over the time of a clip, as HTML with a drawing in SVG."""
import html

import numpy as np

from .canvas import KNOWN, UNKNOWN


def short_number(value):
    """Write a number with two decimals. None is ever ``-0.00``.

    Args:
        value (float): the number.

    Returns:
        str: the text.
    """
    return f'{round(value, 2) + 0.0:.2f}'  # -0.001 is 0.00


def runs(windows):
    """Divide the time of a clip into stretches of one emotion, without gaps.

    At a time between the middles of two windows, the nearer window counts.

    Args:
        windows (list[dict]): results in order of time.

    Returns:
        list[tuple[float, float, str]]: start and end in seconds, and emotion, of each stretch.
    """
    middles = [(w['start'] + w['end']) / 2 for w in windows]
    ends = [(a + b) / 2 for a, b in zip(middles, middles[1:], strict=False)]
    found = []
    for window, end in zip(windows, [*ends, windows[-1]['end']], strict=True):
        if found and found[-1][2] == window['emotion']:
            found[-1] = (found[-1][0], end, window['emotion'])
        else:
            found.append((found[-1][1] if found else windows[0]['start'], end, window['emotion']))
    return found


def tick_step(total):
    """Seconds from one tick of a time axis to the next, so that there are at most ten of them.

    Args:
        total (float): length of the axis in seconds.

    Returns:
        float: the step in seconds.
    """
    steps = (0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)
    return next((step for step in steps if total <= 9 * step), 3600 * np.ceil(total / 9 / 3600))


def timeline(windows, limits):
    """Draw score and emotion over time, with one point per window.

    Args:
        windows (list[dict]): results of the windows, with ``start`` and ``end`` in seconds.
        limits (tuple[float, float]): scores at the lower and the upper end of the drawing.

    Returns:
        str: HTML with a picture in SVG.
    """
    width, height, strip = 800, 120, 30
    total = windows[-1]['end']
    low, high = limits

    def x(seconds):
        return width * seconds / total

    def y(score):
        return height * (1 - (score - low) / (high - low))

    parts = []
    threshold = windows[0]['threshold']
    if threshold is not None:
        parts.append(f'<line x1="0" x2="{width}" y1="{y(threshold):.1f}" y2="{y(threshold):.1f}" '
                     'stroke="currentColor" stroke-dasharray="6 5"/>'
                     f'<text class="faint" x="{width}" y="{y(threshold) - 6:.1f}" '
                     'text-anchor="end">threshold</text>')
    points = [(x((w['start'] + w['end']) / 2), y(w['score'])) for w in windows]
    parts.append('<polyline fill="none" stroke="#8a8f98" stroke-width="2" points="'
                 + ' '.join(f'{a:.1f},{b:.1f}' for a, b in points) + '"/>')
    for window, (a, b) in zip(windows, points, strict=True):
        emotion = window['emotion']
        parts.append(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="5.5" fill="{_colour(emotion)}">'
                     f'<title>{window["start"]:.2f} to {window["end"]:.2f} s: '
                     f'{html.escape(emotion)}, score {short_number(window["score"])}</title>'
                     '</circle>')
    for start, end, emotion in runs(windows):
        left, wide = x(start), x(end) - x(start)
        parts.append(f'<rect x="{left:.1f}" y="{height + 12}" width="{max(wide - 2, 1):.1f}" '
                     f'height="{strip}" rx="5" fill="{_colour(emotion)}"/>')
        if wide > 10 * len(emotion):
            parts.append(f'<text class="on" x="{left + wide / 2:.1f}" y="{height + 32}" '
                         f'text-anchor="middle">{html.escape(emotion)}</text>')
    step = tick_step(total)
    for tick in np.arange(0, total + 1e-9, step):
        anchor = 'start' if tick == 0 else 'end' if x(tick) > width - 20 else 'middle'
        parts.append(f'<text class="faint" x="{x(tick):.1f}" y="{height + 60}" '
                     f'text-anchor="{anchor}">{tick:g} s</text>')
    length = windows[0]['end'] - windows[0]['start']
    note = 'The clip is not longer than one window.'
    if len(windows) > 1:
        note = (f'A point is the score of a window of {length:.2g} s. Of a clip with several '
                'expressions, these say more than the label of the whole.')
    return (f'<section><h3>Over time</h3><svg viewBox="0 0 {width} {height + 64}" role="img" '
            f'aria-label="score and emotion over time">{"".join(parts)}</svg>'
            f'<p class="faint">{note}</p></section>')


def _colour(emotion):
    return UNKNOWN if emotion == 'unknown' else KNOWN
