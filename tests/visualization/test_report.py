"""Confusion with an unknown column, features in the plane, sheets of frames, the page of a run."""
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation import save_dump
from hesp_mmaction.visualization.confusion import confusion_matrix, draw_confusion
from hesp_mmaction.visualization.embedding import draw_embedding, embed
from hesp_mmaction.visualization.figures import draw_oscr, draw_roc, save
from hesp_mmaction.visualization.report_page import clip_path
from hesp_mmaction.visualization.sheet import choose_clips, draw_sheet, middle_frame

KNOWN = ['anger', 'fear']


def make_dump(n=40):
    rng = np.random.default_rng(0)
    emotion = np.array(['anger', 'fear', 'sadness', 'disgust'])[np.arange(n) % 4]
    label = np.array([KNOWN.index(e) if e in KNOWN else -1 for e in emotion])
    pred, score = rng.integers(0, 2, n), rng.normal(size=n)
    return dict(
        label=label, pred=pred, score=score, emotion=emotion, classes=np.array(KNOWN),
        pred_emotion=np.where(score < 0, 'unknown', np.array(KNOWN)[pred]),
        feature=rng.normal(size=(n, 6)), sample_id=np.array([f'{i:03d}.avi' for i in range(n)]))


def test_confusion_counts_every_clip_where_it_belongs():
    rows, columns, counts = confusion_matrix(
        ['anger', 'fear', 'sadness', 'sadness', 'disgust'],
        ['anger', 'unknown', 'unknown', 'fear', 'unknown'], KNOWN)
    assert rows == ['anger', 'fear', 'disgust', 'sadness'] and columns == [*KNOWN, 'unknown']
    assert counts.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 1, 1]]


def test_embedding_keeps_groups_apart_and_repeats():
    rng = np.random.default_rng(0)
    feature = rng.normal(size=(60, 8))
    feature[30:] += 20
    a = embed(feature)
    assert np.array_equal(a, embed(feature))
    within = np.linalg.norm(a[:30] - a[:30].mean(0), axis=1).max()
    assert np.linalg.norm(a[:30].mean(0) - a[30:].mean(0)) > within
    with pytest.raises(ValueError, match='four samples'):
        embed(feature[:3])


def test_clips_of_a_sheet_are_of_every_kind_of_outcome():
    dump = make_dump()
    chosen = choose_clips(dump, per_kind=2)
    truth = np.where(dump['label'] >= 0, dump['emotion'], 'unknown')
    kinds = [(bool(dump['label'][i] >= 0), bool(dump['pred_emotion'][i] == truth[i]))
             for i in chosen]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        (True, True): 2, (True, False): 2, (False, True): 2, (False, False): 2}


def test_the_middle_frame_of_files_and_folders(tmp_path, write_clip):
    frames = np.stack([np.full((32, 32, 3), 20 * i, np.uint8) for i in range(9)])
    write_clip(tmp_path / 'clip.avi', frames)
    assert abs(int(middle_frame(tmp_path / 'clip.avi').mean()) - 80) <= 2
    (tmp_path / 'faces').mkdir()
    for i in range(3):
        cv2.imwrite(str(tmp_path / f'faces/{i}.png'), np.full((8, 8, 3), (i, 0, 0), np.uint8))
    assert middle_frame(tmp_path / 'faces')[0, 0].tolist() == [0, 0, 1]  # RGB of the second
    (tmp_path / 'empty').mkdir()
    for path in ('none.avi', 'empty'):
        with pytest.raises(InputError, match=path):
            middle_frame(tmp_path / path)


@pytest.mark.ci
def test_figures_show_something(tmp_path):
    dump = make_dump()
    chosen = choose_clips(dump)
    figures = dict(
        confusion=draw_confusion(dump['emotion'], dump['pred_emotion'], KNOWN),
        features=draw_embedding(dump['feature'], dump['emotion'], KNOWN),
        sheet=draw_sheet(dump, [np.zeros((16, 16, 3), np.uint8)] * len(chosen), chosen),
        roc=draw_roc(dict(a=dump, b=make_dump(20))), oscr=draw_oscr(dict(a=dump, b=make_dump(20))))
    for path in save(figures, tmp_path):
        assert cv2.imread(path).std() > 5, path


class Page(HTMLParser):
    """Collects tags and checks that they are closed in order."""

    def __init__(self):
        super().__init__()
        self.open, self.pictures = [], []

    def handle_starttag(self, tag, attrs):
        if tag in ('meta', 'link', 'img'):
            self.pictures += [dict(attrs)] * (tag == 'img')
        else:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_holds_everything_itself(tmp_path, write_clip, tool_module, monkeypatch):
    dump = make_dump()
    save_dump(dump, tmp_path / 'predictions.npz')
    metrics = dict(AUROC=51.234, num_known=20, threshold=0.0, known=['anger', '<fear>'])
    (tmp_path / 'metrics.json').write_text(json.dumps(metrics))
    for i in range(40):
        write_clip(tmp_path / f'{i:03d}.avi', np.full((4, 32, 32, 3), 5 * i, np.uint8))
    monkeypatch.setattr(sys, 'argv', ['make_report.py', str(tmp_path), '--data-root',
                                      str(tmp_path)])
    tool_module('analysis/make_report.py').main()
    text = (tmp_path / 'report.html').read_text()
    page = Page()
    page.feed(text)
    assert not page.open and len(page.pictures) == 6
    assert all(p['src'].startswith('data:image/png;base64,') and p['alt'] for p in page.pictures)
    assert not re.search(r'(src|href)="(?!data:)', text)  # nothing is fetched
    assert '<td>AUROC</td><td>51.23</td>' in text


def test_clips_of_two_data_sets_are_found_in_two_folders():
    assert clip_path('data/clips/1.mp4', 'm') == Path('m/data/clips/1.mp4')
    assert clip_path('AFEW/Val_AFEW/a.avi', 'x', 'y') == Path('x/Val_AFEW/a.avi')
    assert clip_path('MAFW/data/a.mp4', 'x', 'y') == Path('y/data/a.mp4')


def test_several_runs_are_drawn_together(tmp_path, tool_module, monkeypatch):
    for name in ('a', 'b'):
        save_dump(make_dump(), tmp_path / name / 'predictions.npz')
    monkeypatch.setattr(sys, 'argv', ['plot_open_set.py', *(
        str(tmp_path / name) for name in ('a', 'b')), '--out', str(tmp_path / 'both')])
    tool_module('analysis/plot_open_set.py').main()
    assert {p.name for p in (tmp_path / 'both').iterdir()} == {
        'roc_together.png', 'oscr_together.png'}
