"""Density and joint score against loops in float64 numpy."""
import numpy as np
import pytest
import torch

from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation.scores import (
    SCORES,
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


def expected_joint(train, test, weights):
    """Sum of standard scores by loops."""
    held_out = held_out_distances(torch.tensor(train['feature']), torch.tensor(train['label']),
                                  K).numpy()
    means, precision = gaussians_by_loops(train['feature'], train['label'])
    parts = dict(
        own=(train['score'], test['score']),
        zero_shot=(train['logits_zero_shot'].max(1), test['logits_zero_shot'].max(1)),
        density=(-np.sqrt(held_out.min(1)), np.array([-np.sqrt(min(
            distance(f, means[k], precision) for k in range(K))) for f in test['feature']])))
    total = np.zeros(N)
    for name, weight in weights.items():
        known, values = parts[name]
        middle = np.sort(known)[(M - 1) // 2]  # the lower of two middles
        total += weight * (values - middle) / np.sqrt(((known - known.mean()) ** 2).mean())
    return total


def test_the_joint_score_adds_what_is_meant_to_what_is_usual(clips):
    train, test = clips
    np.testing.assert_allclose(
        compute_score('joint', test, train),
        expected_joint(train, test, dict(own=0.5, zero_shot=0.5, density=1)), rtol=1e-9)
    np.testing.assert_allclose(compute_score('own_and_density', test, train),
                               expected_joint(train, test, dict(own=1, density=1)), rtol=1e-9)
    named = compute_score('joint', dict(test, score_own=test['score'], score=0 * test['score']),
                          dict(train, score_own=train['score']))
    torch.testing.assert_close(named, compute_score('joint', test, train))


@pytest.mark.parametrize('name', ['density', 'joint', 'own_and_density'])
def test_nothing_but_direction_counts_and_extremes_stay_finite(clips, name):
    train, test = clips
    usual = compute_score(name, test, train)
    longer = compute_score(name, dict(test, feature=5 * test['feature']),
                           dict(train, feature=train['feature'] * np.linspace(1, 9, M)[:, None]))
    torch.testing.assert_close(longer, usual)
    same = dict(train, feature=np.ones((M, D)), score=np.ones(M),
                logits_zero_shot=np.ones((M, K)))
    assert torch.isfinite(compute_score(name, test, same)).all()
    assert name in SCORES
    with pytest.raises(InputError, match='train_features.npz'):
        compute_score(name, test)
