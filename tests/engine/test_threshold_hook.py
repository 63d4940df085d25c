"""A threshold that cannot be fitted costs no checkpoint."""
import logging
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from hesp_mmaction.engine.hooks import ThresholdHook, threshold_hook
from hesp_mmaction.evaluation import load_dump


class Sample(dict):
    def to_dict(self):
        return self


class Model(nn.Module):
    """Says what it is given; two batches of two samples."""

    def __init__(self, scores):
        super().__init__()
        self.scores = iter(scores)
        self.cls_head = SimpleNamespace(known=('anger', 'fear'), threshold=torch.zeros(()),
                                        temperature=torch.zeros(()),
                                        fit_scores=lambda dump: {})

    def test_step(self, batch):
        return [Sample(sample_id=name, emotion='anger', gt_label=0, pred_label=0,
                       pred_knownness=next(self.scores), logits=torch.tensor([2.0, 1.0]),
                       pred_emotion='anger') for name in batch]


@pytest.mark.parametrize('bad, expected', [(None, 1.0), (float('nan'), None),
                                           (float('inf'), None)])
def test_scores_that_are_not_finite_fit_nothing(tmp_path, monkeypatch, bad, expected):
    said = []
    monkeypatch.setattr(threshold_hook, 'plain_training_loader', lambda cfg: [['a', 'b'], ['c']])
    monkeypatch.setattr(threshold_hook, 'print_log', lambda *args: said.append(args))
    model = Model([1.0, 3.0, 2.0 if bad is None else bad])
    ThresholdHook(tpr=1.0)._fit(SimpleNamespace(cfg=None, work_dir=str(tmp_path)), model)
    threshold = float(model.cls_head.threshold)
    assert threshold == expected if expected else np.isnan(threshold)
    assert float(model.cls_head.temperature) == 1.0 or expected
    assert load_dump(tmp_path / 'train_features.npz')['score'].tolist()[:2] == [1.0, 3.0]
    if expected is None:
        (text, _, level), = said
        assert level == logging.WARNING and '1 of 3 known training samples' in text
