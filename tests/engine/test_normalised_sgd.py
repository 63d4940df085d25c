import numpy as np
import pytest
import torch

from hesp_mmaction.engine import NormalisedSGD


def parameters():
    generator = torch.Generator().manual_seed(0)
    return [torch.nn.Parameter(torch.randn(3, 2, 4, generator=generator, dtype=torch.float64))
            for _ in range(3)]


def gradients(step):
    generator = torch.Generator().manual_seed(step)
    return [torch.randn(3, 2, 4, generator=generator, dtype=torch.float64) for _ in range(3)]


def test_three_steps_equal_numpy():
    plain, patch, negatives = parameters()
    optimizer = NormalisedSGD([
        dict(params=[plain]), dict(params=[patch], step_length=5.0),
        dict(params=[negatives], step_length=5.0, over_classes=True, then_sgd=True)],
        lr=0.1, momentum=0.9, weight_decay=0.01)
    a, b, c = (p.detach().numpy().copy() for p in (plain, patch, negatives))
    velocity = dict(a=0, c=0)
    for step in range(3):
        g = gradients(step)
        for p, value in zip((plain, patch, negatives), g, strict=True):
            p.grad = value.clone()
        optimizer.step()
        ga, gb, gc = (value.numpy() for value in g)
        velocity['a'] = 0.9 * velocity['a'] + ga + 0.01 * a
        a = a - 0.1 * velocity['a']
        b = b - 5 * gb / np.linalg.norm(gb)
        mean = gc.mean(0)
        c = c - 5 * mean / np.linalg.norm(mean)
        velocity['c'] = 0.9 * velocity['c'] + gc + 0.01 * c
        c = c - 0.1 * velocity['c']
    for p, expected in ((plain, a), (patch, b), (negatives, c)):
        np.testing.assert_allclose(p.detach().numpy(), expected, rtol=1e-12)


def test_scheduled_steps_shrink_with_the_rate_and_a_zero_gradient_does_not_move():
    moving, still = torch.nn.Parameter(torch.zeros(4)), torch.nn.Parameter(torch.ones(4))
    optimizer = NormalisedSGD([dict(params=[moving], step_length=2.0, scheduled=True),
                               dict(params=[still], step_length=2.0)], lr=0.1)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [1], 0.1)
    for expected in (2.0, 0.2):
        before = moving.detach().clone()
        moving.grad, still.grad = torch.ones(4), torch.zeros(4)
        optimizer.step()
        schedule.step()
        assert float((moving.detach() - before).norm()) == pytest.approx(expected)
    assert torch.equal(still, torch.ones(4))
