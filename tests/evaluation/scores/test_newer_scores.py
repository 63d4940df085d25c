"""Scores of 2023 to 2026: what they must do whatever the data, and their edge cases."""
import numpy as np
import oracles
import pytest
import torch
from test_scores import D, K, outputs

from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation.scores import compute_score, compute_scores, fields_of

NEWER = ['fdbd', 'nci', 'nnguide', 'gl_mcm', 'prototypes', 'cls_max', 'cls_logsumexp', 'eoe',
         'neglabel', 'interneg', 'negrefine']


@pytest.fixture
def dump():
    return outputs(0, 40)


@pytest.fixture
def train():
    return outputs(1, 60)


@pytest.mark.parametrize('name', NEWER)
def test_two_classes_and_one_training_clip_of_each(name):
    small, few = outputs(0, 40, 2), outputs(1, 2, 2)
    assert sorted(few['label']) == [0, 1]
    found = compute_score(name, small, few).numpy()
    np.testing.assert_allclose(found, oracles.expected(small, few)[name], rtol=1e-9)


@pytest.mark.parametrize('name', NEWER)
def test_the_length_of_a_feature_does_not_matter_and_zero_length_is_finite(name, dump, train):
    usual = compute_score(name, dump, train)
    longer = compute_score(name, dict(dump, feature=7 * dump['feature']),
                           dict(train, feature=0.01 * train['feature']))
    torch.testing.assert_close(longer, usual, rtol=1e-9, atol=1e-9)
    dump['feature'][0], train['feature'][0] = 0, 0
    assert torch.isfinite(compute_score(name, dump, train)).all()


@pytest.mark.parametrize('name', NEWER)
def test_equal_samples_tie_and_one_sample_is_scored_as_among_many(name, dump, train):
    def of(rows):
        return {key: values[rows] if len(values) == 40 else values for key, values in dump.items()}
    a, b, c = compute_score(name, of([0, 3, 0]), train)
    assert a == c != b
    torch.testing.assert_close(compute_score(name, of([0]), train)[0], a, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize('name', ['fdbd', 'nci'])
def test_a_feature_on_the_training_mean_and_equal_texts_are_finite(name, dump, train):
    train['feature'] = np.repeat(np.eye(D)[:1], 60, 0)
    dump['feature'][0] = 3 * np.eye(D)[0]
    dump['class_text'][1] = dump['class_text'][0]
    assert torch.isfinite(compute_score(name, dump, train)).all()


def test_fdbd_is_zero_on_a_boundary_and_grows_away_from_it(train):
    text = np.eye(D)[:2]
    angle = np.pi / 4 + np.array([0, 0.1, 0.2])
    feature = np.stack([np.cos(angle), np.sin(angle)], 1) @ text
    train['feature'] = np.repeat(-np.eye(D)[2:3], 60, 0)  # as far from all of them
    score = compute_score('fdbd', dict(feature=feature, class_text=text), train)
    assert abs(score[0]) < 1e-12 and score[0] < score[1] < score[2]


def test_cls_takes_off_what_the_context_explains_and_no_test_clip_takes_part(dump, train):
    context = train['logits_context'][:, 0]
    for name, pool in (('cls_max', lambda z: z.max(1)), ('cls_logsumexp', lambda z: np.log(
            np.exp(z).sum(1)))):
        left = compute_score(name, train, train).numpy()
        assert abs(np.corrcoef(left, context)[0, 1]) < 1e-9 < abs(np.corrcoef(
            pool(train['logits_known']), context)[0, 1])
    constant = dict(train, logits_context=np.ones((60, 1)))
    np.testing.assert_allclose(compute_score('cls_max', dump, constant).numpy(),
                               dump['logits_known'].max(1))
    flat = dict(dump, logits_context=dump['logits_context'][:, 0])
    torch.testing.assert_close(compute_score('cls_max', flat, train),
                               compute_score('cls_max', dump, train))


def test_gl_mcm_finds_the_one_frame_that_shows_a_class(dump):
    dump['frame_cosine'][:] = 0
    dump['logits_cosine'][:] = 0
    dump['frame_cosine'][3, 2, 1] = 1
    score = compute_score('gl_mcm', dump)
    assert score.argmax() == 3 and (score[:3] == score[0]).all()


def test_a_word_like_the_sample_makes_it_less_known(dump, train):
    for name in ('eoe', 'neglabel'):
        before = compute_score(name, dump, train)
        dump['word_text'][0] = oracles.unit(dump['feature'][5])
        after = compute_score(name, dump, train)
        assert after[5] < before[5]
        dump = outputs(0, 40)


def test_interneg_leaves_out_words_near_the_training_clips(dump, train):
    near = oracles.means_of(train, K)[:1]
    without = compute_score('interneg', dump, train)
    more = dict(dump, word_text=np.concatenate([dump['word_text'], near]))
    torch.testing.assert_close(compute_score('interneg', more, train), without)
    assert (compute_score('neglabel', more) - compute_score('neglabel', dump)).min() < -0.1
    with pytest.raises(InputError, match='every word is as near'):
        compute_score('interneg', dict(dump, word_text=near), train)


def test_negrefine_keeps_a_clip_known_that_fits_a_name_and_a_word(dump):
    before = compute_score('negrefine', dump)
    word = dump['word_text'][0] = oracles.unit(dump['feature'][5] + 1)
    pairs = np.repeat(dump['word_text'][None], K, 0)
    told = compute_score('negrefine', dict(dump, pair_text=pairs))
    pairs = pairs.copy()
    pairs[int((dump['class_text'] @ dump['feature'][5]).argmax()), 0] = oracles.unit(
        dump['feature'][5])
    both = compute_score('negrefine', dict(dump, pair_text=pairs))
    assert word @ dump['feature'][5] > 0 and both[5] > told[5] and before.shape == (40,)


def test_missing_fields_are_reasons(dump, train):
    for name in NEWER:
        for field in fields_of(name):
            source, key = (train, field[6:]) if field.startswith('train_') else (dump, field)
            kept = source.pop(key)
            reason = compute_scores(dump, train, [name])[1][name]
            assert f'`{key}`' in reason or '--words' in reason, (name, field)
            source[key] = kept
