import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation import openset_metric
from hesp_mmaction.evaluation.closed_set import closed_set_metrics
from hesp_mmaction.evaluation.openset_metric import OpenSetMetric


def test_uar_is_the_mean_recall_and_war_the_accuracy():
    rng = np.random.default_rng(0)
    label, pred = rng.choice(4, 300, p=[.6, .2, .15, .05]), rng.integers(0, 4, 300)
    found = closed_set_metrics(dict(label=label, pred=pred))
    assert found['UAR'] == pytest.approx(100 * balanced_accuracy_score(label, pred))
    assert found['WAR'] == found['ACC'] == pytest.approx(100 * (label == pred).mean())
    assert found['UAR'] != pytest.approx(found['WAR']) and found['num_known'] == 300


def sample(i, label, pred):
    return dict(sample_id=f'{i}', emotion='anger', gt_label=label, pred_label=pred,
                pred_knownness=.5)


def evaluate(closed_set):
    metric = OpenSetMetric()
    metric.dataset_meta = dict(classes=('anger', 'fear'), closed_set=closed_set)
    metric.process(None, [sample(0, 0, 0), sample(1, 0, 0), sample(2, 0, 1), sample(3, 1, 1)])
    return metric.evaluate(4)


def test_the_metric_of_a_closed_set_has_no_auroc_and_says_so(monkeypatch):
    logged = []
    monkeypatch.setattr(openset_metric, 'print_log', lambda text, *_: logged.append(text))
    found = evaluate(closed_set=True)
    assert set(found) == {'ACC', 'WAR', 'UAR', 'num_known'}
    assert found['WAR'] == 75 and found['UAR'] == pytest.approx(100 * 5 / 6)
    assert len(logged) == 1 and 'no AUROC and no OSCR' in logged[0]
    with pytest.raises(InputError, match='no unknown sample'):  # not asked for: a mistake
        evaluate(closed_set=False)
