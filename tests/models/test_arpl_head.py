from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config

from hesp_mmaction.apis.wiring import override
from hesp_mmaction.errors import InputError
from hesp_mmaction.models.clip import feature_width
from hesp_mmaction.models.heads import ARPLHead

KNOWN = ('anger', 'fear', 'happiness')
CONFIG = Path(__file__).parents[2] / 'configs/clip_arpl_afew_o34.py'
B, D = 6, 5


@pytest.fixture
def values():
    rng = np.random.default_rng(0)
    return dict(f=rng.normal(size=(B, D)), p=rng.normal(size=(3, D)), r=1.8,
                y=np.array([0, 1, 2, 0, 1, 0]))


def logits_of(f, p):
    return np.array([[((a - b) ** 2).mean() - a @ b for b in p] for a in f])


def losses_of(f, p, r, y):
    """(cross-entropy, 0.1 x margin) by loops."""
    entropy, margin = 0.0, 0.0
    for row, a, label in zip(logits_of(f, p), f, y, strict=True):
        entropy += np.log(np.exp(row).sum()) - row[label]
        margin += max(0, ((a - p[label]) ** 2).mean() - r + 1)
    return entropy / len(f), 0.1 * margin / len(f)


def make(values):
    head = ARPLHead(KNOWN, D).double()
    head.points.data = torch.tensor(values['p'])
    head.radius.data = torch.tensor(values['r'], dtype=torch.float64)
    return head, torch.tensor(values['f']), torch.tensor(values['y'])


def test_outputs_score_and_losses_equal_numpy(values):
    head, f, y = make(values)
    outputs = head(f, points=None)
    z = logits_of(values['f'], values['p'])
    e = np.exp(z)
    for name, expected in dict(logits=z, logits_known=z, feature=values['f'],
                               probabilities=e / e.sum(1, keepdims=True)).items():
        np.testing.assert_allclose(outputs[name].detach().numpy(), expected, rtol=1e-10)
    np.testing.assert_allclose(head.score(outputs).detach().numpy(), z.max(1), rtol=1e-10)
    found = {k: float(v.detach()) for k, v in head.losses(outputs, y).items()}
    entropy, margin = losses_of(**values)
    assert found == pytest.approx(dict(loss_known=entropy, loss_margin=margin), rel=1e-10)


def test_gradient_equals_finite_differences(values):
    head, f, y = make(values)
    sum(head.losses(head(f), y).values()).backward()

    def loss(step, index=None):
        p = values['p'].copy()
        if index is not None:
            p[index] += step
        return sum(losses_of(values['f'], p, values['r'] + (step if index is None else 0),
                             values['y']))

    expected = [(loss(1e-6, i) - loss(-1e-6, i)) / 2e-6 for i in np.ndindex(3, D)]
    np.testing.assert_allclose(head.points.grad.numpy().ravel(), expected, rtol=1e-6, atol=1e-8)
    # Some samples are within the radius and some are not.
    within = sum(((a - values['p'][k]) ** 2).mean() < values['r'] - 1
                 for a, k in zip(values['f'], values['y'], strict=True))
    assert 0 < within < B
    assert float(head.radius.grad) == pytest.approx(-0.1 * (1 - within / B))
    assert float(head.radius.grad) == pytest.approx((loss(1e-6) - loss(-1e-6)) / 2e-6)


def test_permuted_names_permute_the_outputs(values):
    head, f, _ = make(values)
    other, order = ARPLHead([KNOWN[i] for i in (2, 0, 1)], D).double(), [2, 0, 1]
    other.points.data = head.points.data[order]
    torch.testing.assert_close(other(f)['probabilities'], head(f)['probabilities'][:, order])


def test_start_and_state():
    torch.manual_seed(0)
    head = ARPLHead(KNOWN, 2000)
    assert float(head.points.detach().std()) == pytest.approx(0.1, rel=0.05)
    assert float(head.radius.detach()) == 0
    assert set(head.state_dict()) == {'points', 'radius', 'temperature', 'threshold'}


def test_the_width_is_given_or_that_of_clip(clips):
    assert feature_width('ViT-B-32') == 512 and feature_width('RN50') == 1024
    assert ARPLHead(KNOWN, clip=clips['vit']).points.shape == (3, 12)
    assert ARPLHead(KNOWN, 7, clips['vit']).points.shape == (3, 7)
    with pytest.raises(InputError, match='in_channels'):
        ARPLHead(KNOWN)
    with pytest.raises(InputError, match='two known classes'):
        ARPLHead(['anger'], D)


def test_the_config_learns_on_another_clip(clips):
    cfg = Config.fromfile(CONFIG)
    override(cfg, {f'clip.{key}': value for key, value in clips['vit'].items()}, known=KNOWN)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).train()
    trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
    assert set(trained) == {'cls_head.points', 'cls_head.radius'}
    assert set(model.state_dict()) == set(trained) | {'cls_head.temperature', 'cls_head.threshold'}
    data = [ActionDataSample(metainfo=dict(sample_id=f'{i}.avi')).set_gt_label(i % 3)
            for i in range(9)]
    x = 60 * torch.rand(9, 2, 3, 32, 32)
    for i in range(9):
        x[i, :, i % 3] += 150  # a colour per class
    optimizer = torch.optim.SGD(trained.values(), lr=0.05, momentum=0.9)
    history = []
    for _ in range(40):
        losses = model(x, data, mode='loss')
        optimizer.zero_grad()
        (losses['loss_known'] + losses['loss_margin']).backward()
        assert all(p.grad is not None for p in trained.values())
        optimizer.step()
        history.append({k: float(v.detach()) for k, v in losses.items()})
    assert history[-1]['loss_known'] < history[0]['loss_known'] / 2
    assert history[-1]['loss_margin'] < history[0]['loss_margin']
    assert history[-1]['acc'] == 1
    model.eval()
    with torch.no_grad():
        found = model(x, data, mode='predict')
    assert [int(s.pred_label) for s in found] == [i % 3 for i in range(9)]
    assert all(float(s.pred_knownness) == float(s.logits_known.max()) for s in found)
