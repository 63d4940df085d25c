"""Sets of words at three levels, against counting by hand and over all orders."""
from itertools import permutations, product

import numpy as np
import pytest
import yaml

from hesp_mmaction.datasets.emotions import MAFW, emotion_of
from hesp_mmaction.evaluation.name_accuracy import name_accuracy
from hesp_mmaction.evaluation.naming import emotion_lexicon, read_lexicon
from hesp_mmaction.evaluation.word_sets import (
    LEVELS,
    WHEEL,
    chance_word_sets,
    groups_of,
    read_wheel,
    set_scores,
    word_set_scores,
)
from hesp_mmaction.evaluation.words import words_left

LEXICON = dict(angry='anger', furious='anger', anxious='anxiety', scared='fear', proud='proud',
               dizzy='dizzy')


# The wheel

def test_every_word_of_the_lexicon_is_in_one_sector_and_no_other_word_is():
    sectors = yaml.safe_load(WHEEL.read_text(encoding='utf-8'))
    places = [word for words in sectors.values() for word in words]
    assert len(places) == len(set(places))
    lexicon = read_lexicon()
    assert set(places) == set(lexicon.values()) and set(MAFW) <= set(places)
    assert not [word for word in places if word not in MAFW and emotion_of(word)]
    for word in lexicon:
        sector, = groups_of(word, 'sector', lexicon, read_wheel())
        assert sector in sectors
    assert 6 <= len(sectors) <= 12 and min(map(len, sectors.values())) > 1


@pytest.mark.parametrize('word, form, synonym, sector', [
    ('angry', {'anger'}, {'anger'}, {'anger'}),
    ('angrily', {'anger'}, {'anger'}, {'anger'}),
    ('anger', {'anger'}, {'anger'}, {'anger'}),
    ('furious', {'furious'}, {'anger'}, {'anger'}),
    ('scared', {'scared'}, {'fear'}, {'fear'}),
    ('anxious', {'anxiety'}, {'anxiety'}, {'fear'}),
    ('proud', {'proud'}, {'proud'}, {'joy'}),
    ('dizzy', {'dizzy'}, {'dizzy'}, {'dizzy'}),  # not on the wheel
    ('unheard', {'unheard'}, {'unheard'}, {'unheard'}),
    ('fear_anxiety', {'fear', 'anxiety'}, {'fear', 'anxiety'}, {'fear'}),
    ('angry and happy', {'anger', 'happiness'}, {'anger', 'happiness'}, {'anger', 'joy'})])
def test_levels(word, form, synonym, sector):
    found = [groups_of(word, level, LEXICON, read_wheel()) for level in LEVELS]
    assert found == [form, synonym, sector]


def test_words_of_compounds_are_their_parts_at_every_level():
    lexicon = emotion_lexicon(['anger_disgust', 'fear_anxiety'])
    assert list(lexicon) == ['angry and disgusted', 'fearful and anxious']
    for word, name in lexicon.items():
        for level in LEVELS:
            assert (groups_of(word, level, lexicon, read_wheel())
                    == groups_of(name, level, lexicon, read_wheel()))


# The scores

def by_hand(predicted, true):
    """Counts words one by one."""
    precision, recall = [], []
    for p, t in zip(predicted, true, strict=True):
        hits = sum(1 for word in p for other in t if word == other)
        precision.append(hits / len(p) if p else 0.0)
        recall.append(hits / len(t))
    precision, recall = sum(precision) / len(precision), sum(recall) / len(recall)
    total = precision + recall
    return dict(precision=precision, recall=recall, F1=2 * precision * recall / (total or 1))


def test_set_scores_are_counted_right():
    assert set_scores([{'a', 'b', 'c'}, {'a'}], [{'a'}, {'a', 'b'}]) == pytest.approx(dict(
        precision=(1 / 3 + 1) / 2, recall=(1 + 1 / 2) / 2, F1=2 * (2 / 3) * .75 / (2 / 3 + .75)))
    assert set_scores([set()], [{'a'}]) == dict(precision=0, recall=0, F1=0)
    assert all(np.isnan(value) for value in set_scores([], []).values())
    rng = np.random.default_rng(0)
    for _ in range(20):
        predicted = [set(rng.integers(0, 6, 4).tolist()) for _ in range(9)]
        true = [set(rng.integers(0, 6, 2).tolist()) for _ in range(9)]
        assert set_scores(predicted, true) == pytest.approx(by_hand(predicted, true))
        swapped = set_scores(true, predicted)
        assert swapped['precision'] == pytest.approx(set_scores(predicted, true)['recall'])


def test_equal_words_count_once():
    """Of angry, furious and scared with truth anger, two are one synonym: precision 1 / 2."""
    order = np.array([[0, 1, 3, 2, 4, 5]])
    found = [word_set_scores(order, LEXICON, ['anger'], level) for level in LEVELS]
    assert [scores['precision'] for scores in found] == pytest.approx([1 / 3, 1 / 2, 1 / 2])
    assert [scores['recall'] for scores in found] == [1, 1, 1]
    order = np.array([[1, 2, 3, 0, 4, 5]])  # furious, anxious, scared
    found = [word_set_scores(order, LEXICON, ['anger'], level) for level in LEVELS]
    assert [scores['recall'] for scores in found] == [0, 1, 1]
    assert [scores['precision'] for scores in found] == pytest.approx([0, 1 / 3, 1 / 2])
    assert word_set_scores(order, LEXICON, ['fear_surprise'], 'synonym')['recall'] == .5


def test_the_f1_of_one_word_is_the_accuracy_of_its_name():
    rng, lexicon = np.random.default_rng(1), read_lexicon()
    order = rng.random((60, len(lexicon))).argsort(1)
    truth = [list(lexicon.values())[i] for i in rng.choice(order[:, 0], 60)]
    truth[:20] = [list(lexicon.values())[i] for i in order[:20, 0]]
    scores = word_set_scores(order, lexicon, truth, 'synonym', k=1)
    accuracy = name_accuracy(order, list(lexicon.values()), truth, 1)
    assert accuracy > 1 / 3 and scores == pytest.approx(dict.fromkeys(scores, accuracy))


def test_a_wider_level_never_finds_less():
    rng, lexicon = np.random.default_rng(2), read_lexicon()
    order = rng.random((80, len(lexicon))).argsort(1)
    truth = rng.choice(MAFW, 80)
    recalls = [word_set_scores(order, lexicon, truth, level)['recall'] for level in LEVELS]
    assert recalls == sorted(recalls) and recalls[0] < recalls[2]


@pytest.mark.ci
@pytest.mark.parametrize('level, k', list(product(LEVELS, (1, 3))))
def test_chance_is_the_mean_over_all_orders(level, k):
    truth = ['anger', 'fear', 'fear', 'fear_anxiety']
    every = [word_set_scores(np.array([order] * 4), LEXICON, truth, level, k)
             for order in permutations(range(6))]
    precision, recall = (np.mean([scores[name] for scores in every])
                         for name in ('precision', 'recall'))
    found = chance_word_sets(LEXICON, truth, level, k)
    assert found['precision'] == pytest.approx(precision, abs=.02)
    assert found['recall'] == pytest.approx(recall, abs=.03)
    total = found['precision'] + found['recall']
    assert found['F1'] == pytest.approx(2 * found['precision'] * found['recall'] / total)
    assert all(np.isnan(value) for value in chance_word_sets(LEXICON, [], level, k).values())


def test_without_the_names_only_the_sector_can_be_right():
    lexicon, truth = words_left(read_lexicon(), MAFW), list(MAFW)
    order = np.random.default_rng(3).random((11, len(lexicon))).argsort(1)
    assert len(lexicon) == 51
    for level in LEVELS:
        most = word_set_scores(order, lexicon, truth, level, len(lexicon))['recall']
        assert most == (level == 'sector')
