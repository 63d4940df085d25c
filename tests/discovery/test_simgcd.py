"""SimGCD: each term of its loss in numpy, and what the training finds."""
import numpy as np
import pytest
import torch
from made_up import clouds, same_partition

from hesp_mmaction.discovery import simgcd
from hesp_mmaction.discovery.simgcd import Views, loss
from hesp_mmaction.discovery.simgcd_losses import (
    mean_entropy,
    self_distillation,
    teacher_temperature,
    view_contrast,
)


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.fixture
def numbers():
    """Logits (two of (5, 4)) and projections (two of (5, 3)) of random views, float64."""
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (2, 5, 4)), np.stack([unit(x) for x in rng.normal(size=(2, 5, 3))])


def distilled(a, b, teacher, student):
    one = -(softmax(b / teacher) * np.log(softmax(a / student))).sum(1).mean()
    return (one - (softmax(a / teacher) * np.log(softmax(b / student))).sum(1).mean()) / 2


def contrast(z, positives, temperature):
    """Mean over rows of minus the mean log-probability of positives[i], the row itself left out."""
    total = []
    for i, row in enumerate(z):
        others = [j for j in range(len(z)) if j != i]
        below = np.log(sum(np.exp(row @ z[j] / temperature) for j in others))
        total.append(-np.mean([row @ z[j] / temperature - below for j in positives[i]]))
    return np.mean(total)


def test_terms_are_those_of_the_paper(numbers):
    logits, z = numbers
    a, b = torch.from_numpy(logits)
    assert float(self_distillation(a, b, 0.04, 0.1)) == pytest.approx(
        distilled(*logits, 0.04, 0.1))
    mean = softmax(np.concatenate(logits) / 0.1).mean(0)
    assert float(mean_entropy(torch.cat([a, b]), 0.1)) == pytest.approx(
        -(mean * np.log(mean)).sum())
    partner = {i: [(i + 5) % 10] for i in range(10)}
    assert float(view_contrast(*torch.from_numpy(z), 1.0)) == pytest.approx(
        contrast(np.concatenate(z), partner, 1.0))


def test_the_loss_weighs_terms_with_and_without_labels(numbers):
    logits, z = numbers
    labels = np.array([0, 1, 0])
    mean = softmax(np.concatenate(logits) / 0.1).mean(0)
    without = (distilled(*logits, 0.07, 0.1) + 2 * (mean * np.log(mean)).sum()
               + contrast(np.concatenate(z), {i: [(i + 5) % 10] for i in range(10)}, 1.0))
    known, twice = np.concatenate(logits[:, :3]), np.tile(labels, 2)
    classified = -np.log(softmax(known / 0.1)[np.arange(6), twice]).mean()
    same = {i: [j for j in range(6) if j != i and twice[j] == twice[i]] for i in range(6)}
    with_labels = classified + contrast(np.concatenate(z[:, :3]), same, 0.07)
    views = Views(tuple(torch.from_numpy(logits)), tuple(torch.from_numpy(z)))
    assert float(loss(views, torch.from_numpy(labels), 0.07)) == pytest.approx(
        0.65 * without + 0.35 * with_labels)


def test_the_teacher_gets_no_gradient():
    first, second = (torch.randn(4, 3, dtype=torch.float64) for _ in range(2))
    first.requires_grad_()
    self_distillation(first, second, 0.05, 0.1).backward()
    # Of the two directions only the one in which `first` learns moves it.
    target = softmax(second.numpy() / 0.05)
    expected = (softmax(first.detach().numpy() / 0.1) - target) / 0.1 / 4 / 2
    np.testing.assert_allclose(first.grad.numpy(), expected, atol=1e-12)


def test_the_temperature_of_the_teacher_falls_and_stays():
    found = [teacher_temperature(epoch, 30, 0.07, 0.04) for epoch in range(40)]
    np.testing.assert_allclose(found, [*np.linspace(0.07, 0.04, 30), *[0.04] * 10])


def test_clouds_are_found_known_ones_under_their_numbers():
    labelled, labels, unlabelled, truth = clouds()
    found = simgcd(labelled, labels, unlabelled, 4)
    assert same_partition(found.groups, truth)
    np.testing.assert_array_equal(found.groups[truth < 2], truth[truth < 2])
    np.testing.assert_array_equal(found.assign(unlabelled), found.groups)
    np.testing.assert_array_equal(simgcd(labelled, labels, unlabelled, 4).groups, found.groups)
