"""What is recorded, when, and what happens where it cannot be. (On a GPU: test_precision.py.)"""
import copy
import logging

import pytest
import torch

from hesp_mmaction.models.cuda_graphs import MOST, Replayed


class Recorder:
    """Stands for a GPU: a replay computes from the places of the recording, into one result."""

    def __init__(self):
        self.recorded, self.replays = 0, 0

    def __call__(self, function, places):
        self.recorded += 1
        result = function(*places)

        def replay():
            self.replays += 1
            torch.utils._pytree.tree_map(torch.Tensor.copy_, result, function(*places))
        return replay, result


@pytest.fixture
def double():
    calls = []

    def function(x, y):
        calls.append(x)
        return 2 * x + y
    recorder = Recorder()
    return Replayed(function, recorder), recorder, calls


def test_results_are_those_of_the_function_and_stay(double):
    replayed, recorder, calls = double
    inputs = [(torch.randn(count, 3), torch.randn(3)) for count in (4, 4, 2, 4, 4, 2, 2, 4)]
    found = [replayed(*pair) for pair in inputs]
    for (x, y), result in zip(inputs, found, strict=True):  # a later call writes into none
        torch.testing.assert_close(result, 2 * x + y)
    assert (recorder.recorded, recorder.replays) == (2, 6)  # each shape at its second call
    assert all(x is not pair[0] for x in calls[2:] for pair in inputs[:2])


def test_a_tower_with_places_returns_both():
    """Features and maps, as of CSSR's dense backbone."""
    replayed = Replayed(lambda x: (x + 1, 2 * x), Recorder())
    found = [replayed(torch.full((2,), float(i))) for i in range(5)]
    for i, (features, places) in enumerate(found):
        assert features.tolist() == [i + 1, i + 1] and places.tolist() == [2 * i, 2 * i]


def test_few_shapes_are_kept(double):
    replayed, recorder, _ = double
    for _ in range(2):
        for count in range(MOST + 3):
            replayed(torch.ones(count, 3), torch.ones(3))
    assert len(replayed.recordings) == MOST and recorder.recorded == 0
    for _ in range(2):
        replayed(torch.ones(MOST + 2, 3), torch.ones(3))
    assert recorder.recorded == 1


def test_what_cannot_be_recorded_is_called_and_said_once(monkeypatch):
    said = []
    monkeypatch.setattr('hesp_mmaction.models.cuda_graphs.print_log',
                        lambda message, logger, level: said.append((message, level)))
    def fail(function, places):
        raise RuntimeError('operation not permitted when stream is capturing\nmore')
    replayed = Replayed(lambda x: x + 1, fail)
    found = [replayed(torch.full((2,), float(i))) for i in range(5)]
    torch.testing.assert_close(torch.stack(found)[:, 0], torch.arange(1.0, 6))
    assert said == [('kernels are launched one by one, recording them fails: operation not '
                     'permitted when stream is capturing', logging.WARNING)]


def test_a_copy_records_anew(double):
    replayed, recorder, _ = double
    x, y = torch.ones(2, 3), torch.ones(3)
    for _ in range(3):
        replayed(x, y)
    twin = copy.deepcopy(replayed)
    assert replayed.recordings and not twin.recordings
    torch.testing.assert_close(twin(x, y), replayed(x, y))
