"""A file of features: what is read of it, what samples it gives, and what is wrong with others."""
import os
import zipfile

import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS

from hesp_mmaction.datasets import FeatureDataset
from hesp_mmaction.datasets.feature_file import read_features
from hesp_mmaction.errors import InputError

EMOTIONS = ['happy', 'Angry', 'fear', 'Happily Surprised', 'anger', 'happiness']
CANONICAL = ['happiness', 'anger', 'fear', 'happiness_surprise', 'anger', 'happiness']
PACK = dict(type='mmaction.PackActionInputs', meta_keys=('img_shape', 'sample_id', 'emotion'))


def arrays(shape=(6, 3, 4), dtype=np.float64):
    """The arrays of a fine file; of the test part the features are other ones."""
    rng = np.random.default_rng(0)
    found = {}
    for part in ('train', 'test'):
        found[f'{part}_features'] = rng.normal(size=shape).astype(dtype)
        found[f'{part}_emotion'] = np.array(EMOTIONS)
    return found


@pytest.fixture
def file(tmp_path):
    """A function that writes a file, with some of its arrays changed or (None) left out."""
    def write(changes=(), **more):
        held = arrays(**more) | dict(changes)
        np.savez(tmp_path / 'f.npz', **{k: v for k, v in held.items() if v is not None})
        return str(tmp_path / 'f.npz')
    return write


def dataset(path, part='train', known=('anger', 'happiness'), pipeline=(PACK,), **more):
    return FeatureDataset(path, known, part, list(pipeline), **more)


@pytest.mark.parametrize('dtype', [np.float16, np.float32, np.float64])
@pytest.mark.parametrize('shape', [(6, 3, 4), (6, 4)])
def test_a_file_is_read_as_it_was_written(file, shape, dtype):
    rows = read_features(file(shape=shape, dtype=dtype))
    for part, (features, emotions, ids) in rows.items():
        written = arrays(shape, dtype)[f'{part}_features'].astype(np.float32)
        np.testing.assert_array_equal(features, written.reshape(6, -1, 4))
        assert features.dtype == np.float32 and features.shape[1] == (3 if len(shape) == 3 else 1)
        assert list(emotions) == CANONICAL
        assert ids[5] == f'{part}/000005' and sorted(ids) == list(ids)


@pytest.mark.parametrize('ids, said', [
    (np.array([f'é{n}' for n in range(6)]), 'é3'),
    (np.array([f'b{n}'.encode() for n in range(6)]), 'b3'), (np.arange(6) + 10, '13')])
def test_ids_may_be_texts_or_numbers(file, ids, said):
    found = read_features(file({'train_id': ids, 'test_emotion': np.array(EMOTIONS, dtype='S')}))
    assert found['train'].ids[3] == said
    assert found['test'].ids[3] == 'test/000003' and found['test'].emotions[1] == 'anger'


def test_training_has_the_known_emotions_and_a_test_has_all(file):
    """In the order of ids, whatever that of rows is; label k is the k-th known emotion."""
    path = file({'train_id': np.array(list('fedcba'))})
    written = arrays()['train_features'].astype(np.float32)
    data = dataset(path)
    assert data.metainfo['all_classes'] == ('anger', 'fear', 'happiness', 'happiness_surprise')
    rows = [5, 4, 1, 0]  # a, b, e, f
    assert len(data) == 4
    for index, row in enumerate(rows):
        sample = data[index]
        np.testing.assert_array_equal(sample['inputs'].numpy(), written[row])
        told = sample['data_samples']
        assert told.sample_id == 'fedcba'[row] and told.emotion == CANONICAL[row]
        assert int(told.gt_label) == ('anger', 'happiness').index(CANONICAL[row])
    test = dataset(path, 'test')
    assert [int(test[i]['data_samples'].gt_label) for i in range(6)] == [1, 0, -1, -1, 0, 1]
    np.testing.assert_array_equal(test[2]['inputs'].numpy(),
                                  arrays()['test_features'][2].astype(np.float32))


def test_a_sample_is_the_same_in_every_epoch_and_cannot_be_spoilt(file):
    data = dataset(file())
    first = data[0]
    want = first['inputs'].clone()
    first['inputs'].zero_()
    first['data_samples'].set_gt_label(7)
    data.set_epoch(3)
    for again in (data[0], data.copy_of(0, (1,))):
        assert torch.equal(again['inputs'], want) and int(again['data_samples'].gt_label) == 1


def test_only_the_last_step_of_a_pipeline_is_used(file):
    """The others would fail: there is no video."""
    steps = [dict(type='mmaction.ClipInit'), dict(type='mmaction.ClipDecode'), PACK]
    assert dataset(file(), pipeline=steps)[0]['inputs'].shape == (3, 4)


def test_a_wrapper_around_it_repeats_rows(file):
    inner = dict(type='mmaction.FeatureDataset', features=file(), known=['anger', 'fear'],
                 part='train', pipeline=[PACK])
    repeated = DATASETS.build(dict(type='mmaction.RepeatDataset', times=2, dataset=inner))
    assert len(repeated) == 6
    assert torch.equal(repeated[0]['inputs'], repeated[3]['inputs'])


def test_a_file_that_changed_is_read_again(file):
    path = file()
    before = read_features(path)['train'].features
    assert read_features(path)['train'].features is before  # once in a process
    file({'train_features': np.ones((6, 3, 4))})
    os.utime(path, ns=(1, 1))
    assert (read_features(path)['train'].features == 1).all()


def with_value(value, row=2, dtype=np.float64):
    features = np.ones((6, 3, 4), dtype)
    features[row, 1, 1] = value
    return features


@pytest.mark.parametrize('changes, said', [
    ({'test_emotion': None}, 'it lacks test_emotion; its keys are train_features, '),
    ({'train_ids': np.arange(6)}, 'keys that mean nothing, train_ids; .* train_id, test_id'),
    ({'train_features': np.ones((6, 3, 4), int)}, r'train_features must be floats .* not int64'),
    ({'train_features': np.ones((6, 3, 2, 2))}, r'\(N, D\), not float64 of shape \(6, 3, 2, 2\)'),
    ({'test_features': np.ones((6, 0, 4))}, r'test_features must be floats .* \(6, 0, 4\)'),
    ({'test_features': np.ones((6, 5, 4))}, 'training rows have 3 frames of 4 values and the test '
                                            'rows 5 of 4'),
    ({'train_emotion': np.array(EMOTIONS[:5])}, 'train_emotion must be 6 names, .* shape .5,.'),
    ({'train_emotion': np.arange(6)}, 'train_emotion must be 6 names, .* not int64'),
    ({'test_id': np.arange(7)}, 'test_id must be 6 texts or integers, .* shape .7,.'),
    ({'test_id': np.arange(6.0)}, 'test_id must be 6 texts or integers, .* not float64'),
    ({'train_id': np.array(list('abcabd'))},
     'train_id has 2 ids that stand for several rows: a, b'),
    ({'train_id': np.arange(6), 'test_id': np.arange(6) + 4},
     '2 ids are both in train_id and test_id: 4, 5'),
    ({'train_emotion': np.array(['joy', 'bored', 'fear', 'sad', 'bored', 'sad'])},
     r'train_emotion of 2 rows is no emotion: train/000001 \(bored\), train/000004'),
    ({'test_features': with_value(np.nan)}, '1 rows of test_features hold NaN.*: test/000002;'),
    ({'test_features': with_value(-np.inf, 4)}, '1 rows of test_features .*: test/000004;'),
    ({'test_features': with_value(1e300, 5)}, 'too large values: test/000005;')])
def test_what_is_wrong_with_a_file_is_said(file, changes, said):
    path = file(changes)
    with pytest.raises(InputError, match=said) as caught:
        read_features(path)
    assert path in str(caught.value)


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), 'w')


def test_nothing_in_a_file_is_executed(file, tmp_path):
    path = file({'train_emotion': np.array([Bomb(tmp_path / 'done')] * 6, dtype=object)})
    with pytest.raises(InputError, match='train_emotion cannot be read .*dtype=str'):
        read_features(path)
    assert not (tmp_path / 'done').exists()


def test_what_is_no_such_file_is_said(file, tmp_path):
    with pytest.raises(FileNotFoundError, match='no file .*nowhere.npz; docs/features.md'):
        read_features('nowhere.npz')
    (tmp_path / 'text.npz').write_text('hello')
    with pytest.raises(InputError, match='text.npz is no .npz file'):
        read_features(str(tmp_path / 'text.npz'))
    whole = file({'train_emotion': np.array(EMOTIONS * 1)})
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(tmp_path / 'cut.npz', 'w') as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content[:len(content) // 2 if 'features' in name else None])
    with pytest.raises(InputError, match='train_features cannot be read|test_features cannot be'):
        read_features(str(tmp_path / 'cut.npz'))


@pytest.mark.parametrize('known, changes, said', [
    (['anger', 'sadness'], {}, "known class 'sadness' is not in the data set; its classes are: "),
    (['anger', 'fear', 'happiness', 'happiness_surprise'], {}, 'every class of the data set is in'),
    (['anger', 'fear'], {'test_emotion': np.array(['anger', 'fear'] * 3)},
     "part 'test' in .*f.npz has no clips of any unknown class"),
    (['anger', 'fear'], {'test_emotion': np.array(['anger', 'happy'] * 3)},
     "part 'test' in .*f.npz has no clips of fear")])
def test_emotions_without_rows_are_said(file, known, changes, said):
    path = file(changes)
    with pytest.raises(InputError, match=said):
        len(dataset(path, 'test', known))


def test_a_part_without_a_known_emotion_is_said(file):
    path = file({'train_emotion': np.array(['anger', 'happy'] * 3)})
    with pytest.raises(InputError, match="part 'train' in .* has no clips of fear"):
        len(dataset(path, 'train', ['anger', 'fear']))


def test_a_closed_set_has_no_unknown(file):
    known = ['anger', 'fear', 'happiness', 'happiness_surprise']
    assert len(dataset(file(), 'test', known, closed_set=True)) == 6


def test_arguments_of_clips_are_not_taken(file):
    with pytest.raises(InputError, match='FeatureDataset does not take cache'):
        dataset(file(), cache='store')
