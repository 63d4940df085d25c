"""From frame features to the video feature."""
import numpy as np
import pytest
import torch

from hesp_mmaction.errors import InputError
from hesp_mmaction.models.necks import TemporalFilter, TemporalMean


def test_the_filter_starts_as_the_mean():
    x = torch.randn(3, 8, 5)
    assert torch.allclose(TemporalFilter(8)(x), TemporalMean()(x), atol=1e-6)


def test_the_filter_is_a_weighted_sum_over_frames():
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    neck = TemporalFilter(3).double()
    weights = [-0.5, 0.25, 2.0]
    with torch.no_grad():
        neck.weights.copy_(torch.tensor(weights))
    expected = sum(w * x[:, t] for t, w in enumerate(weights))
    assert np.allclose(neck(torch.tensor(x)).detach().numpy(), expected, atol=1e-12)


def test_the_filter_learns_to_take_off_what_a_clip_keeps():
    """The class is in the second frame only; a person of far larger variance is in both."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(64) % 2
    person = 10 * torch.randn(64, 1, 6, generator=generator)
    x = person.repeat(1, 2, 1)
    x[:, 1, 0] += 2 * labels - 1
    neck, line = TemporalFilter(2), torch.tensor([1.0, 0, 0, 0, 0, 0])
    optimizer = torch.optim.SGD(neck.parameters(), lr=0.01)
    for _ in range(500):
        loss = torch.nn.functional.soft_margin_loss(neck(x) @ line, 2.0 * labels - 1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    first, second = neck.weights.tolist()
    assert second > 0.3 and first == pytest.approx(-second, rel=0.1)


def test_another_number_of_frames_is_refused():
    with pytest.raises(InputError, match='made for 8 frames and got 4.*num_frames'):
        TemporalFilter(8)(torch.zeros(1, 4, 2))
