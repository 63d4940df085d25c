import re

import pytest

from hesp_mmaction.datasets import BASIC, COMPOUNDS, MAFW, known_names, resolve_known
from hesp_mmaction.datasets.splits import _SPLITS, read_known_sets
from hesp_mmaction.errors import InputError


@pytest.mark.parametrize('dataset, names, total', [
    ('AFEW', BASIC, 7), ('MAFW', MAFW, 11), ('DFEW', BASIC, 7)])
def test_every_published_split_fits_its_openness(dataset, names, total):
    assert len(_SPLITS[dataset]) == 4
    for openness in _SPLITS[dataset]:
        num_known, num_unknown = map(int, openness.split(':'))
        assert num_known + num_unknown == total
        splits = [known_names(dataset, openness, i) for i in range(5)]
        assert len(set(splits)) == 5
        for known in splits:
            assert len(known) == num_known
            assert resolve_known(known, names) == known


def test_published_examples():
    assert known_names('AFEW', '3:4', 0) == ('disgust', 'fear', 'happiness')
    assert known_names('MAFW', '3:8', 4) == ('fear', 'anxiety', 'helplessness')


@pytest.mark.parametrize('args, listed', [
    (('CK+', '3:4', 0), 'AFEW, MAFW, DFEW'), (('AFEW', '6:1', 0), '2:5, 3:4, 4:3, 5:2'),
    (('AFEW', '3:4', 5), '0, 1, 2, 3, 4')])
def test_an_absent_split_lists_what_there_is(args, listed):
    with pytest.raises(ValueError, match=re.escape(listed)):
        known_names(*args)


def test_resolve_known_understands_aliases_and_keeps_the_order():
    assert resolve_known(['Sad', 'angry'], BASIC) == ('sadness', 'anger')
    names = BASIC + COMPOUNDS
    assert resolve_known(['disgust_Anger', 'happy'], names) == ('anger_disgust', 'happiness')


@pytest.mark.parametrize('names, message', [
    ('anger', 'must be a list'),
    (['anger', 'envy'], "'envy' is not in the data set; its classes are: anger, disgust"),
    (['anger', 'contempt'], "'contempt' is not in the data set"),
    (['anger', 'Angry', 'fear'], "'anger' is given twice"),
    (['anger'], 'at least two'), ([], 'at least two'),
    (list(BASIC), 'leave at least one out')])
def test_resolve_known_refuses(names, message):
    with pytest.raises(ValueError, match=message):
        resolve_known(names, BASIC)


def test_known_sets_are_read_from_a_file(tmp_path):
    file = tmp_path / 'sets.txt'
    file.write_text('\ufeffHappy, angry\n# a comment\n\n  sad fear\tsurprised # another\r\n'
                    'fear,happily_surprised,\n'.replace('happily_surprised', 'surprise_happy'),
                    encoding='utf-8')
    assert read_known_sets(file) == [
        ('happiness', 'anger'), ('sadness', 'fear', 'surprise'), ('fear', 'happiness_surprise')]


def test_known_sets_saved_by_windows_are_read(tmp_path):
    file = tmp_path / 'sets.txt'
    file.write_text('Happy; angry\r\nsad; fear\r\n', encoding='utf-16')
    assert read_known_sets(file) == [('happiness', 'anger'), ('sadness', 'fear')]


@pytest.mark.parametrize('text, said', [
    ('happy sad\n\nhappy suprise\n',
     r"sets.txt:3 is no known set: 'suprise' is no emotion: did you mean surprise"),
    ('happy\n', r'sets.txt:1: a known set is two .* not happiness$'),
    ('happy joy sad\n', r'sets.txt:1: .* not happiness, happiness, sadness$'),
    ('happy sad\nhappiness, sadness\n', r'sets.txt:2: this set is in line 1 already'),
    ('happy sad\nsad happy\n', r'sets.txt:2: this set is in line 1 already'),
    ('# nothing\n', r'sets.txt holds no known set'), (None, r'sets.txt cannot be read: .*No such')])
def test_known_sets_that_cannot_be_read_name_file_and_line(tmp_path, text, said):
    file = tmp_path / 'sets.txt'
    if text is not None:
        file.write_text(text)
    with pytest.raises(InputError, match=said):
        read_known_sets(file)
