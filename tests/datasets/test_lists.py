"""The list formats, as their authors publish them."""
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from hesp_mmaction.datasets.emotions import BASIC, COMPOUNDS, MAFW, MAFW_COMPOUNDS, canonical
from hesp_mmaction.datasets.lists import (
    FORMATS,
    Clip,
    find_clip,
    format_list,
    parse_dfew,
    parse_list,
    parse_rows,
    read_list,
)
from hesp_mmaction.errors import InputError

TOOL = Path(__file__).parents[2] / 'tools/data/convert_list.py'
# The same clips in HESP's and in DFER-CLIP's list.
HESP = """/data/faces/00025 47 0 Angry
/data/faces/00028 105 1 Disgust
/data/faces/00030 31 2 Fear
/data/faces/00108 52 3 Happy
/data/faces/00123 66 4 Neutral
/data/faces/00137 60 5 Sad
/data/faces/00152 78 6 Surprise
/data/faces/00153 64 7 Contempt
/data/faces/00210 74 8 Anxiety
/data/faces/00244 113 9 Helplessness
/data/faces/00262 84 10 Disappointment
"""
DFER_CLIP = """/data/faces/00025 47 3
/data/faces/00028 105 5
/data/faces/00030 31 6
/data/faces/00108 52 0
/data/faces/00123 66 2
/data/faces/00137 60 1
/data/faces/00152 78 4
/data/faces/00153 64 7
/data/faces/00210 74 8
/data/faces/00244 113 9
/data/faces/00262 84 10
"""


def names(clips):
    return [clip.emotion for clip in clips]


def test_the_lists_of_hesp_and_dfer_clip_give_the_same_names():
    hesp, problems = parse_list(HESP, 'a.txt')
    dfer_clip, others = parse_list(DFER_CLIP, 'b.txt', id_order='dfer_clip')
    assert hesp == dfer_clip and not problems and not others
    assert names(hesp) == list(MAFW)
    assert hesp[1] == Clip('/data/faces/00028', 'disgust', 105)
    wrong, _ = parse_list(DFER_CLIP, 'b.txt', id_order='hesp')
    assert names(wrong) != names(hesp)


def test_three_columns_of_integers_are_never_guessed():
    with pytest.raises(InputError, match="b.txt.*id_order to one of 'hesp', 'dfer_clip', 'dfew'"):
        parse_list(DFER_CLIP, 'b.txt')
    with pytest.raises(InputError, match="unknown id_order 'mafw'.*'dfer_clip'"):
        parse_list(DFER_CLIP, 'b.txt', id_order='mafw')


def test_two_columns(monkeypatch):
    logged = []
    monkeypatch.setattr('hesp_mmaction.datasets.lists.print_log', lambda text, *_: logged.append(
        text))
    assert parse_list('a b.mp4 3\nc.mp4 10\n', 'x') == (
        [Clip('a b.mp4', 'happiness'), Clip('c.mp4', 'disappointment')], [])
    assert len(logged) == 1 and "id_order='hesp'" in logged[0]  # assumed, and said
    assert names(parse_list('a.mp4 3\n', 'x', id_order='dfer_clip')[0]) == ['anger']
    assert names(parse_list('a.mp4 Sad\nb.mp4 joy\n', 'x')[0]) == ['sadness', 'happiness']
    assert len(logged) == 1


@pytest.mark.parametrize('text, kind', [
    ('my clips/take 3.mp4 12 3 Happy\r\nmy clips/4 5.mp4 9 5 Sad\r\n', 'hesp'),
    ('my clips/take 3.mp4 12 3\r\nmy clips/4 5.mp4 9 5\r\n', 'frames'),
    ('my clips/take 3.mp4 3\r\n\r\nmy clips/4 5.mp4 5\r\n', 'ids'),
    ('my clips/take 3.mp4 happiness\r\nmy clips/4 5.mp4 sadness\r\n', 'names'),
    ('my clips/take 3.mp4\thappiness\tShe smiles at 5\r\nmy clips/4 5.mp4\tsadness\t2 3\r\n',
     'names')])
def test_spaces_in_paths_and_windows_line_ends(text, kind):
    for asked in (None, kind):
        clips, problems = parse_list(text, 'x', asked, 'hesp')
        assert not problems and names(clips) == ['happiness', 'sadness']
        assert [clip.path for clip in clips] == ['my clips/take 3.mp4', 'my clips/4 5.mp4']
        assert [clip.frames for clip in clips] == (
            [12, 9] if kind in ('hesp', 'frames') else [None, None])


def test_captions_that_are_not_utf8_and_a_mark_at_the_beginning(tmp_path):
    path = tmp_path / 'train.txt'
    path.write_bytes(b'\xef\xbb\xbf03352.mp4\tanger\tA man\x92s brows \xb4\xf2\xe2\x80\xa8 up\r\n'
                     b'03353.mp4\tdisgust_anger\tHe 3 4\r\n03354.mp4\tfear\r\n')
    assert read_list(path) == ([Clip('03352.mp4', 'anger'), Clip('03353.mp4', 'anger_disgust'),
                                Clip('03354.mp4', 'fear')], [])


def test_a_path_in_another_encoding_finds_its_file(tmp_path):
    name = b'caf\xe9.mp4'
    path = tmp_path / 'list.txt'
    path.write_bytes(name + b' sad\n')
    clip, = read_list(path)[0]
    assert clip.path.encode('utf-8', 'surrogateescape') == name


def test_every_line_that_cannot_be_used_is_named():
    clips, problems = parse_list('a.mp4 9 11\nb.mp4 9 2\nc.mp4\nd.mp4 9 -1\n', 'l.txt',
                                 id_order='hesp')
    assert clips == [Clip('b.mp4', 'fear', 9)]
    assert problems == ['l.txt:1: label 11 is out of range 0 to 10',
                        "l.txt:3: 'c.mp4' is not \"path frames id\"",
                        'l.txt:4: label -1 is out of range 0 to 10']
    assert parse_list('a.mp4 happy\nb.mp4 bored\n', 'l')[1] == ['l:2: label bored is no emotion']
    assert parse_list(' \n', 'l.txt') == ([], ['l.txt is empty'])


def test_labels_of_dfew_begin_at_1():
    text = 'video_name,label\r\n' + ''.join(f'{n},{n}\r\n' for n in range(1, 8)) + '16372,0\r\n'
    clips, problems = parse_dfew(text, 'set_1.csv')
    assert names(clips) == ['happiness', 'sadness', 'neutral', 'anger', 'surprise', 'disgust',
                            'fear']
    assert clips[0].path == '00001'
    assert problems == ['set_1.csv:9: label 0 is out of range 1 to 7']
    assert 'header' in parse_dfew('00001,1\n', 'set_1.csv')[1][0]


ROWS = [('clip', 'emotion'), ('00001.mp4', 'anger'), (2, 'Happiness'), (None, None),
        ('00003.mp4', 'anger, disgust'), ('00004.mp4', 'boredom')]


def check_rows(clips, problems):
    assert clips == [Clip('00001.mp4', 'anger'), Clip('00002.mp4', 'happiness'),
                     Clip('00003.mp4', 'anger_disgust')]
    assert len(problems) == 1 and ':6: ' in problems[0]


def test_rows_of_a_sheet():
    check_rows(*parse_rows(ROWS, 'single-set.xlsx'))


def test_a_sheet(tmp_path):
    openpyxl = pytest.importorskip('openpyxl')
    book = openpyxl.Workbook()
    for row in ROWS:
        book.active.append(row)
    book.save(tmp_path / 'single-set.xlsx')
    check_rows(*read_list(tmp_path / 'single-set.xlsx'))


def test_a_sheet_without_openpyxl_names_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'openpyxl', None)
    (tmp_path / 'a.xlsx').write_bytes(b'')
    with pytest.raises(InputError, match='a.xlsx.*pip install openpyxl'):
        read_list(str(tmp_path / 'a.xlsx'))


def test_a_list_that_is_not_there():
    with pytest.raises(FileNotFoundError, match='no list file /.*nowhere.txt'):
        read_list('nowhere.txt')


@pytest.mark.parametrize('kind', [f for f in FORMATS if f != 'xlsx'])
def test_what_is_written_is_read_again(kind):
    emotions = BASIC if kind == 'dfew' else MAFW
    clips = [Clip(f'0000{i % 10}' if kind == 'dfew' else f'a b/{i}.mp4', emotion, 7 + i)
             for i, emotion in enumerate(emotions)]
    for order in ('hesp', 'dfer_clip'):
        text = format_list(clips, kind, order)
        if kind == 'dfew':
            again, problems = parse_dfew(text, 'x')
        elif kind == 'dfer_clip':
            again, problems = parse_list(text, 'x', 'frames', 'dfer_clip')
        else:
            again, problems = parse_list(text, 'x', kind, order)
        assert not problems
        assert [clip[:2] for clip in again] == [clip[:2] for clip in clips]


def test_a_name_without_an_integer_is_not_written():
    with pytest.raises(InputError, match="contempt has no integer in the id order 'dfew'"):
        format_list([Clip('1', 'contempt')], 'dfew')
    with pytest.raises(InputError, match='the new list.*id_order'):
        format_list([Clip('1', 'fear', 3)], 'frames')


def test_find_clip_in_another_form(tmp_path):
    (tmp_path / '00001').mkdir()
    (tmp_path / '00002.avi').write_bytes(b'')
    assert find_clip(str(tmp_path), '00001.mp4') == str(tmp_path / '00001')
    assert find_clip(str(tmp_path), '00002') == str(tmp_path / '00002.avi')
    assert find_clip(str(tmp_path), 'a/00003.mp4') == str(tmp_path / 'a/00003.mp4')  # not there


def test_the_names_of_the_compounds():
    assert len(set(MAFW_COMPOUNDS)) == 32 and MAFW_COMPOUNDS[:9] == COMPOUNDS
    assert all(canonical(name) == name for name in MAFW_COMPOUNDS)
    assert [n for n in MAFW_COMPOUNDS if set(n.split('_')) <= set(BASIC)] == list(COMPOUNDS)


# -------------------------------------------------------------------------- convert_list.py
def convert(*arguments, monkeypatch, error=None):
    """Runs the tool in this process; one that must fail says ``error`` and exits."""
    monkeypatch.setattr(sys, 'argv', ['convert_list.py', *map(str, arguments)])
    if error is None:
        return runpy.run_path(str(TOOL), run_name='__main__')
    with pytest.raises(SystemExit, match=error):
        runpy.run_path(str(TOOL), run_name='__main__')


def test_lists_are_converted_into_each_other(tmp_path, monkeypatch):
    source, out, back = tmp_path / 'dfer.txt', tmp_path / 'hesp.txt', tmp_path / 'back.txt'
    source.write_text(DFER_CLIP)
    convert(source, out, '--from', 'dfer_clip', '--to', 'hesp', monkeypatch=monkeypatch)
    assert out.read_text() == HESP
    convert(out, back, '--from', 'hesp', '--to', 'frames', '--id-order', 'dfer_clip', '--strip',
            '/data/', monkeypatch=monkeypatch)
    assert back.read_text() == DFER_CLIP.replace('/data/', '')


def test_a_conversion_that_cannot_be_done_writes_nothing(tmp_path, monkeypatch):
    source, out = tmp_path / 'in.txt', tmp_path / 'out.txt'
    source.write_text(DFER_CLIP)
    convert(source, out, '--from', 'frames', '--to', 'names', monkeypatch=monkeypatch,
            error='error: .*in.txt has three columns.*id_order')
    source.write_text('a.mp4 12 3\nb.mp4 12 77\n')
    convert(source, out, '--from', 'dfer_clip', '--to', 'names', '--strip', 'x/',
            monkeypatch=monkeypatch,
            error='in.txt:2: label 77 .*1 paths do not begin with x/: a.mp4')
    source.write_text('a.mp4 anger\n')
    convert(source, out, '--to', 'hesp', monkeypatch=monkeypatch, error='give --root')
    convert(source, out, '--to', 'hesp', '--root', tmp_path, monkeypatch=monkeypatch,
            error='a.mp4: no such file')
    assert not out.exists()


def test_frames_are_counted(tmp_path, write_clip, monkeypatch):
    write_clip(tmp_path / 'a b.avi', np.zeros((5, 32, 32, 3), np.uint8))
    (tmp_path / 'c').mkdir()
    for i in range(3):
        (tmp_path / 'c' / f'{i}.jpg').write_bytes(b'')
    (tmp_path / 'in.txt').write_text('a b.avi sad\nc anger\n')
    convert(tmp_path / 'in.txt', tmp_path / 'out.txt', '--to', 'hesp', '--root', tmp_path,
            monkeypatch=monkeypatch)
    assert (tmp_path / 'out.txt').read_text() == 'a b.avi 5 5 Sad\nc 3 0 Angry\n'
