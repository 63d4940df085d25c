import re

import pytest

from hesp_mmaction.datasets import BASIC, COMPOUNDS, MAFW, known_names, resolve_known
from hesp_mmaction.datasets.splits import _SPLITS


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
