"""Discovery as a task: from labelled halves to tables, on a small file of made-up features."""
import json
import re

import numpy as np
import pytest
from mmengine.config import Config
from test_tools import ROOT, tool

from hesp_mmaction.apis.discovery import discover, discovery_report
from hesp_mmaction.apis.discovery_features import space
from hesp_mmaction.apis.protocol import split_config
from hesp_mmaction.datasets.labelled_half import labelled_half
from hesp_mmaction.evaluation import load_dump

NAMES = ['anger', 'disgust', 'fear', 'happiness', 'neutral', 'sadness', 'surprise']
PROBE = str(ROOT / 'configs/linear_probe_afew_o34.py')


def made_up(width=16, each=8, seed=0):
    """Features of seven clouds, half of the first three labelled, as `write_features` returns."""
    rng = np.random.default_rng(seed)
    emotion = np.array(NAMES * each)
    centres = dict(zip(NAMES, 3 * np.eye(7, width) + 1, strict=True))
    feature = np.stack([centres[name] for name in emotion])
    feature = feature + 0.1 * rng.normal(size=feature.shape)
    test = np.arange(7 * each) >= 7 * each // 2
    labelled = ~test & np.isin(emotion, NAMES[:3]) & (np.arange(7 * each) % 2 == 0)
    return dict(emotion=emotion, feature=feature, test=test, labelled=labelled,
                classes=np.array(NAMES[:3]))


def test_vectors_are_directions_seen_from_the_labelled_clips():
    found = made_up()
    unit = [row / np.sqrt((row ** 2).sum()) for row in found['feature']]
    mean = np.mean([row for row, chosen in zip(unit, found['labelled'], strict=True) if chosen], 0)
    for vector, row in zip(space(found), unit, strict=True):
        np.testing.assert_allclose(vector, (row - mean) / np.sqrt(((row - mean) ** 2).sum()))
    longer = dict(found, feature=found['feature'] * np.arange(1, 57)[:, None])
    np.testing.assert_allclose(space(longer), space(found))


def test_logits_stand_beside_features_with_equal_weight():
    found = made_up()
    both = space(dict(found, logits=np.random.default_rng(0).normal(size=(56, 3))))
    np.testing.assert_allclose(both[:, :16], space(found) / np.sqrt(2))
    np.testing.assert_allclose((both[:, 16:] ** 2).sum(1), 0.5)


@pytest.mark.ci
def test_every_method_is_measured_both_ways_and_clear_groups_are_found():
    found = made_up()
    result = discover(found, np.random.default_rng(0).normal(size=(56, 4)))
    assert result['told'] == 7 and set(result['figures']) == {
        'kmeans', 'semi_kmeans', 'simgcd', 'text_simgcd'}
    for method in ('kmeans', 'semi_kmeans'):
        for part in ('transductive', 'inductive'):
            assert result['figures'][method]['told'][part]['All'] == pytest.approx(100)
    assert 'text_simgcd' not in discover(found)['figures']


@pytest.mark.ci
def test_the_labels_of_unlabelled_and_test_clips_change_no_group():
    found, rng = made_up(), np.random.default_rng(1)
    hidden = ~found['labelled']
    mixed = found['emotion'].copy()
    for part in (found['test'], hidden & ~found['test']):
        mixed[part] = rng.permutation(mixed[part])
    before, after = discover(found), discover(dict(found, emotion=mixed))
    assert before['estimated'] == after['estimated']
    # The groups are the same clouds, and the mixed names do not fit them.
    for part in ('transductive', 'inductive'):
        assert before['figures']['semi_kmeans']['told'][part]['All'] == pytest.approx(100)
        assert after['figures']['semi_kmeans']['told'][part]['All'] < 100


def test_a_task_of_discovery_puts_the_half_of_its_split_on_the_data():
    for split in (0, 3):
        cfg = split_config(PROBE, split, openness='3:4', task='discovery_afew')
        assert cfg.train_dataloader.dataset.labelled_half == split
    cfg = split_config(PROBE, 0, openness='3:4', task='afew')
    assert cfg.train_dataloader.dataset.get('labelled_half') is None


def test_the_report_has_mean_and_standard_error_and_says_what_was_seen():
    values = [dict(zip(('All', 'Old', 'New', 'NMI', 'ARI'), row, strict=True)) for row in (
        [10.0, 20, 30, 40, 50], [20.0, 20, None, 44, 56])]
    runs = [dict(protocol='3:4', discovery=dict(told=7, estimated=k, figures=dict(kmeans={
        how: dict(transductive=value, inductive=value) for how in ('told', 'estimated')})))
        for value, k in zip(values, (4, 5), strict=True)]
    text = discovery_report(dict(probe=runs), 'discovery_afew', 'data X')
    assert '15.0 +- 5.0' in text and '53.0 +- 3.0' in text and '| 4 5 ' in text
    assert re.search(r'20\.0 \+- 0\.0 \| +\| 42\.0', text)  # not every split has a figure of New
    assert text.count('(transductive)') == 2 and text.count('(inductive)') == 2


@pytest.mark.ci
def test_the_tool_goes_from_features_to_tables(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {}
    for part in ('train', 'test'):
        arrays[f'{part}_emotion'] = np.array(NAMES * 6)
        centres = dict(zip(NAMES, 3 * np.eye(7, 128) + 1, strict=True))
        arrays[f'{part}_features'] = np.stack([[centres[name]] * 2 for name in
                                               arrays[f'{part}_emotion']]) + 0.1 * rng.normal(
                                                   size=(42, 2, 128))
    np.savez(tmp_path / 'f.npz', **arrays)
    words = ['tools/run_protocol.py', 'configs/clip_zeroshot_afew_o34.py', PROBE, '--task',
             'discovery_afew', '--openness', '3:4', '--splits', '1', '--out', tmp_path / 'out',
             '--cfg-options', f'features={tmp_path / "f.npz"}', 'image_size=96',
             'clip.arch=small_face_clip', 'clip.pretrained=embedded', 'train_cfg.max_epochs=1']
    done = tool(*words)
    assert 'transductive' in done.stdout
    place = tmp_path / 'out/linear_probe_afew_o34/o34_split1'
    found = load_dump(place / 'discovery.npz')
    known = list(found['classes'])
    train = ~found['test']
    assert train.sum() == found['test'].sum() == 42 and set(found['emotion']) == set(NAMES)
    is_known = train & np.isin(found['emotion'], known)
    assert set(found['sample_id'][found['labelled']]) == labelled_half(
        found['sample_id'][is_known].tolist(), found['emotion'][is_known].tolist(), 1)
    assert found['logits'].shape == (84, 3)  # of a probe, whose features are CLIP's
    zero = load_dump(tmp_path / 'out/clip_zeroshot_afew_o34/o34_split1/discovery.npz')
    assert 'logits' not in zero
    np.testing.assert_allclose(zero['feature'], found['feature'], rtol=1e-5)
    # The training saw no other clip.
    seen = load_dump(place / 'train_features.npz')['sample_id']
    assert set(seen) == set(found['sample_id'][found['labelled']])
    results = json.loads((tmp_path / 'out/results.json').read_text())['results']
    figures = results['clip_zeroshot_afew_o34'][0]['discovery']['figures']
    assert figures['semi_kmeans']['told']['inductive']['All'] == pytest.approx(100)
    before = (place / 'discovery.json').stat().st_mtime_ns
    tool(*words)
    assert (place / 'discovery.json').stat().st_mtime_ns == before


def test_equal_terms_are_of_other_tasks(tmp_path):
    done = tool('tools/run_protocol.py', PROBE, '--task', 'discovery_afew', '--openness', '3:4',
                '--equal-terms', 'TemporalFilter', '--out', tmp_path / 'out', check=False)
    assert done.returncode == 1 and 'neck=NAME' in done.stderr
    assert Config.fromfile(PROBE).get('labelled_half') is None
