"""The HTML of an answer, read with an HTML parser."""
import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from hesp_mmaction.visualization.answer import (
    answer,
    bars,
    explanation,
    frames,
    problem,
    verdict,
)
from hesp_mmaction.visualization.canvas import KNOWN, UNKNOWN
from hesp_mmaction.visualization.data_urls import moving_url
from hesp_mmaction.visualization.timeline import runs, timeline


class Reader(HTMLParser):
    """Tags with their attributes, and the text; complains about tags that are not closed."""
    VOID = ('img', 'line', 'polyline', 'rect', 'input', 'br')

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.open = [], '', []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def all(self, tag, kind=''):
        return [attrs for name, attrs in self.tags
                if name == tag and kind in attrs.get('class', '').split() + ['']]


def window(start, end, emotion, score=1.0, threshold=0.5):
    return dict(start=start, end=end, emotion=emotion, score=score, threshold=threshold,
                best_known='fear', probabilities=dict(fear=0.75, anger=0.25), region=[8, 4, 16],
                image_size=32)


def opened(url):
    kind, _, data = url.partition(';base64,')
    picture = Image.open(io.BytesIO(base64.b64decode(data)))
    assert kind == f'data:image/{picture.format.lower()}'
    return picture


def percent(style, key):
    return float(re.search(rf'(?<![a-z-]){key}:([\d.]+)%', style)[1])


def test_the_sentence_says_what_was_decided():
    assert explanation(window(0, 1, 'fear')) == (
        'The score 1.00 reaches the threshold 0.50: one of the known emotions, most likely fear '
        '(75%).')
    assert explanation(window(0, 1, 'unknown', score=0.1)) == (
        'The score 0.10 is below the threshold 0.50: none of the known emotions. The nearest one '
        'is fear (75%).')
    assert 'score 0.00 ' in explanation(window(0, 1, 'unknown', score=-0.001))
    assert 'no threshold' in explanation(window(0, 1, 'fear', threshold=None))


def test_calibrated_probabilities_are_shown_where_there_are_any():
    calibrated = dict(window(0, 1, 'fear'), calibrated=dict(fear=0.6, anger=0.4))
    assert 'fear (60%)' in explanation(calibrated)
    assert [percent(fill['style'], 'width') for fill in Reader(bars(calibrated)).all('div', 'fill')
            ] == [60, 40]
    assert 'fear (75%)' in explanation(dict(calibrated, calibrated=None))


def test_the_score_ends_where_it_should_beside_the_threshold():
    picture = np.zeros((1, 8, 8, 3), np.uint8)
    page = Reader(verdict(window(0, 1, 'unknown', score=-1.0), picture, (-2.0, 3.0)))
    assert page.all('section', 'is-unknown') and 'unknown' in page.text
    assert percent(page.all('div', 'fill')[0]['style'], 'width') == 20
    assert percent(page.all('div', 'under')[0]['style'], 'left') == 50
    assert not Reader(verdict(window(0, 1, 'fear', threshold=None), picture, (-2., 3.))).all(
        'div', 'mark')
    far = Reader(verdict(window(0, 1, 'fear', score=99.0), picture, (-2.0, 3.0)))
    assert percent(far.all('div', 'fill')[0]['style'], 'width') == 100
    assert not far.all('section', 'is-unknown')


def test_frames_come_with_their_region_and_maps_on_one_scale():
    shown = np.full((2, 32, 32, 3), 60, np.uint8)
    maps = np.zeros((2, 4, 4), np.float32)
    maps[0, 0, 0], maps[1, 3, 3] = 1, 0.1
    page = Reader(frames(shown, maps, window(0, 1, 'fear')))
    assert [opened(image['src']).size for image in page.all('img')] == [(192, 192)] * 4
    style = page.all('div', 'region')[0]['style']
    assert [percent(style, k) for k in ('top', 'left', 'width', 'height')] == [25, 12.5, 50, 50]
    strong, weak = (np.asarray(opened(image['src'])).sum(2).max()
                    for image in page.all('img')[2:])
    assert strong > weak + 100
    plain = Reader(frames(shown, None, dict(window(0, 1, 'fear'), region=None)))
    assert len(plain.all('img')) == 2 and not plain.all('div', 'region')


def test_the_clip_moves_and_keeps_its_shape():
    clip = np.zeros((5, 30, 60, 3), np.uint8)
    clip[2] = 255
    picture = opened(moving_url(clip, side=40))
    assert picture.n_frames >= 3 and picture.size == (40, 20)  # equal frames may be merged


@pytest.mark.parametrize('spans, expected', [
    ([(0, 1, 'a')], [(0, 1, 'a')]),
    ([(0, 2, 'a'), (1, 3, 'a'), (2, 4, 'unknown')], [(0, 2.5, 'a'), (2.5, 4, 'unknown')]),
    # the last window of a clip begins where it must to end with the clip
    ([(0, 2, 'a'), (1, 3, 'b'), (1.5, 3.5, 'a')], [(0, 1.5, 'a'), (1.5, 2.25, 'b'),
                                                   (2.25, 3.5, 'a')])])
def test_runs_cover_the_clip_without_gaps(spans, expected):
    assert runs([window(*span) for span in spans]) == expected


def test_the_timeline_has_a_point_per_window_in_its_colour():
    windows = [window(0, 2, 'fear', 1.0), window(1, 3, 'unknown', 0.0), window(2, 4, 'fear', 0.5)]
    page = Reader(timeline(windows, (0.0, 1.0)))
    points = page.all('circle')
    assert [(float(p['cx']), float(p['cy'])) for p in points] == [(200, 0), (400, 120), (600, 60)]
    assert [p['fill'] for p in points] == [KNOWN, UNKNOWN, KNOWN]
    assert float(page.all('line')[0]['y1']) == 60
    assert [float(r['x']) for r in page.all('rect')] == [0, 300, 500]
    assert '0 s' in page.text and '4 s' in page.text


@pytest.mark.parametrize('seconds', [0.04, 1, 7.3, 59, 120, 271, 1800, 7200, 40000])
def test_the_time_axis_is_readable_at_any_length(seconds):
    page = Reader(timeline([window(0, seconds, 'fear')], (0.0, 2.0)))
    ticks = re.findall(r'([\d.]+) s', page.text.split('Over time')[1])
    assert 1 <= len(ticks) <= 12


def test_what_users_write_stays_text():
    assert '<b>' not in problem('<b>clip</b>.avi cannot be used')
    result = dict(window(0, 1, '<i>x'), best_known='<i>x', probabilities={'<i>x': 1.0})
    seen = dict(result=result, windows=[result], maps=None, thumbnails=np.zeros((1, 8, 8, 3), 'u1'),
                frames=np.zeros((1, 8, 8, 3), np.uint8))
    assert '<i>' not in answer(seen) and '<i>x' in Reader(answer(seen)).text
