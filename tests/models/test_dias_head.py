"""DIAS without its GAN."""
import numpy as np
import pytest
import torch
from leaves import KNOWN, build, same_after_loading, step

from hesp_mmaction.models.heads import DIASHead

B, C, H = 4, 5, 6


def linear(x, part):
    weight, bias = (p.detach().numpy() for p in part.parameters())
    return x @ weight.T + bias


def network(net, x):
    first = np.maximum(linear(x, net.layer1), 0)
    second = np.maximum(linear(first, net.layer2), 0)
    return first, second, linear(second, net.fc)


def entropy(z, y, smoothing=0.0):
    total = 0
    for row, k in zip(z, y, strict=True):
        log_p = row - np.log(np.exp(row).sum())
        total -= (1 - smoothing) * log_p[k] + smoothing * log_p.mean()
    return total / len(z)


@pytest.fixture
def case():
    torch.manual_seed(0)
    head = DIASHead(KNOWN, C, hidden=H).double()
    f = np.random.default_rng(0).normal(2, 9, size=(B, C))
    return head, f, np.array([0, 1, 2, 1])


def test_losses_and_score_equal_numpy(case):
    head, f, y = case
    outputs = head(torch.tensor(f))
    x = (f - f.mean(1, keepdims=True)) / np.sqrt(f.var(1, keepdims=True) + 1e-5)
    first1, second1, z1 = network(head.net1, x)
    first2, second2, z2 = network(head.net2, x)
    p = np.exp(z2) / np.exp(z2).sum(1, keepdims=True)
    np.testing.assert_allclose(head.score(outputs).detach().numpy(), p.max(1), rtol=1e-9)
    fakes = (linear(np.maximum(linear(first1, head.net2.layer2), 0), head.net2.fc),
             linear(second1, head.net2.fc))
    expected = dict(
        loss_known=entropy(z2, y), loss_copycat=entropy(z1, y),
        loss_pull=(abs(first1 - first2).mean() + abs(second1 - second2).mean()) / 2,
        loss_fake=0.1 * (entropy(fakes[0], y, 0.5) + entropy(fakes[1], y, 1.0)) / 2)
    found = {k: float(v.detach()) for k, v in head.losses(outputs, torch.tensor(y)).items()}
    assert found == pytest.approx(expected, rel=1e-9)


def test_each_network_sees_the_other_as_constant(case):
    head, f, y = case
    losses = head.losses(head(torch.tensor(f)), torch.tensor(y))
    for name, learns in (('loss_known', 'net2'), ('loss_fake', 'net2'), ('loss_copycat', 'net1'),
                         ('loss_pull', 'net1')):
        head.zero_grad()
        losses[name].backward(retain_graph=True)
        moved = {key.split('.')[0] for key, p in head.named_parameters()
                 if p.grad is not None and p.grad.abs().sum() > 0}
        assert moved == {learns}, name


def test_the_leaf(clips):
    model, _ = build('dias_afew_o34.py', clips['vit'], image_size=32)
    _, trained = step(model, 32)
    assert {name.rsplit('.', 1)[0].removeprefix('cls_head.') for name in trained} == {
        f'{net}.{layer}' for net in ('net1', 'net2') for layer in ('layer1.0', 'layer2.0', 'fc')}
    same_after_loading(model, 'dias_afew_o34.py', 32, clips['vit'], image_size=32)
