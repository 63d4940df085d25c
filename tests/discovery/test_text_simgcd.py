"""Words of a clip as a second view."""
import numpy as np
import pytest
from made_up import clouds

from hesp_mmaction.discovery import clip_texts, simgcd, text_simgcd
from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation.clusters import cluster_accuracy


def test_a_clip_is_described_by_its_best_words():
    rng = np.random.default_rng(0)
    similarity, texts = rng.normal(size=(5, 7)), rng.normal(size=(7, 3))
    found = clip_texts(similarity, texts, 2)
    for row, text in zip(similarity, found, strict=True):
        first, second = sorted(range(7), key=lambda word: -row[word])[:2]
        mean = (texts[first] + texts[second]) / 2
        np.testing.assert_allclose(text, mean / np.sqrt((mean ** 2).sum()))


def test_words_part_what_features_do_not():
    labelled, labels, unlabelled, truth = clouds(k=4, known=2, spread=0.4)
    texts = np.eye(4)
    assert cluster_accuracy(simgcd(labelled, labels, unlabelled, 4).groups, truth) < 0.8
    found = text_simgcd(labelled, labels, unlabelled, 4, texts[labels], texts[truth])
    assert cluster_accuracy(found.groups, truth) > 0.9
    known = truth < 2  # under their own numbers
    assert (found.groups[known] == truth[known]).mean() > 0.9
    np.testing.assert_array_equal(found.assign(unlabelled, texts[truth]), found.groups)


def test_texts_of_other_clips_are_refused():
    labelled, labels, unlabelled, _ = clouds()
    with pytest.raises(InputError, match='11 and 36 texts do not belong to 12 labelled and 36'):
        text_simgcd(labelled, labels, unlabelled, 4, np.ones((11, 2)), np.ones((36, 2)))
