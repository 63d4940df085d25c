"""Renders the predictions for a clip as HTML, for the demo page."""
import html

from .annotate import score_limits
from .data_urls import image_url, moving_url
from .panel import shown_probabilities
from .regions import under_heat
from .timeline import short_number, timeline


def answer(seen):
    """Render everything about one clip as HTML.

    Args:
        seen (dict): as returned by ``hesp_mmaction.apis.demo.look``.

    Returns:
        str: HTML.
    """
    result, windows = seen['result'], seen['windows']
    limits = score_limits([result, *windows])
    return _page(verdict(result, seen['thumbnails'], limits), bars(result),
                 frames(seen['frames'], seen['maps'], result), timeline(windows, limits))


def problem(text):
    """Renders one sentence in place of an answer.

    Args:
        text (str): the sentence, plain text.

    Returns:
        str: a page in HTML.
    """
    return _page(f'<div class="problem" role="alert">{html.escape(text)}</div>')


def _page(*parts):
    return '<div class="answer">' + ''.join(parts) + '</div>'


def explanation(result):
    """Explains in a sentence why a result has its emotion.

    Args:
        result (dict): of the inferencer.

    Returns:
        str: a few words of plain text.
    """
    best = result['best_known']
    nearest = f'{best} ({shown_probabilities(result)[best]:.0%})'
    if result['threshold'] is None:
        return f'Most likely {nearest}. This model has no threshold, so nothing is called unknown.'
    numbers = short_number(result['score']), short_number(result['threshold'])
    if result['emotion'] == 'unknown':
        return ('The score {} is below the threshold {}: none of the known emotions. '
                .format(*numbers) + f'The nearest one is {nearest}.')
    return ('The score {} reaches the threshold {}: one of the known emotions, '
            .format(*numbers) + f'most likely {nearest}.')


def _kind(result):
    return 'is-unknown' if result['emotion'] == 'unknown' else 'is-known'


def verdict(result, thumbnails, limits):
    """Renders the clip, its label and its score against the threshold.

    Args:
        result (dict): of the inferencer.
        thumbnails (list[np.ndarray]): RGB frames (H, W, 3) of the clip, uint8.
        limits (tuple[float, float]): scores at the left and the right end of the scale.

    Returns:
        str: HTML.
    """
    def along(value):
        return 100 * min(max((value - limits[0]) / (limits[1] - limits[0]), 0.0), 1.0)

    at = along(result['score'])
    marks = f'<div class="over" style="left:{min(max(at, 8), 92):.1f}%">' \
            f'score {short_number(result["score"])}</div>'
    if result['threshold'] is not None:
        mark = along(result['threshold'])
        marks += (f'<div class="mark" style="left:calc({mark:.1f}% - 1px)"></div>'
                  f'<div class="under" style="left:{mark:.1f}%">threshold '
                  f'{short_number(result["threshold"])}</div>'
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
    """Renders a bar per known emotion: its calibrated probability, or the model's own.

    Args:
        result (dict): of the inferencer.

    Returns:
        str: HTML.
    """
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
