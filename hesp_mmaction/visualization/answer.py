"""Renders the predictions for a clip as HTML, for the demo page."""
import base64
import html
import io

import cv2
import numpy as np
from PIL import Image

from .annotate import score_limits, shown_probabilities
from .canvas import KNOWN, UNKNOWN
from .regions import under_heat

# The host page's own colours, if it has any (Gradio's names); both light and dark.
STYLE = f"""
.answer {{ --known: {KNOWN}; --unknown: {UNKNOWN}; --faint:
  color-mix(in srgb, var(--body-text-color, #111) 68%, transparent);
  --line: var(--border-color-primary, #d4d4d8); --track: var(--background-fill-secondary, #f1f1f4);
  font-size: 15px; line-height: 1.45; display: grid; gap: 26px; padding: 4px }}
.answer h3 {{ font-size: 15px; font-weight: 600; margin: 0 0 8px }}
.answer p {{ margin: 4px 0 0 }} .answer .faint {{ color: var(--faint); font-size: 13px }}
.answer .problem {{ border-left: 5px solid var(--unknown); padding: 14px 18px;
  background: var(--track); border-radius: 4px; font-size: 16px }}
.answer .verdict {{ display: flex; gap: 24px; align-items: center; flex-wrap: wrap }}
.answer .clip {{ width: 176px; max-height: 200px; object-fit: contain; border-radius: 10px;
  border: 5px solid var(--known) }}
.answer .is-unknown .clip {{ border-color: var(--unknown) }}
.answer .words {{ flex: 1 1 300px }}
.answer .label {{ display: inline-block; font-size: 28px; line-height: 1.2; font-weight: 700;
  color: #fff; background: var(--known); padding: 4px 18px 6px; border-radius: 10px }}
.answer .is-unknown .label {{ background: var(--unknown) }}
.answer .score {{ position: relative; height: 14px; border-radius: 7px; margin: 26px 0 24px;
  background: var(--track); border: 1px solid var(--line) }}
.answer .fill {{ height: 100%; border-radius: 6px; background: var(--known) }}
.answer .is-unknown .score .fill {{ background: var(--unknown) }}
.answer .mark {{ position: absolute; top: -6px; height: 24px; border-left: 3px solid
  var(--body-text-color, #111) }}
.answer .under {{ position: absolute; top: 19px; transform: translateX(-50%); font-size: 13px;
  white-space: nowrap }}
.answer .over {{ position: absolute; bottom: 16px; font-size: 13px; font-weight: 600;
  white-space: nowrap; transform: translateX(-50%) }}
.answer .end {{ position: absolute; top: 19px; font-size: 13px; color: var(--faint) }}
.answer .row {{ display: grid; grid-template-columns: 110px 1fr 48px; gap: 12px;
  align-items: center; margin: 5px 0 }}
.answer .row .track {{ height: 14px; border-radius: 7px; background: var(--track);
  border: 1px solid var(--line) }}
.answer .row b, .answer .row span {{ font-variant-numeric: tabular-nums; text-align: right }}
.answer .row span:first-child {{ text-align: left }}
.answer .faded .fill {{ opacity: .45 }}
.answer .frames {{ display: grid; grid-template-columns: repeat(8, minmax(0, 1fr)); gap: 6px }}
.answer .frame {{ position: relative; line-height: 0 }}
.answer .frame img {{ width: 100%; border-radius: 4px; display: block }}
.answer .region {{ position: absolute; border: 1.5px solid #fff; outline: 1.5px solid #111;
  box-sizing: border-box }}
.answer svg {{ width: 100%; height: auto; display: block; overflow: visible }}
.answer svg text {{ fill: var(--body-text-color, #111); font-size: 14px }}
.answer svg .faint {{ fill: var(--faint); font-size: 13px }}
.answer svg .on {{ fill: #fff; font-weight: 600 }}
"""


def answer(seen):
    """Render everything about one clip as HTML.

    Args:
        seen (dict): as returned by :func:`hesp_mmaction.apis.demo.look`.

    Returns:
        str: HTML.
    """
    result, windows = seen['result'], seen['windows']
    limits = score_limits([result, *windows])
    return _page(verdict(result, seen['thumbnails'], limits), bars(result),
                 frames(seen['frames'], seen['maps'], result), timeline(windows, limits))


def problem(text):
    """Renders one sentence in place of an answer."""
    return _page(f'<div class="problem" role="alert">{html.escape(text)}</div>')


def _page(*parts):
    return '<div class="answer">' + ''.join(parts) + '</div>'


def image_url(frame, side=192):
    """A frame (H, W, 3) uint8 RGB as a data URL, its longer side enlarged or reduced."""
    return _url([_resized(frame, side)], 'jpeg', quality=88)


def moving_url(frames, side=256, duration=80):
    """Encodes frames as an animated picture for browsers, with milliseconds for each frame."""
    return _url([_resized(frame, side) for frame in frames], 'webp', quality=75, method=1,
                save_all=True, duration=duration, loop=0)


def _resized(frame, side):
    scale = side / max(frame.shape[:2])
    size = tuple(max(1, round(scale * v)) for v in frame.shape[1::-1])
    return cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def _url(frames, kind, **options):
    first, *others = (Image.fromarray(np.ascontiguousarray(frame)) for frame in frames)
    if others:
        options['append_images'] = others
    file = io.BytesIO()
    first.save(file, kind, **options)
    return f'data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}'


def _number(value):
    return f'{round(value, 2) + 0.0:.2f}'  # -0.001 is 0.00


def explanation(result):
    """Explains in a sentence why a result has its emotion."""
    best = result['best_known']
    nearest = f'{best} ({shown_probabilities(result)[best]:.0%})'
    if result['threshold'] is None:
        return f'Most likely {nearest}. This model has no threshold, so nothing is called unknown.'
    numbers = _number(result['score']), _number(result['threshold'])
    if result['emotion'] == 'unknown':
        return ('The score {} is below the threshold {}: none of the known emotions. '
                .format(*numbers) + f'The nearest one is {nearest}.')
    return ('The score {} reaches the threshold {}: one of the known emotions, '
            .format(*numbers) + f'most likely {nearest}.')


def _kind(result):
    return 'is-unknown' if result['emotion'] == 'unknown' else 'is-known'


def verdict(result, thumbnails, limits):
    """Renders the clip, its label and its score against the threshold."""
    def along(value):
        return 100 * min(max((value - limits[0]) / (limits[1] - limits[0]), 0.0), 1.0)

    at = along(result['score'])
    marks = f'<div class="over" style="left:{min(max(at, 8), 92):.1f}%">' \
            f'score {_number(result["score"])}</div>'
    if result['threshold'] is not None:
        mark = along(result['threshold'])
        marks += (f'<div class="mark" style="left:calc({mark:.1f}% - 1px)"></div>'
                  f'<div class="under" style="left:{mark:.1f}%">threshold '
                  f'{_number(result["threshold"])}</div>'
                  '<div class="end" style="left:2px">unknown</div>'
                  '<div class="end" style="right:2px">known</div>')
    emotion = html.escape(result['emotion'])
    return (f'<section class="verdict {_kind(result)}">'
            f'<img class="clip" alt="the clip" src="{moving_url(thumbnails)}">'
            f'<div class="words"><span class="label">{emotion}</span>'
            f'<p>{html.escape(explanation(result))}</p><div class="score">'
            f'<div class="fill" style="width:{max(at, 1):.1f}%"></div>{marks}</div></div>'
            '</section>')


def bars(result):
    """Renders a bar per known emotion: its calibrated probability, or the model's own."""
    best, rows = result['best_known'], ''
    for name, p in shown_probabilities(result).items():
        tag = 'b' if name == best else 'span'
        rows += (f'<div class="row"><span>{html.escape(name)}</span><div class="track">'
                 f'<div class="fill" style="width:{100 * p:.1f}%"></div></div>'
                 f'<{tag}>{p:.0%}</{tag}></div>')
    note = ''
    if result['emotion'] == 'unknown':
        note = '<p class="faint">They say which known emotion is nearest, not that it is one.</p>'
    return (f'<section class="{"faded" if note else ""}"><h3>If it is a known emotion: which?</h3>'
            f'{rows}{note}</section>')


def frames(shown, maps, result):
    """Render the frames with the region, and with their activation maps.

    Args:
        shown (np.ndarray): (T, S, S, 3) uint8 RGB.
        maps (np.ndarray, optional): (T, h, w), not negative; all on one scale.
        result (dict): its ``region`` is drawn.

    Returns:
        str: HTML.
    """
    box, words = '', []
    if result['region'] is not None:
        top, left, side = (100 * v / result['image_size'] for v in result['region'])
        box = (f'<div class="region" style="top:{top:.1f}%;left:{left:.1f}%;width:{side:.1f}%;'
               f'height:{side:.1f}%"></div>')
        words.append('The square is the region that the visual prompt is added to.')
    rows = ''.join(_frame(frame, 'a frame', box) for frame in shown)
    if maps is not None:
        highest = maps.max()
        rows += ''.join(_frame(under_heat(frame, heat, highest), 'its activation map', box)
                        for frame, heat in zip(shown, maps, strict=True))
        words.append('Bright: what makes the frame resemble the texts of the known emotions.')
    return (f'<section><h3>What the model is shown</h3><div class="frames">'
            f'{rows}</div><p class="faint">{" ".join(words)}</p></section>')


def _frame(picture, words, box):
    return (f'<div class="frame"><img alt="{words}" src="{image_url(picture)}">{box}</div>')


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
    """Draws score and emotion over time, with one point per window."""
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
                     f'{html.escape(emotion)}, score {_number(window["score"])}</title></circle>')
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
