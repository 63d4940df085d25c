"""``features=FILE.npz``: written from clips, and in their place for every command."""
import json
import shutil

import numpy as np
import pytest
import torch
from mmengine.config import Config
from test_tools import FITTED, ROOT, command, metrics, run, tool

from hesp_mmaction.apis import feature_wiring
from hesp_mmaction.apis.running import parser, read_config
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation import load_dump, metrics_from_dump

EMBEDDED = {'image_size': 96, 'clip.arch': 'small_face_clip', 'clip.pretrained': 'embedded'}
NAMES = ['anger', 'disgust', 'fear', 'happiness', 'neutral', 'sadness', 'surprise']


def config(name, options, work_dir, *flags, **more):
    """The config of a run, as tools/train.py makes it."""
    args = parser('').parse_args([str(ROOT / f'configs/{name}_afew_o34.py'), '--work-dir',
                                  str(work_dir), *flags])
    args.cfg_options = options | more
    cfg = read_config(args)
    return cfg


@pytest.fixture(scope='module')
def clips(tiny_afew):
    return EMBEDDED | {'data_root': str(tiny_afew)}


@pytest.fixture(scope='module')
def exported(clips, tmp_path_factory):
    """A file of the features of 28 clips, by the embedded CLIP."""
    path = tmp_path_factory.mktemp('shared') / 'features.npz'
    done = tool('tools/data/export_features.py', 'configs/coop_afew_o34.py', path, *command(clips))
    assert f'14 training and 14 test clips; use it with --cfg-options features={path}' in (
        done.stdout)
    return str(path)


@pytest.fixture(scope='module')
def made_up(tmp_path_factory):
    """A file of 70 rows of 5 frames with one direction per emotion, as wide as the embedded CLIP's.
    """
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp('made') / 'made.npz'
    width = json.loads((ROOT / 'hesp_mmaction/models/clip_zoo/small_face_clip.json').read_text())
    directions = rng.normal(size=(7, width['embed_dim']))
    held = {}
    for part in ('train', 'test'):
        labels = np.repeat(np.arange(7), 5)
        noise = rng.normal(size=(35, 5, directions.shape[1]))
        held[f'{part}_features'] = (10 * directions[labels][:, None] + noise).astype(np.float16)
        held[f'{part}_emotion'] = np.array(NAMES)[labels]
    np.savez(path, **held)
    return str(path)


def test_the_file_holds_what_the_store_holds_and_zero_shot_clip_sees_no_difference(
        clips, exported, tmp_path):
    store = tmp_path / 'store'
    tool('tools/data/build_features.py', 'configs/coop_afew_o34.py', store, '--views', 1,
         *command(clips))
    rows, index = np.load(store / 'features.npy'), json.loads((store / 'index.json').read_text())
    seen = set()
    with np.load(exported) as file:
        for part in ('train', 'test'):
            assert sorted(set(file[f'{part}_emotion'])) == NAMES
            for name, row in zip(file[f'{part}_id'], file[f'{part}_features'], strict=True):
                np.testing.assert_array_equal(row, rows[index['rows']['plain'][str(name)]])
                seen.add(str(name))
    assert seen == set(index['rows']['plain'])
    found = []
    for name, more in (('store', clips | dict(features=str(store))),
                       ('file', EMBEDDED | dict(features=exported))):
        cfg = config('clip_zeroshot', more, tmp_path / name)
        run(cfg, lambda runner: runner.test(), ['test_dataloader'])
        found.append((load_dump(tmp_path / name / 'predictions.npz'), metrics(tmp_path / name)))
    (a, theirs), (b, ours) = found
    assert ours == theirs
    for key in ('sample_id', 'emotion', 'label', 'score', 'logits', 'feature'):
        np.testing.assert_array_equal(a[key], b[key])


@pytest.mark.ci
def test_hesp_trains_on_a_file_and_its_checkpoint_is_tested_on_it(made_up, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(feature_wiring, 'print_log', lambda text, logger: said.append(text))
    feature_wiring._say.cache_clear()
    options = EMBEDDED | {'features': made_up, 'train_cfg.max_epochs': 3}
    cfg = config('hesp', options, tmp_path / 'train', '--split', '1')
    again = config('hesp', options, tmp_path / 'test', '--split', '1')
    assert said == [f'{made_up} holds no pixels: the visual prompt is switched off',
                    f'{made_up} holds no pixels: the negatives are points in the space of features '
                    'instead of images (NegativePoints)']
    run(cfg, lambda runner: runner.train(), ['train_dataloader', 'val_dataloader'])
    again.load_from = str(tmp_path / 'train/epoch_3.pth')
    run(again, lambda runner: runner.test(), ['test_dataloader'])
    weights = torch.load(again.load_from, weights_only=False)['state_dict']
    assert set(weights) == FITTED | {'cls_head.prompts.contexts', 'negatives.points',
                                     'neck.weights'}
    assert weights['neck.weights'].shape == (5,)  # frames of a row
    found, theirs = metrics(tmp_path / 'train'), metrics(tmp_path / 'test')
    assert found.pop('epoch') == 3 and found == theirs
    assert found['known'] == ['anger', 'disgust', 'neutral']  # of the published split
    assert (found['num_known'], found['num_unknown']) == (15, 20)
    dump = load_dump(tmp_path / 'test/predictions.npz')
    assert metrics_from_dump(dump)['OSCR'] == found['OSCR']
    with np.load(made_up) as file:  # the neck by hand, in the order of rows
        mean = np.einsum('ntd,t->nd', file['test_features'].astype(float),
                         weights['neck.weights'].double().numpy())
    np.testing.assert_allclose(dump['feature'], mean, rtol=1e-4, atol=1e-4)
    train = load_dump(tmp_path / 'train/train_features.npz')
    assert train['feature'].shape[0] == 15 and set(train['emotion']) == set(found['known'])


def test_directions_are_learned(made_up, tmp_path):
    """A probe names all known rows right: labels and rows belong together."""
    cfg = config('linear_probe', EMBEDDED, tmp_path, features=made_up)
    run(cfg, lambda runner: runner.train(), ['train_dataloader', 'val_dataloader'])
    assert metrics(tmp_path)['ACC'] == 100


def wired(name, path, **options):
    cfg = Config.fromfile(ROOT / f'configs/{name}_afew_o34.py')
    override(cfg, options | dict(features=path))
    return cfg


def test_a_file_takes_the_place_of_clips_everywhere(made_up):
    cfg = wired('hesp', made_up, **{'train_cfg.max_epochs': 40})
    for name, part in (('train', 'train'), ('val', 'test'), ('test', 'test')):
        loader = cfg[f'{name}_dataloader']
        assert dict(loader.dataset, pipeline=None) == dict(
            type='FeatureDataset', features=made_up, known=cfg.known, part=part, pipeline=None)
        assert (loader.num_workers, loader.persistent_workers) == (0, False)
        sampled, = [step for step in loader.dataset.pipeline if step.type == 'SampleFrames']
        assert sampled.num_clips == 5  # of whoever applies the model to videos
    assert cfg.num_frames == cfg.model.neck.num_frames == 5
    assert cfg.model.visual_prompt is None
    assert dict(cfg.model.negatives) == dict(type='NegativePoints')
    assert cfg.default_hooks.checkpoint.interval == 4


def test_steps_of_pixels_are_taken_out_with_the_pixels(made_up):
    keys = wired('hesp_official', made_up).optim_wrapper.paramwise_cfg.custom_keys
    assert set(keys) == {'cls_head.prompts.contexts', 'visual_prompt.delta'}


def test_other_wrappers_and_several_data_sets(made_up):
    for several in (False, True):
        cfg = Config.fromfile(ROOT / 'configs/coop_afew_o34.py')
        inner = cfg.train_dataloader.dataset
        cfg.train_dataloader.dataset = (
            dict(type='ConcatDataset', datasets=[inner, inner]) if several
            else dict(type='RepeatDataset', times=2, dataset=inner))
        if several:
            with pytest.raises(InputError, match='train_dataloader joins several data sets'):
                override(cfg, dict(features=made_up))
        else:
            override(cfg, dict(features=made_up))
            assert cfg.train_dataloader.dataset.type == 'RepeatDataset'
            assert cfg.train_dataloader.dataset.dataset.type == 'FeatureDataset'


@pytest.mark.parametrize('options, said', [
    ({'data_root': 'd'}, 'data_root would change nothing'),
    ({'lists.train': 'a', 'lists.test': 'b'}, 'lists.test, lists.train would change nothing'),
    ({'num_frames': 4, 'cache': 'c'}, 'cache, num_frames would change nothing')])
def test_what_only_clips_have_is_refused(made_up, options, said):
    with pytest.raises(InputError, match=f'replaces the clips, so {said}'):
        wired('coop', made_up, **options)


def test_a_method_that_is_only_a_visual_prompt_is_refused(made_up):
    with pytest.raises(InputError, match='learns nothing but a visual prompt'):
        wired('vp', made_up)


@pytest.mark.parametrize('name', ['finetune', 'cssr'])
def test_a_method_that_needs_clips_is_refused_before_its_first_step(name, made_up, tmp_path):
    cfg = config(name, EMBEDDED, tmp_path / 'run', features=made_up)
    with pytest.raises(InputError, match='learns before its neck or reads maps'):
        run(cfg, lambda runner: runner.train(), ['train_dataloader', 'val_dataloader'])
    assert not (tmp_path / 'run').exists()


def test_features_of_another_width_are_refused(tiny_options, made_up, tmp_path):
    tiny = {key: tiny_options[key] for key in ('image_size', 'clip.arch', 'clip.pretrained')}
    cfg = config('clip_zeroshot', tiny, tmp_path, features=made_up)
    with pytest.raises(InputError, match=r'have \d+ values and those of .* 12: name the CLIP'):
        run(cfg, lambda runner: runner.test(), ['test_dataloader'])


@pytest.mark.ci
def test_splits_and_a_protocol_run_on_a_file(made_up, tmp_path):
    options = command(EMBEDDED | dict(features=made_up))
    done = tool('tools/run_splits.py', 'configs/clip_zeroshot_afew_o34.py', '--openness', '5:2',
                '--splits', 0, 3, '--out', tmp_path / 'splits', *options)
    assert 'O(5:2) AUROC' in done.stdout
    done = tool('tools/run_protocol.py', 'configs/clip_zeroshot_afew_o34.py', '--task', 'afew',
                '--openness', '5:2', '--splits', 0, '--out', tmp_path / 'task', *options)
    assert f'data {made_up}, CLIP small_face_clip' in done.stdout
    a, b = (metrics(tmp_path / place) for place in (
        'splits/clip_zeroshot_afew_o34/o52_split0', 'task/clip_zeroshot_afew_o34/o52_split0'))
    assert a == b and len(a['known']) == 5


@pytest.mark.parametrize('name, out, options, said', [
    ('coop', 'f.npy', {}, 'f.npy: a file of features ends in .npz'),
    ('clip_zeroshot', 'f.npz', {}, 'names no training clips: export by a config that trains'),
    ('hesp', 'f.npz', EMBEDDED, 'features can be kept only of')])
def test_what_cannot_be_exported_is_said(name, out, options, said, tiny_afew, tmp_path):
    done = tool('tools/data/export_features.py', f'configs/{name}_afew_o34.py', tmp_path / out,
                *command(options | dict(data_root=tiny_afew)), check=False)
    assert done.returncode == 1 and said in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.ci
def test_a_file_may_leave_out_who_is_seen(clips, tmp_path, tiny_afew):
    """And clips that cannot be decoded are not in it."""
    root = tmp_path / 'data'
    shutil.copytree(tiny_afew, root)
    (root / 'Val_AFEW/Fear/zero.avi').write_bytes(b'')
    done = tool('tools/data/export_features.py', 'configs/coop_afew_o34.py', tmp_path / 'f.npz',
                '--no-ids', *command(clips | dict(data_root=root)))
    assert 'left out: Val_AFEW/Fear/zero.avi (empty file' in done.stdout
    with np.load(tmp_path / 'f.npz') as file:
        assert {*file} == {'train_features', 'train_emotion', 'test_features', 'test_emotion'}
        assert file['test_features'].shape[:2] == (14, 8)
