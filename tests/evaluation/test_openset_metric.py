import os

import numpy as np
import pytest
import torch
from mmaction.registry import METRICS
from mmaction.structures import ActionDataSample
from mmengine.evaluator import Evaluator

from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation import (
    OpenSetMetric,
    aupr,
    auroc,
    calibration_error,
    ccr_at_fpr,
    detection_accuracy,
    fpr_at_tpr,
    load_dump,
    metrics_from_dump,
    open_set_f1,
    oscr,
    uar,
)
from hesp_mmaction.evaluation.dumps import dump_of_rows, dump_row
from hesp_mmaction.evaluation.openset_metric import intervals_from_dump

CLASSES = ('anger', 'fear', 'sadness')
NAMES = CLASSES + ('surprise', 'neutral')
THRESHOLD = 0.75


def sample(i):
    """The i-th of a reproducible test set; scores are coarse, so there are ties."""
    rng = np.random.default_rng(i)
    emotion = NAMES[i % 5]
    label = CLASSES.index(emotion) if emotion in CLASSES else -1
    logits = torch.from_numpy(rng.normal(size=3)).float()
    if label >= 0:
        logits[label] += 1
    data = ActionDataSample(metainfo=dict(sample_id=f'Val/{i:03d}.avi', emotion=emotion))
    data.set_gt_label(label).set_pred_label(int(logits.argmax()))
    data.set_field(torch.round(logits.max() * 4) / 4, 'pred_knownness')
    data.set_field(logits, 'logits_fused')
    data.set_field(logits.bfloat16(), 'logits_known')
    data.set_field(torch.full((4,), float(i)), 'pred_feature')
    data.set_field(logits.softmax(0), 'pred_score')
    data.set_field(torch.tensor([THRESHOLD], dtype=torch.float64), 'threshold')
    known = data.pred_knownness.double() >= THRESHOLD
    data.set_field(CLASSES[int(data.pred_label)] if known else 'unknown', 'pred_emotion', dtype=str)
    return data


def evaluate(ids, size, **kwargs):
    evaluator = Evaluator(METRICS.build(dict(type='OpenSetMetric', **kwargs)))
    evaluator.dataset_meta = dict(classes=CLASSES)
    for i in ids:
        evaluator.process([sample(i)])
    return evaluator.evaluate(size)


def test_figures_in_percent():
    result = evaluate(range(23), 23)
    data = [sample(i) for i in range(23)]
    known = [s for s in data if s.gt_label >= 0]
    scores = [float(s.pred_knownness) for s in known]
    unknown = [float(s.pred_knownness) for s in data if s.gt_label < 0]
    correct = [bool(s.gt_label == s.pred_label) for s in known]
    label, pred = ([int(getattr(s, key)) for s in data] for key in ('gt_label', 'pred_label'))
    confidence = [float(s.pred_score.max()) for s in known]
    expected = dict(
        AUROC=auroc(scores, unknown), OSCR=oscr(scores, correct, unknown),
        ACC=sum(correct) / len(correct), UAR=uar(*zip(*(
            (a, b) for a, b in zip(label, pred, strict=True) if a >= 0), strict=True)),
        AUPR_known=aupr(scores, unknown), AUPR_unknown=aupr(scores, unknown, 'unknown'),
        FPR95_known=fpr_at_tpr(scores, unknown),
        FPR95_unknown=fpr_at_tpr(scores, unknown, positive='unknown'),
        CCR10=ccr_at_fpr(scores, correct, unknown, 0.1), DTACC=detection_accuracy(scores, unknown),
        ECE=calibration_error(confidence, correct),
        open_F1=open_set_f1(label, pred, [float(s.pred_knownness) for s in data], THRESHOLD))
    expected = {key: 100 * value for key, value in expected.items()}
    assert result == dict(expected, num_known=15, num_unknown=8, openness=1 - (3 / 5) ** 0.5)
    assert 0 < result['OSCR'] < result['ACC'] < 100 and 0 < result['open_F1'] < 100
    assert len({result[key] for key in ('AUPR_known', 'AUPR_unknown', 'FPR95_known',
                                        'FPR95_unknown', 'CCR10', 'DTACC')}) == 6


def test_padding_counts_once_and_order_does_not_matter():
    expected = evaluate(range(23), 23)
    assert evaluate([*reversed(range(23)), 0, 1, 1], 23) == expected


def test_missing_or_colliding_samples_are_noticed():
    with pytest.raises(ValueError, match='23 samples but 22 different'):
        evaluate(range(22), 23)


def test_dump_round_trip(tmp_path):
    path = tmp_path / 'work_dir' / 'test.npz'
    result = evaluate(range(23), 23, dump=str(path))
    assert os.listdir(path.parent) == ['test.npz']
    dump = load_dump(path)
    assert metrics_from_dump(dump) == result
    assert set(dump) == {'sample_id', 'label', 'emotion', 'score', 'pred', 'classes', 'feature',
                         'logits_fused', 'logits_known', 'probabilities', 'threshold',
                         'pred_emotion'}
    assert dump['threshold'] == THRESHOLD and dump['probabilities'].shape == (23, 3)
    said = [CLASSES[p] if s >= THRESHOLD else 'unknown'
            for p, s in zip(dump['pred'], dump['score'], strict=True)]
    assert dump['pred_emotion'].tolist() == said and {*said} == {*CLASSES, 'unknown'}
    for threshold in (None, np.nan):  # without one, no figure depends on it
        dump['threshold'] = np.array(threshold, dtype=float)
        assert metrics_from_dump(dump) == {k: v for k, v in result.items() if k != 'open_F1'}
    assert dump['sample_id'].tolist() == [f'Val/{i:03d}.avi' for i in range(23)]
    assert dump['classes'].tolist() == list(CLASSES)
    assert dump['feature'].shape == (23, 4) and dump['feature'][7, 0] == 7
    assert np.array_equal(dump['logits_fused'][5], sample(5).logits_fused.numpy())
    assert np.array_equal(dump['pred'], dump['logits_fused'].argmax(1))
    assert all(array.dtype.kind in 'Uif' for array in dump.values())


def test_without_known_or_unknown_samples():
    for keep, what in ((lambda i: i % 5 < 3, 'unknown'), (lambda i: i % 5 >= 3, 'known')):
        ids = [i for i in range(20) if keep(i)]
        with pytest.raises(ValueError, match=f'no {what} sample'):
            evaluate(ids, len(ids))


@pytest.mark.parametrize('closed_set', [False, True])
@pytest.mark.parametrize('field, value', [
    ('pred_knownness', float('nan')), ('pred_knownness', float('-inf')),
    ('pred_score', torch.tensor([float('nan'), 0.5, 0.5]))])
def test_clips_that_are_not_finite_are_named_and_kept(tmp_path, closed_set, field, value):
    path = tmp_path / 'predictions.npz'
    metric = OpenSetMetric(dump=str(path))
    metric.dataset_meta = dict(classes=CLASSES, closed_set=closed_set)
    rows = [sample(i).to_dict() for i in range(10)]
    for row in rows[1:8]:
        row[field] = value
    metric.process(None, rows)
    said = r'NaN or infinite for 7 of 10 clips \(Val/001.avi, Val/002.avi, .* and 2 more\)'
    with pytest.raises(InputError, match=said):
        metric.evaluate(10)
    dump = load_dump(path)
    assert dump['sample_id'].tolist() == [f'Val/{i:03d}.avi' for i in range(10)]
    kept = dump['score'] if field == 'pred_knownness' else dump['probabilities'].sum(1)
    assert np.isfinite(kept).tolist() == [True] + 7 * [False] + 2 * [True]


def test_the_last_dump_is_what_the_file_holds(tmp_path):
    metric = OpenSetMetric()
    metric.dataset_meta = dict(classes=CLASSES)
    metric.dump_into(tmp_path)
    assert metric.last_dump is None
    metric.process(None, [sample(i).to_dict() for i in range(10)])
    figures = metric.evaluate(10)
    held = load_dump(tmp_path / 'predictions.npz')
    assert set(held) == set(metric.last_dump) and metrics_from_dump(metric.last_dump) == figures
    for key, value in held.items():
        assert value.dtype == metric.last_dump[key].dtype
        np.testing.assert_array_equal(value, metric.last_dump[key])


def test_a_named_file_comes_before_the_work_dir(tmp_path):
    metric = OpenSetMetric(dump=str(tmp_path / 'mine.npz'))
    metric.dump_into(tmp_path / 'work_dir')
    assert metric.dump == str(tmp_path / 'mine.npz')


def test_another_score_that_is_not_finite_costs_its_own_figures_alone(tmp_path):
    evaluate(range(23), 23, dump=str(tmp_path / 'dump.npz'))
    dump = load_dump(tmp_path / 'dump.npz')
    figures = metrics_from_dump(dump)
    dump['score_other'], dump['score_spoilt'] = dump['score'] + 1, dump['score'].copy()
    dump['score_spoilt'][4] = np.nan
    found = metrics_from_dump(dump)
    assert {k: found.pop(f'{k}_other') for k in ('AUROC', 'OSCR')} == {
        k: figures[k] for k in ('AUROC', 'OSCR')}
    assert found == figures


@pytest.mark.parametrize('known, unknown', [(5, 1), (1, 5), (1, 1)])
def test_figures_of_a_single_clip_have_no_interval(known, unknown):
    ids = [i for i in range(50) if i % 5 < 3][:known]
    ids += [i for i in range(50) if i % 5 > 2][:unknown]
    metric = OpenSetMetric()
    metric.dataset_meta = dict(classes=CLASSES)
    rows = [dump_row(sample(i).to_dict()) for i in ids]
    assert metric.compute_metrics(rows)['num_unknown'] == unknown
    assert intervals_from_dump(dump_of_rows(rows, CLASSES)) == dict(AUROC=None, OSCR=None)


def test_missing_fields_are_named():
    row = sample(0).to_dict()
    del row['pred_knownness'], row['sample_id']
    with pytest.raises(KeyError, match='sample_id, pred_knownness.*PackActionInputs'):
        OpenSetMetric().process(None, [row])


def _worker(rank, world, folder, ids):
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{folder}/rendezvous', rank=rank, world_size=world)
    result = evaluate(ids[rank], 23, dump=f'{folder}/dump.npz')
    torch.save(result, f'{folder}/{rank}.pt')
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize('ids', [
    [[*range(0, 23, 2)], [*range(1, 23, 2), 0]],  # as DefaultSampler pads an odd set
    [[*range(20)], [20, 21, 22]],  # uneven shards
    [[*range(rank, 23, 4)] for rank in range(4)],
])
def test_several_processes_equal_one(tmp_path, ids, in_processes):
    in_processes(_worker, (len(ids), str(tmp_path), ids), len(ids))
    single = evaluate(range(23), 23, dump=str(tmp_path / 'single.npz'))
    for rank in range(len(ids)):
        assert torch.load(tmp_path / f'{rank}.pt', weights_only=False) == single
    one, two = load_dump(tmp_path / 'single.npz'), load_dump(tmp_path / 'dump.npz')
    assert one.keys() == two.keys() and all(np.array_equal(one[key], two[key]) for key in one)
