"""What integers mean: orders that are given, proved by paths, or contradicted by the list."""
import logging

import pytest

from hesp_mmaction.datasets.emotions import MAFW
from hesp_mmaction.datasets.id_orders import (
    ID_ORDERS,
    find_order,
    settle_order,
)
from hesp_mmaction.datasets.list_cells import ListedClip
from hesp_mmaction.datasets.path_evidence import check_names, path_emotion
from hesp_mmaction.errors import InputError

FOLDERS = ('Angry', 'Disgust', 'Fear', 'Happy', 'Neutral', 'Sad', 'Surprise')  # of AFEW
EMOTIONS = ('anger', 'disgust', 'fear', 'happiness', 'neutral', 'sadness', 'surprise')
ALPHABETICAL = dict(enumerate(EMOTIONS))


@pytest.fixture
def messages(monkeypatch):
    logged = []
    for module in ('id_orders', 'path_evidence'):
        monkeypatch.setattr(
            f'hesp_mmaction.datasets.{module}.print_log',
            lambda text, logger=None, level=logging.INFO: logged.append((level, text)))
    return logged


def afew(first=0, each=11, pattern='Train_AFEW/{}/{:03d}.avi'):
    """Path and integer, alphabetical, of 77 clips."""
    return [(pattern.format(folder, i), first + k) for k, folder in enumerate(FOLDERS)
            for i in range(each)]


def numbered(ids, each=3):
    """Paths that say nothing."""
    return [(f'clips/{k}_{i}.mp4', k) for k in ids for i in range(each)]


def test_the_orders_of_the_field():
    assert ID_ORDERS['alphabetical'] == ALPHABETICAL
    assert ID_ORDERS['hesp'] == dict(enumerate(MAFW)) and MAFW[:7] == EMOTIONS
    assert ID_ORDERS['dfer_clip'][0] == ID_ORDERS['dfew'][1] == 'happiness'
    seven = set(EMOTIONS)
    for name in ('dfew', 'raf_db', 'fer2013', 'aff_wild2'):
        assert set(ID_ORDERS[name].values()) == seven and len(ID_ORDERS[name]) == 7
    assert set(ID_ORDERS['affectnet'].values()) == seven | {'contempt'}


@pytest.mark.parametrize('order', [
    '1,alphabetical', [1, 'alphabetical'], (1, *FOLDERS), '1, ' + ','.join(FOLDERS)])
def test_an_order_of_ones_own(order):
    assert find_order(order, 'x') == dict(enumerate(EMOTIONS, 1))


def test_an_order_that_is_none():
    assert find_order('joy,sad', 'x') == {0: 'happiness', 1: 'sadness'}
    for wrong in ('mafw', 'joy,bored', '1', 'joy,happy', ['joy'], ''):
        with pytest.raises(InputError, match='id_order .* for x'):
            find_order(wrong, 'x')


@pytest.mark.parametrize('path, emotion', [
    ('/data/Angry/001.avi', 'anger'), ('D:\\x\\03_Happy\\1.avi', 'happiness'),
    ('x/s01-sad-2.mp4', 'sadness'), ('fear3.mp4', 'fear'), ('Angry/happy_1.avi', 'happiness'),
    ('Happily Surprised/1.avi', 'happiness_surprise'), ('Happy_people/1.avi', None),
    ('a/sad or angry.mp4', None), ('Sad/sad or angry.mp4', 'sadness'), ('00001.mp4', None),
    ('/home/joy/x/Neutral/0/1', 'neutral'), ('unhappy.mp4', None), ('', None)])
def test_the_emotion_that_a_path_names(path, emotion):
    assert path_emotion(path) == emotion


def test_an_order_that_the_folders_contradict_stops_with_the_one_that_fits():
    """773 clips, 0 of 773 right, nothing said."""
    for order in ('dfer_clip', 'fer2013', 'disgust,anger,happy,fear,sad,neutral,surprise'):
        with pytest.raises(InputError, match='of 77 clips .*; the paths fit id_order=alphabetical'):
            settle_order(afew(), order, 'l.txt')
    with pytest.raises(InputError, match='^l.txt: 77 of 77 clips.*first: Train_AFEW/Angry/000.avi, '
                                         'whose 0 would be happiness.*id_order=alphabetical: set'):
        settle_order(afew(), 'dfer_clip', 'l.txt')
    with pytest.raises(InputError, match='the paths fit id_order=1,alphabetical: set that'):
        settle_order(afew(first=1), 'dfew', 'l.txt')
    own = [(f'{folder}/{i}.avi', k) for k, folder in enumerate(('Sad', 'Fear', 'Joy'))
           for i in range(3)]
    with pytest.raises(InputError, match='fit id_order=sadness,fear,happiness: set that'):
        settle_order(own, 'hesp', 'l.txt')
    assert settle_order(own, 'sadness,fear,happiness', 'l.txt')[2] == 'happiness'
    shuffled = [(path, (k + i) % 7) for i, (path, k) in enumerate(afew())]
    with pytest.raises(InputError, match='no order fits the paths: check the labels'):
        settle_order(shuffled, 'alphabetical', 'l.txt')


def test_an_order_that_the_folders_confirm(messages):
    for first, order in ((0, 'alphabetical'), (0, 'hesp'), (1, '1,alphabetical')):
        found = settle_order(afew(first), order, 'l.txt')
        assert [found[first + k] for k in range(7)] == list(EMOTIONS)
    assert not messages


def test_few_wrong_ones_are_named_and_do_not_stop(messages):
    labels = [*afew(), ('Train_AFEW/Sad/x.avi', 0)]
    assert settle_order(labels, 'alphabetical', 'l.txt') == ALPHABETICAL
    (level, text), = messages
    assert level == logging.WARNING and '1 of 78 clips' in text and 'Sad/x.avi' in text


@pytest.mark.parametrize('pattern', ['/home/joy/clips/{0:d}_{1}.mp4', 'Happy_people/{0:d}_{1}.mp4',
                                     'sad/{0:d}_{1}.mp4', '{1}{0:d}.mp4'])
def test_a_word_that_all_paths_have_says_nothing(pattern, messages):
    labels = [(pattern.format(k, i), k) for k in range(7) for i in range(9)]
    assert settle_order(labels, 'dfer_clip', 'l.txt') == ID_ORDERS['dfer_clip']
    labels.append(('Joy/1.mp4', 3))  # one of 64, the name of a film
    assert settle_order(labels, 'dfer_clip', 'l.txt') == ID_ORDERS['dfer_clip']


def test_without_an_order_only_a_proof_counts(messages):
    assert settle_order(afew(), None, 'l.txt') == ALPHABETICAL
    (level, text), = messages
    assert level == logging.INFO and 'the paths prove' in text and '0 anger, 1 disgust' in text
    unproved = [
        afew() + numbered([0], 30),                      # a third of the paths say nothing
        afew() + [('Train_AFEW/Sad/x.avi', 9)],          # two integers of one emotion
        [(p, k) for p, k in afew() if k] + numbered([0], 1),
        numbered(range(7))]
    for labels in unproved:
        with pytest.raises(InputError, match='l.txt has integer labels .*set id_order'):
            settle_order(labels, None, 'l.txt')
    with pytest.raises(InputError, match='its paths fit id_order=alphabetical'):
        settle_order(unproved[0], None, 'l.txt')


def test_the_integers_that_occur_contradict_an_order():
    with pytest.raises(InputError, match='1 to 7, all of these.*id_order=hesp counts from 0 to 10: '
                                         "set id_order=1,alphabetical .*or 'dfew', 'raf_db'"):
        settle_order(numbered(range(1, 8)), 'hesp', 'l.txt')  # contempt would be made up
    with pytest.raises(InputError, match='set id_order=dfew if only the beginning differs'):
        settle_order(numbered(range(1, 8)), 'dfer_clip', 'l.txt')
    with pytest.raises(InputError, match='set id_order=dfer_clip if only the beginning differs'):
        settle_order(numbered(range(7)), 'dfew', 'l.txt')
    with pytest.raises(InputError, match='set id_order=1,anger,fear if only'):
        settle_order(numbered([1, 2]), 'anger,fear', 'l.txt')
    # Nothing speaks against these.
    for ids, order in ((range(7), 'hesp'), ([1, 3, 7], 'hesp'), (range(1, 7), 'dfew'),
                       (range(1, 9), 'hesp'), (range(1, 8), '1,alphabetical'), ([3], 'dfer_clip')):
        assert settle_order(numbered(ids), order, 'l.txt') == find_order(order, 'l.txt')


def test_only_orders_that_have_the_integers_are_offered():
    with pytest.raises(InputError) as caught:
        settle_order(numbered(range(1, 8)), None, 'l.txt')
    assert "'dfew', 'raf_db'" in str(caught.value) and "'hesp'" not in str(caught.value)
    with pytest.raises(InputError, match='0 to 20.*: set id_order to your own names'):
        settle_order(numbered([0, 20]), None, 'l.txt')


def test_names_that_the_folders_contradict_are_said_and_count(messages):
    check_names([ListedClip(path, EMOTIONS[k]) for path, k in afew()], 'l.txt')
    assert not messages
    check_names([ListedClip(path, EMOTIONS[(k + 1) % 7]) for path, k in afew()], 'l.txt')
    (level, text), = messages
    assert level == logging.WARNING and '77 of 77' in text and 'disgust, not anger' in text
