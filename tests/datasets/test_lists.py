"""The list formats, as their authors publish them."""
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from hesp_mmaction.datasets.clip_paths import find_clip, locate
from hesp_mmaction.datasets.emotions import BASIC, COMPOUNDS, MAFW, MAFW_COMPOUNDS, canonical
from hesp_mmaction.datasets.list_cells import ListedClip
from hesp_mmaction.datasets.list_columns import parse_list
from hesp_mmaction.datasets.list_writing import format_list
from hesp_mmaction.datasets.lists import FORMATS, read_list
from hesp_mmaction.datasets.sheets import parse_rows
from hesp_mmaction.datasets.tables import parse_dfew, parse_table, read_rows
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
    assert hesp[1] == ListedClip('/data/faces/00028', 'disgust', 105)
    wrong, _ = parse_list(DFER_CLIP, 'b.txt', id_order='hesp')
    assert names(wrong) != names(hesp)


def test_three_columns_of_integers_are_never_guessed():
    # Only those that have these integers, 0 to 10, are offered.
    with pytest.raises(InputError, match="b.txt.*0 to 10.*id_order to one of 'hesp', 'dfer_clip', "
                                         'or to your own names'):
        parse_list(DFER_CLIP, 'b.txt')
    with pytest.raises(InputError, match="unknown id_order 'mafw'.*'dfer_clip'"):
        parse_list(DFER_CLIP, 'b.txt', id_order='mafw')


def test_two_columns():
    text = 'a b.mp4 3\nc.mp4 10\n'
    with pytest.raises(InputError, match="x has integer labels .3 to 10.*set id_order"):
        parse_list(text, 'x')  # no order is assumed
    assert parse_list(text, 'x', id_order='hesp') == (
        [ListedClip('a b.mp4', 'happiness'), ListedClip('c.mp4', 'disappointment')], [])
    assert names(parse_list('a.mp4 3\n', 'x', id_order='dfer_clip')[0]) == ['anger']
    assert names(parse_list('a.mp4 Sad\nb.mp4 joy\n', 'x')[0]) == ['sadness', 'happiness']


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
    assert read_list(path) == ([ListedClip('03352.mp4', 'anger'),
                                ListedClip('03353.mp4', 'anger_disgust'),
                                ListedClip('03354.mp4', 'fear')], [])


def test_a_path_in_another_encoding_finds_its_file(tmp_path):
    name = b'caf\xe9.mp4'
    path = tmp_path / 'list.txt'
    path.write_bytes(name + b' sad\n')
    clip, = read_list(path)[0]
    assert clip.path.encode('utf-8', 'surrogateescape') == name


def test_every_line_that_cannot_be_used_is_named():
    clips, problems = parse_list('a.mp4 9 11\nb.mp4 9 2\nc.mp4\nd.mp4 9 -1\n', 'l.txt',
                                 id_order='hesp')
    assert clips == [ListedClip('b.mp4', 'fear', 9)]
    assert problems == ['l.txt:1: label 11 is out of range 0 to 10',
                        "l.txt:3: 'c.mp4' is not \"path frames id\"",
                        'l.txt:4: label -1 is out of range 0 to 10']
    assert parse_list('a.mp4 happy\nb.mp4 bored\n', 'l')[1] == ['l:2: label bored is no emotion '
        '(--cfg-options emotions=bored makes it one)']
    assert parse_list(' \n', 'l.txt') == ([], ['l.txt is empty'])


def test_labels_of_dfew_begin_at_1():
    text = 'video_name,label\r\n' + ''.join(f'{n},{n}\r\n' for n in range(1, 8)) + '16372,0\r\n'
    clips, problems = parse_dfew(text, 'set_1.csv')
    assert names(clips) == ['happiness', 'sadness', 'neutral', 'anger', 'surprise', 'disgust',
                            'fear']
    assert clips[0].path == '00001'
    assert problems == ['set_1.csv:9: label 0 is out of range 1 to 7; DFEW counts from 1: take its '
                        'own file']
    assert 'header' in parse_dfew('00001,1\n', 'set_1.csv')[1][0]


ROWS = [('clip', 'emotion'), ('00001.mp4', 'anger'), (2, 'Happiness'), (None, None),
        ('00003.mp4', 'anger, disgust'), ('00004.mp4', 'boredom')]


def check_rows(clips, problems):
    assert clips == [ListedClip('00001.mp4', 'anger'), ListedClip('00002.mp4', 'happiness'),
                     ListedClip('00003.mp4', 'anger_disgust')]
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
    clips = [ListedClip(f'0000{i % 10}' if kind == 'dfew' else f'a b/{i}.mp4', emotion, 7 + i)
             for i, emotion in enumerate(emotions)]
    for order in ('hesp', 'dfer_clip'):
        text = format_list(clips, kind, order)
        if kind == 'dfew':
            again, problems = parse_dfew(text, 'x')
        elif kind == 'csv':
            again, problems = parse_table(read_rows(text, 'x', ',')[0], 'x')
        elif kind == 'dfer_clip':
            again, problems = parse_list(text, 'x', 'frames', 'dfer_clip')
        else:
            again, problems = parse_list(text, 'x', kind, order)
        assert not problems
        assert [clip[:2] for clip in again] == [clip[:2] for clip in clips]


def test_a_name_without_an_integer_is_not_written():
    with pytest.raises(InputError, match="contempt has no integer in the id order 'dfew'"):
        format_list([ListedClip('1', 'contempt')], 'dfew')
    with pytest.raises(InputError, match='the new list has integers.*id_order'):
        format_list([ListedClip('1', 'fear', 3)], 'frames')


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


# ------------------------------------------------------------------------------------- tables
@pytest.fixture
def read(tmp_path):
    """Reads a list with this content: pairs of path and emotion, and the problems."""
    def run(content, name='list.csv', **kwargs):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        clips, problems = read_list(str(path), **kwargs)
        return [clip[:2] for clip in clips], [p.replace(str(tmp_path) + '/', '') for p in problems]
    return run


TWO = [('a, b/1.mp4', 'happiness'), ('c.mp4', 'sadness')]


@pytest.mark.parametrize('text', [
    'path,label\n"a, b/1.mp4",Happy\nc.mp4,sad\n', '"a, b/1.mp4",Happy\nc.mp4,sad\n',
    'Video Name;Emotion\r\n"a, b/1.mp4";Happy\r\nc.mp4;sad\r\n',
    'sep=;\r\nDatei;Klasse\r\na, b/1.mp4;Happy\r\nc.mp4;sad\r\n',
    'EXPRESSION\tCLIP\nHappy\ta, b/1.mp4\nsad\tc.mp4\n', '"a, b/1.mp4"\tHappy\nc.mp4\tsad\n',
    ',filename,label,class_name\n0,"a, b/1.mp4",9,Happy\n1,c.mp4,8,sad\n',
    'target,frames,file\nHappy,12,"a, b/1.mp4"\nsad,3,c.mp4\n\n'])
@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16', 'utf-16-le', 'utf-16-be'])
def test_tables_of_the_field_in_any_words(read, text, encoding):
    for name in ('list.csv', 'list.txt'):
        assert read(text.encode(encoding), name) == (TWO, [])


def test_integers_in_a_table_need_an_order(read):
    text = 'clip,frames,class\na.mp4,12,3\nb.mp4,9,5.0\n'
    assert read(text, id_order='hesp')[0] == [('a.mp4', 'happiness'), ('b.mp4', 'sadness')]
    assert read(text, id_order='dfer_clip')[0] == [('a.mp4', 'anger'), ('b.mp4', 'disgust')]
    assert read(text, id_order='fear,sad,joy,anger,neutral,disgust')[0] == [
        ('a.mp4', 'anger'), ('b.mp4', 'disgust')]
    with pytest.raises(InputError, match='list.csv has integer labels .3 to 5.*set id_order'):
        read(text)
    with pytest.raises(InputError, match='columns 2, 3 hold integers: give the table the header'):
        read('a.mp4,12,3\nb.mp4,9,5\n', id_order='hesp')


def test_dfew_is_known_by_its_header_its_clips_and_its_integers(read):
    text = 'video_name,label\n1,1\n20,7\n'
    assert read(text) == ([('00001', 'happiness'), ('00020', 'fear')], [])
    assert read(text, id_order='1,alphabetical')[0] == [('00001', 'anger'), ('00020', 'surprise')]
    from_0 = 'video_name,label\n1,0\n20,6\n'
    assert read(from_0, id_order='dfer_clip')[0] == [('00001', 'happiness'), ('00020', 'fear')]
    for other in (from_0, text.replace('7', '6'), text.replace('20', 'clip20')):
        with pytest.raises(InputError, match='list.csv has integer labels'):
            read(other)


def test_rows_that_cannot_be_used_are_named(read):
    clips, problems = read('path,label\na.mp4,Angry\nb.mp4,bored\nc.mp4,3\n,\nd.mp4,\n')
    assert clips == [('a.mp4', 'anger')]
    assert problems == ['list.csv:3: label bored is no emotion '
                        '(--cfg-options emotions=bored makes it one)',
                        'list.csv:4: label 3 is no emotion',
                        "list.csv:6: no clip and label in 'd.mp4 | '"]
    assert read('path,label\na.mp4,1\nb.mp4,sad\nc.mp4,9\n', id_order='alphabetical')[1] == [
        "list.csv:3: label 'sad' is no integer as the others",
        'list.csv:4: label 9 is out of range 0 to 6']
    # The first row is no header, but an emotion that does not exist.
    assert read('a.mp4,bored\nb.mp4,sad\n')[1] == [
        'list.csv:1: label bored is no emotion (--cfg-options emotions=bored makes it one)']
    assert read('"a.mp4,sad\nb.mp4,sad\n')[1]  # a quote that never ends
    with pytest.raises(InputError, match='columns 2, 3 hold emotions that differ'):
        read('path,label,emotion\na.mp4,sad,fear\nb.mp4,fear,sad\n')
    with pytest.raises(InputError, match='no column holds labels'):
        read('path,frames\na.mp4,x\nb.mp4,y\n')


def test_ferv39k_is_no_table_in_spite_of_its_name(read):
    assert read('Daily Life/Happy/0267 Happy\nAction/Sad/1 Sad\n')[0] == [
        ('Daily Life/Happy/0267', 'happiness'), ('Action/Sad/1', 'sadness')]


def test_a_sheet_of_ones_own(tmp_path):
    openpyxl = pytest.importorskip('openpyxl')
    book = openpyxl.Workbook()
    for row in [('clip', 'frames', 'label'), ('a/x.mp4', 12, 3), ('b.mp4', 13, 5.0)]:
        book.active.append(row)
    book.save(tmp_path / 'own.xlsx')
    clips, problems = read_list(str(tmp_path / 'own.xlsx'), 'hesp')
    assert not problems
    assert clips == [ListedClip('a/x.mp4', 'happiness', 12), ListedClip('b.mp4', 'sadness', 13)]
    with pytest.raises(InputError, match='own.xlsx has integer labels'):
        read_list(str(tmp_path / 'own.xlsx'))


# -------------------------------------------------------------------------- labels of two words
def test_a_compound_in_two_words_is_no_path_with_a_space(read):
    for text in ('a.mp4 Happily Surprised\nb.mp4 Sadly Angry\n',
                 'a.mp4\tHappily Surprised\nb.mp4\tSadly  Angry\n',
                 'a.mp4,Happily Surprised\nb.mp4,Sadly Angry\n',
                 'a.mp4 happy surprise\nb.mp4 sadness angry\n'):
        assert read(text, 'l.txt') == (
            [('a.mp4', 'happiness_surprise'), ('b.mp4', 'anger_sadness')], [])
    # A folder of frames may be called so: not guessed.
    clips, problems = read('clips/so sad angry\nclips/so sad\tangry\n', 'l.txt')
    assert clips == [('clips/so sad', 'anger')]
    assert problems == ['l.txt:1: \'clips/so sad angry\' is not "path ClassName"; put a tab '
                        'between path and label']


def test_words_between_a_video_and_its_label_are_no_part_of_the_path(read):
    clips, problems = read('my a.mp4 b/c d.mp4 sad\na.mp4 Very Happy\nb.mp4 not sad\n', 'l.txt')
    assert clips == [('my a.mp4 b/c d.mp4', 'sadness')]
    assert [problem[:8] for problem in problems] == ['l.txt:2:', 'l.txt:3:']
    assert read('a.mp4 3\nb.mp4 9 5\n', 'l.txt', id_order='hesp')[1][0].startswith('l.txt:2:')


def test_a_header_in_text_columns_and_quotes_around_paths(read):
    assert read('video label\n"a b.mp4" sad\nc.mp4 fear\n', 'l.txt') == (
        [('a b.mp4', 'sadness'), ('c.mp4', 'fear')], [])
    assert read('1, 2 and 3.mp4 sad\n', 'l.txt')[0] == [('1, 2 and 3.mp4', 'sadness')]


# --------------------------------------------------------------------------------------- paths
def test_find_clip_as_windows_excel_and_a_mac_write_it(tmp_path, monkeypatch):
    (tmp_path / 'clips').mkdir()
    for name in ('a.MOV', 'b.webm', 'caf\u00e9.mp4'):
        (tmp_path / 'clips' / name).write_bytes(b'')
    def find(name):
        return Path(find_clip(str(tmp_path), name)).relative_to(tmp_path).as_posix()
    assert find('clips\\a.MOV') == find('clips/a') == find('clips/a.avi') == 'clips/a.MOV'
    assert find('clips/b') == find('clips\\b.webm') == 'clips/b.webm'
    assert find('clips/cafe\u0301.mp4') == find('clips/caf\udce9.mp4') == 'clips/caf\u00e9.mp4'
    monkeypatch.setenv('HOME', str(tmp_path))
    assert find_clip('/nowhere', '~/clips/b.webm') == str(tmp_path / 'clips/b.webm')
    assert find_clip('/nowhere', str(tmp_path / 'clips/b')) == str(tmp_path / 'clips/b.webm')


def test_a_path_on_a_drive_of_windows_names_the_remedy(tmp_path):
    (tmp_path / 'a.mp4').write_bytes(b'')
    clips, problems = locate([ListedClip('a.mp4', 'fear'), ListedClip('D:/x/b.mp4', 'fear'),
                              ListedClip('D:\\x\\c.mp4', 'fear')], str(tmp_path), 'l.txt')
    assert clips[0] == ListedClip(str(tmp_path / 'a.mp4'), 'fear')
    assert len(problems) == 1 and 'l.txt: 2 paths are on a drive' in problems[0]
    assert 'D:/x/b.mp4' in problems[0] and '--strip PREFIX' in problems[0]


# -------------------------------------------------------------------------- convert_list.py
def test_a_list_of_windows_is_converted(tmp_path, monkeypatch):
    source, out = tmp_path / 'in.csv', tmp_path / 'out.txt'
    source.write_bytes('file;label\r\nD:\\data\\a b.mp4;1\r\nD:\\data/c.mp4;2\r\n'.encode('utf-16'))
    convert(source, out, '--to', 'names', '--id-order', '1,alphabetical', '--strip', 'D:\\data\\',
            monkeypatch=monkeypatch)
    assert out.read_text() == 'a b.mp4\tanger\nc.mp4 disgust\n'
    convert(out, tmp_path / 'out.csv', '--to', 'csv', monkeypatch=monkeypatch)
    assert (tmp_path / 'out.csv').read_text() == 'path,label\na b.mp4,anger\nc.mp4,disgust\n'


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
            error='error: .*in.txt has integer labels.*id_order')
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
