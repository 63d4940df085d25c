"""Every score against another library or the formula in numpy."""
from importlib import import_module

import numpy as np
import pytest
import torch
from oracles import expected, unit
from scipy.spatial.distance import cdist
from scipy.special import logsumexp, softmax
from scipy.stats import entropy as shannon
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation.scores import SCORES, compute_score, compute_scores

NUM, TRAIN, K, D, L = 40, 60, 3, 8, 12


# test_joint.py has their oracles
OF_TEST_JOINT = {'density', 'joint', 'joint_of_compounds', 'joint_without_texts'}


def outputs(seed, size, k=K):
    """Fields of a dump; features of class k lie around the k-th axis."""
    rng = np.random.default_rng(seed)
    label = np.arange(size) % k
    feature = rng.normal(0, 0.3, (size, D)) + 2 * np.eye(D)[label]
    fields = {key: rng.normal(0, 3, (size, k)) for key in (
        'logits', 'logits_known', 'logits_negative', 'logits_negative_text')}
    texts = dict(class_text=unit(np.eye(D)[:k] + 0.2), word_text=unit(rng.normal(
        0, 0.3, (L, D)) + np.eye(D)[np.arange(L) % D]),
                 pair_text=unit(rng.normal(size=(k, L, D))))
    return dict(fields, **texts, feature=feature, label=label, score=fields['logits'].max(1),
                logits_cosine=rng.uniform(-1, 1, (size, k)),
                logits_context=fields['logits_known'].max(1, keepdims=True) / 3
                + rng.normal(0, 1, (size, 1)),
                frame_cosine=rng.uniform(-1, 1, (size, 4, k)),
                logits_zero_shot=rng.normal(0, 3, (size, k)))


@pytest.fixture
def dump():
    return outputs(0, NUM)


@pytest.fixture
def train():
    return outputs(1, TRAIN)


def expected_scores(dump, train):
    z, p = dump['logits'], softmax(dump['logits'], 1)
    yes, no = np.exp(dump['logits_known']), np.exp(dump['logits_negative_text'])
    best = dump['logits_known'].argmax(1)
    known, negative = dump['logits_known'], dump['logits_negative']
    f, g, label = dump['feature'], train['feature'], train['label']
    lengths = np.linalg.norm(f, axis=1, keepdims=True), np.linalg.norm(g, axis=1, keepdims=True)
    fifth = NearestNeighbors(n_neighbors=5).fit(g / lengths[1]).kneighbors(f / lengths[0])[0][:, 4]
    means = np.stack([g[label == k].mean(0) for k in range(K)])

    def squares(centres, centred):
        precision = np.linalg.inv(LedoitWolf().fit(centred).covariance_)
        return cdist(f, centres, 'mahalanobis', VI=precision).min(1) ** 2
    within, overall = squares(means, g - means[label]), squares(g.mean(0)[None], g - g.mean(0))
    pca = PCA(D // 2).fit(g)

    def residual(x):
        return np.linalg.norm(x - pca.inverse_transform(pca.transform(x)), axis=1)
    alpha = np.abs(train['logits'].max(1)).mean() / residual(g).mean()
    return dict(
        max_softmax=p.max(1), max_logit=z.max(1), energy=logsumexp(z, axis=1),
        entropy=-shannon(p, axis=1), margin=np.sort(p)[:, -1] - np.sort(p)[:, -2],
        generalised_entropy=-(p ** 0.1 * (1 - p) ** 0.1).sum(1),
        mcm=softmax(dump['logits_cosine'], 1).max(1),
        not_x_of_predicted=(yes / (yes + no))[np.arange(NUM), best],
        not_x_of_all=(softmax(known, 1) * yes / (yes + no)).sum(1),
        hesp_mean_softmax=(softmax(known, 1) + softmax(negative, 1)).max(1) / 2,
        hesp_logit=(known + negative).max(1) / 2,
        hesp_centred=(known + negative).max(1) / 2 - negative.mean(1) / 2,
        knn=-fifth, mahalanobis=-within, relative_mahalanobis=overall - within,
        vim=logsumexp(z, axis=1) - alpha * residual(f))


def test_every_score_is_its_formula(dump, train):
    oracles = expected_scores(dump, train) | expected(dump, train)
    found, reasons = compute_scores(dump, train)
    assert set(found) == set(oracles) | OF_TEST_JOINT == set(SCORES) and reasons == {}
    for name, values in oracles.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-6, atol=1e-9, err_msg=name)
        assert found[name].shape == (NUM,)


@pytest.mark.parametrize('name', ['knn', 'mahalanobis', 'vim'])
def test_what_is_unlike_all_training_features_is_less_known(dump, train, name):
    dump['logits'][:] = 0
    dump['feature'][::2] -= 4 * np.eye(D)[K + 1]  # along a direction without classes
    score = compute_score(name, dump, train).numpy()
    assert score[::2].max() < score[1::2].min()


def test_relative_mahalanobis_asks_how_the_classes_differ(dump, train):
    usual = compute_score('relative_mahalanobis', dump, train)
    shift = 4 * np.eye(D)[K + 1]  # a direction in which the classes do not differ
    moved = compute_score('relative_mahalanobis', dict(feature=dump['feature'] - shift), train)
    between = compute_score('relative_mahalanobis', dict(feature=np.full((1, D), 2 / K)), train)
    assert between < usual.min()
    change = compute_score('mahalanobis', dict(feature=dump['feature'] - shift), train)
    change = change - compute_score('mahalanobis', dump, train)
    assert (moved - usual).abs().max() < 0.2 * change.abs().min()


@pytest.mark.parametrize('name', ['max_softmax', 'max_logit', 'energy', 'entropy', 'margin',
                                  'generalised_entropy'])
def test_certain_is_more_known(name):
    logits = torch.tensor([[0., 0, 0], [1, 0, 0], [3, 0, 0], [600, 0, -600]])
    score = compute_score(name, dict(logits=logits))
    assert (score.diff() > 0).all() and torch.isfinite(score).all()


def test_certain_logits_keep_their_order_in_float32():
    logits = np.float32([[25, 5, 0], [25, 6, 0]])  # both probabilities are 1 in float32
    first, second = compute_score('max_softmax', dict(logits=logits))
    assert first > second


def test_fewer_training_clips_than_dimensions(dump, train):
    few = {key: values[:5] for key, values in train.items()}
    found, reasons = compute_scores(dump, few)
    assert set(found) == set(SCORES) and not reasons
    one = {key: values[:1] for key, values in train.items()}
    found, reasons = compute_scores(dump, one)
    assert 'knn' in found and 'half their dimensions' in reasons['vim']
    assert 'no sample of the known class number 1' in reasons['prototypes']


def test_the_covariance_within_the_classes_is_fitted_once(dump, train, monkeypatch):
    fitted = []

    file = import_module('hesp_mmaction.evaluation.scores.mahalanobis')

    class Counted(LedoitWolf):
        def fit(self, *args):
            fitted.append(1)
            return super().fit(*args)

    monkeypatch.setattr(file, 'LedoitWolf', Counted)
    compute_score('mahalanobis', dump, train)
    assert len(fitted) == 1


def test_training_features_that_are_not_finite_are_a_reason(dump, train):
    train['feature'][0, 0] = np.nan
    found, reasons = compute_scores(dump, train)
    said = '`feature` of the training features holds values that are not finite'
    for name in ('knn', 'nnguide', 'fdbd', 'nci', 'prototypes', 'mahalanobis',
                 'relative_mahalanobis', 'vim'):
        assert reasons[name] == said
    assert 'max_logit' in found


def test_on_the_outputs_of_a_head(dump):
    logits = torch.randn(4, K, requires_grad=True)
    score = compute_score('energy', dict(logits=logits))
    score.sum().backward()
    assert logits.grad.shape == (4, K)


def test_what_cannot_be_computed_is_said(dump, train):
    found, reasons = compute_scores(dict(logits=dump['logits'], feature=dump['feature']))
    assert set(found) == {'max_softmax', 'max_logit', 'energy', 'entropy', 'margin',
                          'generalised_entropy'}
    assert set(found) | set(reasons) == set(SCORES)
    assert 'train_features.npz' in reasons['knn'] and 'train_features.npz' in reasons['vim']
    assert 'logits_cosine' in reasons['mcm'] and 'logits_known' in reasons['hesp_mean_softmax']
    assert 'class_text' in reasons['fdbd']
    some = dict(logits_cosine=dump['logits_cosine'], class_text=dump['class_text'])
    assert 'frame_cosine' in compute_scores(some)[1]['gl_mcm']
    some['feature'] = dump['feature']
    assert '--words' in compute_scores(some)[1]['neglabel']
    del train['logits']
    assert 'training features' in compute_scores(dump, train)[1]['vim']
    dump['logits'][0, 0] = np.nan
    assert compute_scores(dump)[1]['max_logit'] == '1 values are not finite'
    with pytest.raises(InputError, match="'msp'.*max_softmax"):
        compute_score('msp', dump)
