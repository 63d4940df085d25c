"""A prediction on its way to data samples and to a dump: names, shapes and values."""
import numpy as np
import pytest
import torch
from mmaction.structures import ActionDataSample

from hesp_mmaction.evaluation.dumps import dump_of_rows, dump_row
from hesp_mmaction.evaluation.prediction import Prediction

KNOWN = ('anger', 'fear', 'happiness')
B, T, D, K = 4, 5, 6, len(KNOWN)
KNOWNNESS = np.array([0.5, 0.25, 0.75, 0.0])
LABEL = np.array([2, 0, 1, 1])
# Shapes of the fields of a data sample.
SHAPES = dict(pred_score=(K,), pred_label=(1,), pred_knownness=(1,), pred_feature=(D,),
              threshold=(1,), logits=(K,), logits_context=(1,), score_other=(1,))
TEXTS = dict(class_text=(K, D), frame_cosine=(T, K))


@pytest.fixture
def values():
    """Field of a data sample to float32 numbers of all B clips."""
    rng = np.random.default_rng(0)
    found = {name: rng.normal(size=(B, *shape)).astype('float32')
             for name, shape in (SHAPES | TEXTS).items()}
    found.update(pred_knownness=KNOWNNESS[:, None], pred_label=LABEL[:, None],
                 threshold=np.full((B, 1), 0.5))
    found['class_text'] = np.repeat(found['class_text'][:1], B, 0)
    return found


def written(values, texts=True):
    """Data samples of a prediction of these values, which have a gradient as in training."""
    tensors = {name: torch.tensor(value) for name, value in values.items()}
    tensors = {name: value.requires_grad_() if value.is_floating_point() else value
               for name, value in tensors.items()}
    prediction = Prediction(
        **{name: tensors[name] for name in ('pred_score', 'pred_label', 'pred_knownness',
                                            'pred_feature', 'threshold')},
        logits={name: tensors[name] for name in ('logits', 'logits_context')},
        scores=dict(score_other=tensors['score_other']),
        **{name: tensors[name] for name in TEXTS} if texts else {})
    samples = [ActionDataSample(metainfo=dict(sample_id=f'{i}', emotion='fear')).set_gt_label(i % K)
               for i in range(B)]
    prediction.write(samples, KNOWN)
    return samples


def test_samples_hold_a_row_of_every_field(values):
    for i, sample in enumerate(written(values)):
        for name, shape in (SHAPES | TEXTS).items():
            assert sample.get(name).shape == shape and not sample.get(name).requires_grad
            np.testing.assert_array_equal(sample.get(name).numpy(), values[name][i])
        assert set(sample.keys()) == {*SHAPES, *TEXTS, 'gt_label', 'pred_emotion'}


def test_fields_leave_a_gpu_in_one_copy_for_each_type(values, monkeypatch):
    copies, cpu = [], torch.Tensor.cpu
    monkeypatch.setattr(torch.Tensor, 'cpu', lambda x: copies.append(x.dtype) or cpu(x))
    sample = written(values)[0]
    types = {value.dtype for value in map(torch.tensor, values.values())}
    assert len(copies) == len(set(copies)) and set(copies) == types and len(types) == 3
    # A field that is kept does not keep the others in memory.
    assert sample.pred_feature.untyped_storage().nbytes() == 4 * B * D


def test_a_clip_below_the_threshold_is_unknown_and_one_at_it_is_not(values):
    assert [sample.pred_emotion for sample in written(values)] == [
        'happiness', 'unknown', 'fear', 'unknown']
    values['threshold'][:] = np.nan
    assert [sample.pred_emotion for sample in written(values)] == [KNOWN[k] for k in LABEL]


def test_a_dump_has_the_keys_that_readers_of_old_dumps_know(values):
    dump = dump_of_rows([dump_row(sample.to_dict()) for sample in written(values)], KNOWN)
    expected = dict(
        score=KNOWNNESS, pred=LABEL, probabilities=values['pred_score'],
        feature=values['pred_feature'], threshold=0.5, logits=values['logits'],
        logits_context=values['logits_context'], score_other=values['score_other'][:, 0],
        class_text=values['class_text'][0], frame_cosine=values['frame_cosine'],
        sample_id=list('0123'), emotion=['fear'] * B, label=[0, 1, 2, 0], classes=KNOWN,
        pred_emotion=['happiness', 'unknown', 'fear', 'unknown'])
    assert set(dump) == set(expected)
    for key, value in expected.items():
        assert np.shape(dump[key]) == np.shape(value), key
        np.testing.assert_array_equal(dump[key], value)


def test_a_head_without_texts_leaves_their_fields_out(values):
    samples = written(values, texts=False)
    dump = dump_of_rows([dump_row(sample.to_dict()) for sample in samples], KNOWN)
    assert not set(TEXTS) & (set(samples[0].keys()) | set(dump))
