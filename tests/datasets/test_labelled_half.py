"""Which training clips keep their labels in discovery."""
import hashlib

import numpy as np
import pytest
from mmaction.registry import DATASETS

from hesp_mmaction.datasets.labelled_half import labelled_half
from hesp_mmaction.errors import InputError

IDS = [f'clip{i:02d}' for i in range(15)]
EMOTIONS = ['anger'] * 7 + ['fear'] * 8


def test_the_rule_in_words():
    found = labelled_half(IDS, EMOTIONS, 3)
    for emotion, count in (('anger', 4), ('fear', 4)):
        names = [i for i, e in zip(IDS, EMOTIONS, strict=True) if e == emotion]
        order = sorted(names, key=lambda i: hashlib.sha256(f'3 {i}'.encode()).hexdigest())
        assert found & set(names) == set(order[:count])


def test_halves_do_not_depend_on_the_order_or_on_other_emotions_and_differ_between_splits():
    found = labelled_half(IDS, EMOTIONS, 0)
    assert labelled_half(IDS[::-1], EMOTIONS[::-1], 0) == found
    assert labelled_half(IDS[:7], EMOTIONS[:7], 0) == found & set(IDS[:7])
    assert len({frozenset(labelled_half(IDS, EMOTIONS, split)) for split in range(5)}) == 5


def test_a_single_clip_has_no_half():
    with pytest.raises(InputError, match='one training clip of fear cannot be parted'):
        labelled_half(IDS[:3], ['anger', 'anger', 'fear'], 0)


def test_a_training_sees_the_labelled_half_and_a_test_sees_all(tmp_path):
    rng = np.random.default_rng(0)
    emotion = np.array(EMOTIONS + ['sadness'])
    np.savez(tmp_path / 'f.npz', **{f'{part}_{key}': value for part in ('train', 'test')
                                    for key, value in dict(features=rng.normal(size=(16, 2, 3)),
                                                           emotion=emotion).items()})
    pack = [dict(type='mmaction.PackActionInputs', meta_keys=('sample_id', 'emotion'))]

    def ids(part, half):
        dataset = DATASETS.build(dict(
            type='FeatureDataset', features=str(tmp_path / 'f.npz'), known=['anger', 'fear'],
            part=part, pipeline=pack, labelled_half=half))
        return [info['sample_id'] for info in dataset.load_data_list()]
    everything = ids('train', None)
    assert len(everything) == 15 and len(ids('test', 1)) == 16
    assert set(ids('train', 1)) == labelled_half(everything, EMOTIONS, 1)
