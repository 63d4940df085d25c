"""Runs on stored features equal the runs that compute them."""
import copy
import json
import logging
import os
import shutil

import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS
from mmengine.logging import MMLogger
from test_tools import ROOT, command, config, metrics, run, tool

from hesp_mmaction.apis import feature_building
from hesp_mmaction.apis.running import parser, read_config
from hesp_mmaction.datasets.feature_store import weights_digest
from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation import load_dump

TEXT_ONLY = 'model.visual_prompt'


@pytest.fixture(scope='module')
def text_only(options):
    """--cfg-options of HESP without its visual prompt."""
    return options | {'train_cfg.max_epochs': 3, TEXT_ONLY: None}


@pytest.fixture(scope='module')
def store(options, tmp_path_factory):
    """Features of two views, with a clip that cannot be decoded among the data."""
    folder = tmp_path_factory.mktemp('features') / 'store'
    done = tool('tools/data/build_features.py', 'configs/coop_afew_o34.py', folder, '--views', 2,
                *command(options))
    assert '28 clips; use it with' in done.stdout
    return folder


def test_a_run_on_features_equals_the_run_on_those_views(text_only, store, tmp_path, rounding):
    """Three epochs: the third sees the first view again."""
    found = []
    for name, more in (('views', {'views': 2}), ('features', {'features': str(store)})):
        cfg = config(text_only, tmp_path / name, '--deterministic', **more)
        run(cfg, lambda runner: runner.train())
        found.append((metrics(tmp_path / name), load_dump(tmp_path / name / 'predictions.npz')))
    (theirs, a), (ours, b) = found
    assert set(ours) == set(theirs)
    for key in ('AUROC', 'OSCR', 'ACC'):
        assert ours[key] == theirs[key]
    assert ours['threshold'] == pytest.approx(theirs['threshold'], rel=rounding)
    np.testing.assert_array_equal(a['sample_id'], b['sample_id'])
    np.testing.assert_allclose(a['score'], b['score'], rtol=rounding)
    np.testing.assert_allclose(a['feature'], b['feature'], rtol=rounding, atol=1e-6)


def test_a_run_on_features_saves_ten_times(text_only, store, tmp_path):
    long = text_only | {'train_cfg.max_epochs': 35}
    for more, interval in (({}, 1), (dict(features=str(store)), 3),
                           ({'features': str(store), 'default_hooks.checkpoint.interval': 2}, 2)):
        cfg = config(long, tmp_path, **more)
        assert cfg.default_hooks.checkpoint.interval == interval


def test_a_run_on_features_has_no_workers_unless_asked(text_only, store, tmp_path):
    def workers(**more):
        cfg = config({k: v for k, v in text_only.items() if 'workers' not in k} | more, tmp_path)
        return [(loader.get('num_workers'), loader.get('persistent_workers')) for loader in
                (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader)]

    assert workers() == workers(features=None) == [(None, None)] * 3
    assert workers(features=str(store)) == [(0, False)] * 3
    asked = workers(features=str(store), **{'train_dataloader.num_workers': 1})
    assert asked == [(1, None), (0, False), (0, False)]


def test_zero_shot_clip_is_tested_on_features(options, store, tmp_path, rounding):
    """Its config trains nothing, so it has no epochs to count checkpoints in."""
    found = []
    for name, more in (('clips', {}), ('features', dict(features=str(store)))):
        args = parser('').parse_args([str(ROOT / 'configs/clip_zeroshot_afew_o34.py'),
                                      '--work-dir', str(tmp_path / name)])
        args.cfg_options = {key: value for key, value in options.items() if not key.startswith(
            ('train', 'val', 'optim'))} | more
        cfg = read_config(args)
        run(cfg, lambda runner: runner.test())
        found.append(load_dump(tmp_path / name / 'predictions.npz'))
    np.testing.assert_allclose(found[0]['score'], found[1]['score'], rtol=rounding)


def test_a_sample_that_a_head_changed_comes_whole_again(text_only, store, tmp_path):
    data = DATASETS.build(config(text_only, tmp_path, features=str(store)).train_dataloader.dataset)
    first = data[0]['data_samples']
    label = int(first.gt_label)
    first.set_gt_label(label + 1)
    again = data[0]
    assert int(again['data_samples'].gt_label) == label
    assert again['data_samples'].sample_id == first.sample_id
    data.set_epoch(1)
    assert not torch.equal(data[0]['inputs'], again['inputs'])  # the next view


def test_every_epoch_sees_its_view(options, store):
    index = json.loads((store / 'index.json').read_text())
    rows = np.load(store / 'features.npy')
    assert index['views'] == 2 and rows.shape == (2 * 14 + 28, 8, 12)
    assert {name: len(of) for name, of in index['rows'].items()} == dict(
        view0=14, view1=14, plain=28)
    name = min(index['rows']['view0'])
    views = [rows[index['rows'][role][name]] for role in ('view0', 'view1', 'plain')]
    assert not np.allclose(views[0], views[1]) and not np.allclose(views[0], views[2])


@pytest.mark.parametrize('more, said', [
    ({'model.backbone.quick_gelu': False}, 'made with another backbone'),
    ({'randomness.seed': 5}, 'made with another seed'),
    ({'num_frames': 4}, 'another test_pipeline, train_pipeline'),
    ({TEXT_ONLY: dict(type='VisualPrompt', image_size=32, size=8)}, 'no model.visual_prompt')])
def test_features_of_another_run_are_refused(text_only, store, tmp_path, more, said):
    cfg = config(text_only | more, tmp_path / 'run', features=str(store))
    with pytest.raises(InputError, match=said):
        run(cfg, lambda runner: runner.train())


@pytest.mark.parametrize('name', ['hesp', *(
    pytest.param(name, marks=pytest.mark.slow)
    for name in ('vpt', 'finetune', 'dear', 'arpl_slowonly'))])
def test_only_what_keeps_still_before_the_neck_has_a_store(name, options, tmp_path):
    """A visual prompt, tokens in the tower, a trained tower, maps, MMAction2's own recognizer."""
    few = {k: v for k, v in options.items() if name != 'arpl_slowonly' or not k.startswith('clip')}
    done = tool('tools/data/build_features.py', f'configs/{name}_afew_o34.py', tmp_path / 's',
                *command(few), check=False)
    assert done.returncode == 1 and 'error: features can be kept only of' in done.stderr
    assert not (tmp_path / 's').exists()


def test_a_store_is_made_by_a_config_that_trains(options, tmp_path):
    few = {key: value for key, value in options.items() if key.split('.')[0] in (
        'data_root', 'clip', 'image_size')}
    done = tool('tools/data/build_features.py', 'configs/clip_zeroshot_afew_o34.py', tmp_path / 's',
                *command(few), check=False)
    assert done.returncode == 1 and 'clip_zeroshot_afew_o34.py trains nothing' in done.stderr


def test_what_is_not_there_is_said(text_only, store, tmp_path):
    with pytest.raises(InputError, match='no store in .*nowhere; build it anew'):
        run(config(text_only, tmp_path / 'run', features='nowhere'), lambda runner: runner.train())
    less = tmp_path / 'less'
    shutil.copytree(store, less)
    index = json.loads((less / 'index.json').read_text())
    name = next(name for name in index['rows']['plain'] if name.startswith('Train_AFEW/Fear'))
    del index['rows']['plain'][name]
    (less / 'index.json').write_text(json.dumps(index))
    with pytest.raises(InputError, match=f'1 clips are not in it: {name}'):
        run(config(text_only, tmp_path / 'other', features=str(less)),
            lambda runner: runner.train())


def loader_of(options, store, tmp_path, **more):
    """The training data of a run on a store, listed."""
    cfg = config(options, tmp_path / 'run', features=str(store), **more)
    return DATASETS.build(cfg.train_dataloader.dataset)


def test_a_store_knows_its_clips(text_only, store, tiny_afew, tmp_path):
    """As the faces cut out of a data set have the sample ids of the clips they were cut from."""
    root = tmp_path / 'moved'
    shutil.copytree(tiny_afew, root)  # with the times of the files
    assert len(loader_of(text_only, store, tmp_path, data_root=str(root))) == 6
    names = ['Train_AFEW/Fear/001.avi', 'Train_AFEW/Happy/000.avi']
    (root / names[0]).write_bytes((root / 'Train_AFEW/Sad/000.avi').read_bytes())
    os.utime(root / names[1], ns=(0, 0))  # the same size
    with pytest.raises(InputError, match=f'2 clips are not those .*{", ".join(names)}; build it'):
        loader_of(text_only, store, tmp_path, data_root=str(root))


@pytest.mark.ci
def test_a_store_knows_its_weights(text_only, store, tmp_path):
    """Wherever they are, and whatever is done to the file that was read before."""
    path = tmp_path / 'w.pt'
    shutil.copy(text_only['clip.pretrained'], path)
    few = text_only | {'clip.pretrained': str(path), 'train_cfg.max_epochs': 1}
    run(config(few, tmp_path / 'a', features=str(store)), lambda runner: runner.train())
    weights = torch.load(path, weights_only=True)
    weights['visual.proj'] *= 2
    torch.save(weights, path)
    with pytest.raises(InputError, match='made with another weights than'):
        run(config(few, tmp_path / 'b', features=str(store)), lambda runner: runner.train())
    with pytest.raises(InputError, match='random weights'):
        run(config(few, tmp_path / 'c', features=str(store), **{'clip.pretrained': None}),
            lambda runner: runner.train())
    with pytest.raises(InputError, match='made with another mean, std than'):
        run(config(text_only, tmp_path / 'd', features=str(store),
                   **{'model.mean': [127.5] * 3, 'model.std': [127.5] * 3}),
            lambda runner: runner.train())


def test_a_store_that_does_not_say_what_it_is_of_is_read_with_a_warning(text_only, store, tmp_path):
    old = tmp_path / 'old'
    shutil.copytree(store, old)
    index = json.loads((old / 'index.json').read_text())
    for change in (lambda i: i.pop('sources'), lambda i: i['made'].pop('weights')):
        less = json.loads(json.dumps(index))
        change(less)
        (old / 'index.json').write_text(json.dumps(less))
        with pytest.warns(UserWarning, match='earlier version wrote it.*build it anew'):
            assert len(loader_of(text_only, old, tmp_path)) == 6


def test_other_backbones_are_told_by_their_tensors():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    first = weights_digest(model)
    assert weights_digest(copy.deepcopy(model)) == first
    model[1].running_mean += 1e-3
    assert weights_digest(model) != first


def test_rows_are_written_one_by_one(tmp_path):
    rows = feature_building.Rows(str(tmp_path / 'rows.npy'), 4)
    features = np.random.default_rng(0).normal(size=(3, 8, 5)).astype(np.float32)
    assert [rows.add(str(i), feature) for i, feature in enumerate(features)] == [0, 1, 2]
    assert isinstance(rows.rows, np.memmap)
    with pytest.raises(InputError, match=r'b.avi: features of shape \(4, 5\)'):
        rows.add('b.avi', features[0, :4])
    rows.close()
    found = np.load(tmp_path / 'rows.npy')
    np.testing.assert_array_equal(found[:3], features)
    assert found.shape == (4, 8, 5) and not found[3].any()  # of a clip that was not decoded


@pytest.mark.ci
def test_clips_that_cannot_be_decoded_are_left_out(options, tiny_afew, write_damaged, tmp_path):
    root = tmp_path / 'data'
    shutil.copytree(tiny_afew, root)
    write_damaged(root / 'Train_AFEW/Fear')
    done = tool('tools/data/build_features.py', ROOT / 'configs/coop_afew_o34.py', tmp_path / 's',
                '--views', 1, *command(options | {'data_root': root}))
    index = json.loads((tmp_path / 's/index.json').read_text())
    names = {name.rpartition('/')[2] for name in index['bad']}
    assert {'zero.avi', 'text.avi', 'sound.avi', 'blank.avi', 'luck.avi', 'half.mp4'} <= names
    assert 'zero.avi (empty file' in done.stdout
    assert not names & {'one.avi', 'odd.avi', '000.avi'}
    cfg = config(options | {'data_root': str(root), TEXT_ONLY: None}, tmp_path / 'run',
                 features=str(tmp_path / 's'))
    run(cfg, lambda runner: runner.train())
    assert metrics(tmp_path / 'run')['num_known'] == 6
    shutil.copy(root / 'Train_AFEW/Fear/000.avi', root / 'Train_AFEW/Fear/zero.avi')  # mended
    with pytest.raises(InputError, match='1 clips are not those .*Fear/zero.avi'):
        loader_of(options, tmp_path / 's', tmp_path, data_root=str(root))


def test_a_store_is_made_in_few_lines(text_only, tmp_path, monkeypatch):
    logger = MMLogger.get_instance(f'build {tmp_path}', log_level='INFO')  # with no file, as a tool
    lines = []
    monkeypatch.setattr(logger, 'handle', lambda record: lines.append(record.getMessage()))
    # What comes next is another test's.
    monkeypatch.setattr(feature_building, 'describe', lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        feature_building.build_store(config(text_only, tmp_path), tmp_path / 'store', 1)
    assert not [line for line in lines if 'init_weights' in line]
    assert logger.level == logging.NOTSET  # as before
