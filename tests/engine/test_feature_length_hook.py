"""The length of video features is told once, and one that the settings do not fit is warned of."""
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from hesp_mmaction.engine.hooks import feature_length_hook
from hesp_mmaction.engine.hooks.feature_length_hook import FeatureLengthHook, expected_length
from hesp_mmaction.models.heads import ARPLHead, CoOpHead, HESPHead


def head(kind, **settings):
    made = kind.__new__(kind)
    nn.Module.__init__(made)
    made.__dict__.update(settings)
    return made


def model(cls_head, negatives=True):
    made = nn.Module()
    made.neck, made.cls_head, made.negatives = nn.Flatten(), cls_head, negatives or None
    return made


def hesp(kind='euclidean', scale=1.0, length=0):
    return head(HESPHead, negative_kind=kind, negative_scale=scale,
                feature_length=torch.tensor(float(length)))


@pytest.mark.parametrize('made, length', [
    (model(hesp(length=10)), None), (model(hesp()), 10), (model(hesp(scale=0.06)), 10 / 0.06),
    (model(hesp('arpl', 0.004)), 10 / 0.004 ** 0.5), (model(hesp(), negatives=False), None),
    (model(head(ARPLHead)), 10), (model(head(CoOpHead)), None)])
def test_the_length_that_settings_were_made_for(made, length):
    assert expected_length(made) == (length and pytest.approx(length))


@pytest.mark.parametrize('cls_head, length, warned', [
    (hesp(), 10, ''), (hesp(), 25, ''), (hesp(scale=0.06), 158, ''), (head(CoOpHead), 158, ''),
    (hesp(), 158, 'features are 158 long and the settings of HESPHead were made for 10: '
     'set model.cls_head.feature_length=10'),
    (hesp(), 1, 'set model.cls_head.feature_length=10'),
    (hesp('arpl'), 158, 'set model.cls_head.feature_length=10'), (hesp(length=10), 158, ''),
    (head(ARPLHead), 158, 'optim_wrapper.optimizer.lr')])
def test_another_length_is_warned_of_once(monkeypatch, cls_head, length, warned):
    said, hook, made = [], FeatureLengthHook(), model(cls_head)
    monkeypatch.setattr(feature_length_hook, 'print_log',
                        lambda text, logger, level=20: said.append((level, text)))
    runner = SimpleNamespace(model=made)
    hook.before_train(runner)
    for _ in range(2):  # two steps
        made.neck(torch.tensor([[0.5 * length, 0.0], [0.0, 1.5 * length]]))
        hook.after_train_iter(runner, 0)
    assert said[0] == (20, f'mean length of the video features of the first batch: {length}')
    assert len(said) == 1 + bool(warned)
    if warned:
        assert said[1][0] == 30 and warned in said[1][1]
