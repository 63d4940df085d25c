"""Density and joint score against loops in float64 numpy."""
import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation.scores import (
    SCORES,
    choose,
    class_gaussians,
    compute_score,
    held_out_distances,
    squared_distances,
)

K, D, M, N = 3, 7, 20, 6


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def gaussians_by_loops(feature, label, shrinkage=0.5):
    """Class means (dict) and precision."""
    feature, means = unit(feature), {}
    for k in set(label):
        means[k] = np.mean([f for f, y in zip(feature, label, strict=True) if y == k], axis=0)
    covariance = np.zeros((D, D))
    for f, y in zip(feature, label, strict=True):
        covariance += np.outer(f - means[y], f - means[y]) / len(feature)
    ball = np.trace(covariance) / D * np.eye(D)
    return means, np.linalg.inv((1 - shrinkage) * covariance + shrinkage * ball)


def distance(f, mean, precision):
    away = f / np.linalg.norm(f) - mean
    return away @ precision @ away


@pytest.fixture
def clips():
    """A training part of three classes, one of them with one clip, and a test part."""
    rng = np.random.default_rng(0)
    label = np.array([0] * 9 + [1] * 10 + [2])
    feature = rng.normal(size=(M, D)) + 2 * np.eye(K, D)[label]
    train = dict(feature=feature, label=label, score=rng.normal(size=M),
                 logits_zero_shot=rng.normal(size=(M, K)))
    test = dict(feature=rng.normal(size=(N, D)), score=rng.normal(size=N),
                logits_zero_shot=rng.normal(size=(N, K)))
    return train, test


def test_distances_are_those_of_class_gaussians(clips):
    train, test = clips
    means, precision = gaussians_by_loops(train['feature'], train['label'])
    expected = [[distance(f, means[k], precision) for k in range(K)] for f in test['feature']]
    fitted = class_gaussians(torch.tensor(train['feature']), torch.tensor(train['label']), K)
    found = squared_distances(torch.tensor(test['feature']), *fitted)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    np.testing.assert_allclose(compute_score('density', test, train),
                               -np.sqrt(np.min(expected, 1)), rtol=1e-9)


def test_held_out_distances_are_those_of_a_fit_without_the_clip(clips):
    feature, label = clips[0]['feature'], clips[0]['label']
    found = held_out_distances(torch.tensor(feature), torch.tensor(label), K).numpy()
    for i in range(M):
        others = np.arange(M) != i
        means, precision = gaussians_by_loops(feature[others], label[others])
        for k in range(K):
            if k in means:
                expected = distance(feature[i], means[k], precision)
                assert found[i, k] == pytest.approx(expected, rel=1e-8)
            else:  # it was alone in its class
                assert i == M - 1 and found[i, k] > 1e5
    with_it = squared_distances(torch.tensor(feature), *class_gaussians(
        torch.tensor(feature), torch.tensor(label), K)).numpy()
    own = np.arange(M - 1), label[:-1]
    assert (found[own] > with_it[own]).all()  # who took part looks nearer


def chosen_by_loops(train, texts=True):
    """Shrinkage and weight of zero-shot CLIP with the largest mean AUROC of left-out classes."""
    feature, label, found = train['feature'], train['label'], {}
    for left_out in range(K):
        rest = [i for i in range(M) if label[i] != left_out]
        if min(len(rest), M - len(rest)) < 5:
            continue
        meant = in_units([max(train['logits_zero_shot'][i, k] for k in range(K) if k != left_out)
                          for i in range(M)], rest)
        for shrinkage in (0.2, 0.35, 0.5, 0.65, 0.8, 0.95):
            density = []
            for i in range(M):
                others = [j for j in rest if j != i]
                means, precision = gaussians_by_loops(feature[others], label[others], shrinkage)
                density.append(-np.sqrt(min(distance(feature[i], mean, precision)
                                            for mean in means.values())))
            for weight in (0, 0.25, 0.5, 0.75, 1) if texts else (0,):
                found.setdefault((shrinkage, weight), []).append(roc_auc_score(
                    [i in rest for i in range(M)], in_units(density, rest) + weight * meant))
    found = {pair: np.mean(values) for pair, values in found.items()}
    return max(found, key=found.get), found


def in_units(values, known):
    values = np.array(values)
    middle = np.sort(values[known])[(len(known) - 1) // 2]  # the lower of two middles
    return (values - middle) / values[known].std()


def expected_joint(train, test, weights, shrinkage, zero_shot=0):
    """Sum of standard scores by loops."""
    held_out = held_out_distances(torch.tensor(train['feature']), torch.tensor(train['label']),
                                  K, shrinkage).numpy()
    means, precision = gaussians_by_loops(train['feature'], train['label'], shrinkage)
    parts = dict(
        known=(train['score'], test['score']),
        zero_shot=(train['logits_zero_shot'].max(1), test['logits_zero_shot'].max(1)),
        density=(-np.sqrt(held_out.min(1)), np.array([-np.sqrt(min(
            distance(f, means[k], precision) for k in range(K))) for f in test['feature']])),
        length=tuple(np.log(np.sqrt((clips['feature'] ** 2).sum(1))) for clips in (train, test)))
    total = np.zeros(N)
    for name, weight in dict(weights, zero_shot=zero_shot).items():
        known, values = parts[name]
        units = in_units([*known, *values], list(range(M)))[M:]
        total += weight * (np.array([max(u, 0) for u in units]) if name == 'length' else units)
    return total


@pytest.mark.parametrize('seed', range(2))
def test_each_class_in_turn_plays_the_unknown_one(clips, seed):
    train, _ = clips
    rng = np.random.default_rng(seed)
    train['logits_zero_shot'] = rng.normal(size=(M, K)) + seed * np.eye(K)[train['label']]
    fields = [torch.tensor(train[name]) for name in ('feature', 'label', 'logits_zero_shot')]
    for texts in (True, False):
        (shrinkage, weight), found = chosen_by_loops(train, texts)
        chosen = choose(*fields[:2 + texts])
        assert found[chosen] == pytest.approx(found[shrinkage, weight], abs=1e-12)
        assert texts or weight == chosen[1] == 0


def test_what_tells_the_left_out_classes_counts_most(clips):
    train, _ = clips
    feature, label, zero_shot = (torch.tensor(train[name]) for name in (
        'feature', 'label', 'logits_zero_shot'))
    telling = choose(feature, label, 10 * torch.eye(K)[label])
    assert telling[1] > 0 and choose(feature, label, zero_shot - 10 * torch.eye(K)[label])[1] == 0


def test_without_enough_clips_there_is_a_middle_way():
    torch.manual_seed(0)
    assert choose(torch.randn(1, D), torch.tensor([0])) == (0.5, 0)
    assert choose(torch.randn(2, D), torch.tensor([0, 1]), torch.randn(2, K)) == (0.5, 0.5)
    assert choose(torch.randn(2, D), torch.tensor([2, 2]), torch.randn(2, K)) == (0.5, 0.5)
    eight, nine = torch.tensor([0, 1] * 4), torch.tensor([0, 0, 0, 0, 0, 1, 1, 1, 1])
    assert choose(torch.randn(8, D), eight, torch.eye(K)[eight]) == (0.5, 0.5)
    assert choose(torch.randn(9, D), nine, torch.eye(K)[nine]) == (0.5, 0.5)
    ten = torch.tensor([0, 1] * 5)
    assert choose(torch.randn(10, D), ten, torch.eye(K)[ten]) != (0.5, 0.5)


def test_the_joint_score_adds_what_is_meant_to_what_is_usual(clips):
    train, test = clips
    (shrinkage, weight), _ = chosen_by_loops(train)
    usual = dict(known=0.75, density=1)
    np.testing.assert_allclose(compute_score('joint', test, train),
                               expected_joint(train, test, usual, shrinkage, weight), rtol=1e-9)
    np.testing.assert_allclose(
        compute_score('joint_of_compounds', test, train),
        expected_joint(train, test, usual | dict(length=-2), shrinkage, weight), rtol=1e-9)
    (shrinkage, _), _ = chosen_by_loops(train, texts=False)
    np.testing.assert_allclose(compute_score('joint_without_texts', test, train),
                               expected_joint(train, test, usual, shrinkage), rtol=1e-9)


@pytest.mark.parametrize('field', ['score_known', 'score_own'])
def test_a_score_of_the_learned_texts_goes_before_that_which_decides(clips, field):
    train, test = clips
    named = compute_score('joint', {**test, field: test['score'], 'score': 0 * test['score']},
                          {**train, field: train['score']})
    torch.testing.assert_close(named, compute_score('joint', test, train))


def test_only_a_stronger_expression_than_usual_counts_against_it(clips):
    train, test = clips
    longer = [dict(test, feature=scale * test['feature']) for scale in (1e-3, 1e-2, 1e2, 1e3)]
    scores = [compute_score('joint_of_compounds', clips, train) for clips in longer]
    torch.testing.assert_close(scores[0], scores[1])
    spread = np.log(np.linalg.norm(train['feature'], axis=1)).std()
    np.testing.assert_allclose(scores[2] - scores[3], 2 * np.log(10) / spread)


@pytest.mark.parametrize('name', ['density', 'joint', 'joint_of_compounds', 'joint_without_texts'])
def test_the_unit_of_features_does_not_count_and_extremes_stay_finite(clips, name):
    train, test = clips
    usual = compute_score(name, test, train)
    longer = compute_score(name, dict(test, feature=5 * test['feature']),
                           dict(train, feature=5 * train['feature']))
    torch.testing.assert_close(longer, usual)
    same = dict(train, feature=np.ones((M, D)), score=np.ones(M),
                logits_zero_shot=np.ones((M, K)))
    assert torch.isfinite(compute_score(name, test, same)).all()
    nothing = dict(test, feature=0 * test['feature'])
    assert torch.isfinite(compute_score(name, nothing, train)).all()
    assert name in SCORES
    with pytest.raises(InputError, match='train_features.npz'):
        compute_score(name, test)
