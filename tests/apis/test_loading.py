"""Runs make a store of decoded frames by themselves, equal runs without one, and decode no more."""
import json
import shutil
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from hesp_mmaction.apis import frame_building, frame_room, loading
from hesp_mmaction.apis.configs import KeyValue
from hesp_mmaction.apis.loading import (
    default_workers,
    place_transforms,
    prepare_loading,
    use_frame_store,
)
from hesp_mmaction.apis.parallel import JOBS
from hesp_mmaction.apis.protocol import run_split
from hesp_mmaction.apis.running import run
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.datasets import video, video_layout
from hesp_mmaction.datasets.decoding import BrokenClip
from hesp_mmaction.datasets.frame_index import read_index
from hesp_mmaction.errors import InputError

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / 'configs/hesp_afew_o34.py'


def config(options, folder, **more):
    cfg = Config.fromfile(CONFIG)
    override(cfg, options | more, split=0)
    cfg.work_dir = str(folder)
    return cfg


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Where stores are that nobody names (Path)."""
    monkeypatch.setenv('HESP_FRAME_STORE', str(tmp_path / 'stores'))
    return tmp_path / 'stores'


def result(folder):
    with np.load(folder / 'predictions.npz', allow_pickle=False) as file:
        return json.loads((folder / 'metrics.json').read_text()), {k: file[k] for k in file.files}


@pytest.mark.ci
def test_a_run_with_the_store_equals_one_without_and_a_second_one_decodes_nothing(
        options, place, tmp_path, monkeypatch):
    options = options | {'train_cfg.max_epochs': 5}
    run(config(options, tmp_path / 'none', cache='none'), lambda runner: runner.train())
    assert not place.exists()
    run(config(options, tmp_path / 'first'), lambda runner: runner.train(), [
        'train_dataloader', 'val_dataloader'])
    store, = place.iterdir()
    assert len(read_index(str(store))['clips']) == 28  # unknown emotions of the training part, too
    opened = []

    def spy(path):
        opened.append(path)
        raise BrokenClip('spied')
    for module in (video, video_layout):
        monkeypatch.setattr(module, 'open_video', spy)
    video_layout._layout.cache_clear()
    second = config(options, tmp_path / 'second')
    run(second, lambda runner: runner.train(), ['train_dataloader', 'val_dataloader'])
    assert opened == []
    metrics, dump = result(tmp_path / 'none')
    for folder in ('first', 'second'):
        again, arrays = result(tmp_path / folder)
        assert again == metrics and set(arrays) == set(dump)
        for key, values in dump.items():
            assert np.array_equal(arrays[key], values), key
    log = next((tmp_path / 'second').glob('*/*.log')).read_text()
    assert f'; frames from {store}' in log
    with pytest.raises(InputError, match='none of its 6 clips can be opened'):
        run(config(options, tmp_path / 'broken', cache='none'), lambda runner: runner.train())
    assert opened


@pytest.mark.ci
def test_a_split_of_the_protocol_uses_the_store(tiny_options, place, tmp_path):
    config = str(ROOT / 'configs/clip_zeroshot_afew_o34.py')
    options = {key: value for key, value in tiny_options.items() if not key.startswith('train')}
    plain = run_split(config, 1, tmp_path / 'plain', options | {'cache': 'none'})
    found = run_split(config, 1, tmp_path / 'found', options)
    store, = place.iterdir()
    clips = read_index(str(store))['clips']
    assert len(clips) == 14 and all(name.startswith('Val_AFEW/') for name in clips)
    assert found['AUROC'] == plain['AUROC'] and found['OSCR'] == plain['OSCR']
    again = run_split(config, 1, tmp_path / 'found', options, resume=True)
    assert again['seconds'] == found['seconds']  # taken over: the store is no setting of a run


def caches(cfg):
    return [cfg[name].dataset.get('cache') for name in loading.DATALOADERS]


def test_a_folder_that_is_named_is_filled_or_an_error(options, place, tmp_path, monkeypatch):
    cfg = config(options, tmp_path, cache=str(tmp_path / 'mine'))
    use_frame_store(cfg)
    assert caches(cfg) == [str(tmp_path / 'mine')] * 3 and not place.exists()
    other = config(options, tmp_path, cache=str(tmp_path / 'mine'), image_size=64)
    with pytest.raises(InputError, match='holds frames after .*32.* choose another folder'):
        use_frame_store(other)
    dumped = config(options, tmp_path)  # as a run writes it into its work dir
    dumped.train_dataloader.dataset.cache = str(tmp_path / 'mine')
    use_frame_store(dumped)
    assert caches(dumped) == [str(tmp_path / 'mine')] * 3
    dumped.train_dataloader.dataset.cache = str(tmp_path / 'gone')
    use_frame_store(dumped)
    assert caches(dumped)[0].startswith(str(place))
    monkeypatch.setattr(frame_room, 'SHARE', 0)
    with pytest.raises(InputError, match='28 clips need .* MB even as JPEG'):
        use_frame_store(config(options, tmp_path, cache=str(tmp_path / 'new')),
                        ['test_dataloader'])


def test_the_store_of_a_saved_config_is_not_used_for_other_data(options, place, tmp_path,
                                                                monkeypatch):
    saved = config(options, tmp_path)
    use_frame_store(saved)
    own = caches(saved)[0]
    for name in loading.DATALOADERS:
        saved[name].dataset.cache = own
    use_frame_store(saved)
    assert caches(saved) == [own] * 3
    shutil.copytree(options['data_root'], tmp_path / 'other')
    for name in loading.DATALOADERS:
        saved[name].dataset.data_root = str(tmp_path / 'other')
    use_frame_store(saved)
    assert len(set(caches(saved))) == 1 and caches(saved)[0] != own
    assert caches(saved)[0].startswith(str(place / 'other-'))
    monkeypatch.setenv('HESP_FRAME_STORE', ' None ')
    use_frame_store(saved)
    assert caches(saved) == [None] * 3


@pytest.mark.parametrize('cache', [True, 0, '', ' ', ['a', 'b']])
def test_a_cache_that_is_no_folder_is_an_error(options, tmp_path, cache):
    with pytest.raises(InputError, match='cache must be a folder, or none'):
        config(options, tmp_path, cache=cache)


def test_spaces_of_a_path_stay():
    arguments = ArgumentParser()
    arguments.add_argument('--cfg-options', nargs='+', action=KeyValue)
    words = ['cache=/my data/störe', 'x=1, 2', 'y= 3', 'z="a b"', 'u=None', 'v=[a, b]', 'w=']
    assert arguments.parse_args(['--cfg-options', *words]).cfg_options == dict(
        cache='/my data/störe', x=[1, 2], y=3, z='a b', u=None, v=['a', 'b'], w='')


@pytest.mark.parametrize('what', ['room', 'place'])
def test_without_room_or_place_one_line_says_it_and_clips_are_decoded(
        options, place, tmp_path, monkeypatch, capsys, what):
    if what == 'room':
        monkeypatch.setattr(frame_room, 'SHARE', 0)
        why = 'need 0.4 MB even as JPEG'
    else:
        place.write_text('a file in its place')
        why = 'Not a directory'
    cfg = config(options, tmp_path)
    use_frame_store(cfg)
    said = capsys.readouterr().err
    assert said.count('\n') == 1 and why in said and 'clips are decoded in every epoch' in said
    assert caches(cfg) == [None] * 3


def test_the_tool_fills_the_store_that_a_training_reads(
        options, place, tmp_path, monkeypatch, capsys, tool_module):
    (tmp_path / 'afew').symlink_to(options['data_root'])
    words = [f'{key}={value}' for key, value in options.items() if key != 'data_root']
    monkeypatch.setattr('sys.argv', ['build_cache.py', str(CONFIG), '--cfg-options', *words,
                                     f'data_root={tmp_path}/afew'])
    tool_module('data/build_cache.py').main()
    store, = place.iterdir()
    assert f'{store}: 28 clips' in capsys.readouterr().out
    cfg = config(options, tmp_path)
    use_frame_store(cfg)
    assert caches(cfg) == [str(store)] * 3 and capsys.readouterr().err == ''


def test_folders_of_pictures_are_not_kept_as_jpeg(tmp_path, monkeypatch):
    monkeypatch.setattr(frame_room, 'RAW_LIMIT', 10)
    folder = tmp_path / 'clip'
    folder.mkdir()
    Image.new('RGB', (8, 8)).save(folder / '1.png')
    with pytest.raises(InputError, match='folders of pictures'):
        frame_building.fill_store(str(tmp_path / 'store'), dict(clip=str(folder)))


def test_what_decodes_nothing_gets_no_store(options, place, tmp_path, monkeypatch, capsys):
    decord = config(options, tmp_path)
    decord.test_dataloader.dataset.pipeline[0].type = 'DecordInit'
    features = config(options, tmp_path)
    features.train_dataloader.dataset.features = 'somewhere'
    for cfg in (decord, features):
        use_frame_store(cfg)
        assert not any(caches(cfg)) and capsys.readouterr().err == ''
    with pytest.raises(InputError, match='needs a pipeline with ClipInit'):
        named = config(options, tmp_path, cache=str(tmp_path / 'mine'))
        named.test_dataloader.dataset.pipeline[0].type = 'DecordInit'
        use_frame_store(named)
    monkeypatch.setenv('HESP_FRAME_STORE', 'none')
    cfg = config(options, tmp_path)
    use_frame_store(cfg)
    assert not any(caches(cfg)) and not place.exists()


def test_the_place_follows_data_and_resize(tmp_path, monkeypatch):
    monkeypatch.delenv('HESP_FRAME_STORE')
    one = loading.default_place([str(tmp_path / 'AFEW')], None)
    assert one.startswith('work_dirs/frame_store/AFEW-')
    (tmp_path / 'link').symlink_to(tmp_path / 'AFEW')
    assert loading.default_place([str(tmp_path / 'link')], None) == one
    others = {loading.default_place([str(tmp_path / 'AFEW')], dict(scale=[8, 8])),
              loading.default_place([str(tmp_path / 'b/AFEW')], None),
              loading.default_place([str(tmp_path / 'AFEW'), str(tmp_path)], None), one}
    assert len(others) == 4


@pytest.mark.parametrize(('cores', 'gpus', 'world', 'stored', 'number'), [
    (2, 0, 1, True, 0), (2, 0, 1, False, 2), (1, 0, 4, False, 1), (16, 1, 1, True, 8),
    (16, 4, 4, True, 4), (16, 4, 8, False, 4), (3, 8, 8, True, 1)])
def test_workers_follow_cores_and_processes(monkeypatch, cores, gpus, world, stored, number):
    monkeypatch.delenv('LOCAL_WORLD_SIZE', raising=False)
    monkeypatch.delenv(JOBS, raising=False)
    monkeypatch.setattr(loading, 'cores', lambda: cores)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: gpus)
    monkeypatch.setattr(loading, 'get_world_size', lambda: world)
    assert default_workers(stored) == number
    monkeypatch.setenv('LOCAL_WORLD_SIZE', '2')
    assert default_workers(False) == max(1, min(8, cores // 2))
    monkeypatch.setenv(JOBS, '3')  # runs of run_splits.py --jobs 3
    assert default_workers(False) == max(1, min(8, cores // 6))


def test_workers_that_are_asked_for_stay(options, place, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 0)
    free = {key: value for key, value in options.items() if '_workers' not in key}
    for more, expected in (({}, (0, False)), (dict(num_workers=3), (3, True)),
                           (dict(cache='none'), (frame_building.cores(), True)),
                           ({'train_dataloader.num_workers': 1}, (1, True))):
        cfg = config(free, tmp_path, **more)
        prepare_loading(cfg)
        loader = cfg.train_dataloader
        assert (loader.num_workers, loader.get('persistent_workers', False)) == expected
        assert loader.pin_memory is torch.cuda.is_available()


def where(cfg):
    """Of each loader: whether the device crops, and what collates."""
    place_transforms(cfg)
    return {(cfg[name].dataset.get('device_transforms', False),
             (cfg[name].get('collate_fn') or {}).get('type')) for name in loading.DATALOADERS}


def test_the_device_crops_where_there_is_a_gpu_and_nothing_is_in_the_way(
        options, tmp_path, monkeypatch):
    """Asked for, it does without a GPU; what a work dir's config says decides nothing."""
    cpu, device = {(False, None)}, {(True, 'collate_deferred')}
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    assert where(config(options, tmp_path)) == cpu
    asked = config(options, tmp_path, device_transforms=True)
    assert where(asked) == device
    asked.pop('device_transforms')  # left in the data sets, as in a work dir
    assert where(asked) == {(False, 'collate_deferred')}
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    assert where(config(options, tmp_path)) == device
    assert where(config(options, tmp_path, device_transforms=False)) == cpu
    own = config(options, tmp_path)
    own.train_dataloader.collate_fn = dict(type='pseudo_collate')
    place_transforms(own)
    assert own.train_dataloader.collate_fn.type == 'pseudo_collate'

    def last_colours(cfg):
        cfg.train_dataloader.dataset.pipeline.insert(-2, dict(type='ColorJitter'))

    def other_end(cfg):
        cfg.train_dataloader.dataset.pipeline.append(dict(type='Flip'))

    def preprocessor(cfg):
        cfg.model.data_preprocessor = dict(type='ActionDataPreprocessor')

    def recognizer(cfg):
        cfg.model.type = 'Recognizer3D'

    def features(cfg):
        cfg.test_dataloader.dataset.features = 'somewhere'

    def foreign(cfg):
        cfg.val_dataloader.dataset = dict(type='VideoDataset', pipeline=[])

    for change, why in ((last_colours, 'which no pipeline of'),
                        (other_end, 'at its end'), (preprocessor, 'Prompted'),
                        (recognizer, 'not Recognizer3D'), (features, 'stored features'),
                        (foreign, 'not VideoDataset')):
        cfg = config(options, tmp_path)
        change(cfg)
        assert where(cfg) == cpu
        cfg.device_transforms = True
        with pytest.raises(InputError, match=f'device_transforms needs .*{why}.*take'):
            place_transforms(cfg)


def tables(folder):
    """Losses of the last line of a training's log, and metrics and dump of its test."""
    lines = next(folder.glob('*/vis_data/scalars.json')).read_text().splitlines()
    losses = next(line for line in map(json.loads, reversed(lines)) if 'loss' in line)
    return ({key: value for key, value in losses.items() if 'loss' in key}, *result(folder))


@pytest.mark.ci
def test_a_training_with_the_device_cropping_is_nearly_the_same(
        options, place, tmp_path, tool_module, monkeypatch):
    """Two steps of tools/train.py, threshold and test."""
    options = options | {'train_cfg.max_epochs': 1}
    for name in ('plain', 'device'):
        words = [f'{key}={value}' for key, value in options.items()]
        monkeypatch.setattr('sys.argv', [
            'train.py', str(CONFIG), '--work-dir', str(tmp_path / name), '--cfg-options', *words,
            f'device_transforms={name == "device"}'])
        tool_module('train.py').main()
    losses, metrics, dump = tables(tmp_path / 'plain')
    found_losses, found_metrics, found = tables(tmp_path / 'device')
    assert len(losses) > 3 and found_losses == pytest.approx(losses, rel=0.02)
    assert found_losses != losses and set(found_metrics) == set(metrics)
    assert np.array_equal(found['sample_id'], dump['sample_id'])
    assert np.allclose(found['feature'], dump['feature'], atol=0.05 * np.abs(dump['feature']).max())
    log = next((tmp_path / 'device').glob('*/*.log')).read_text()
    assert log.count('; RandomResizedCrop, Resize, Flip on the device') == 1
    weights, other = (torch.load(tmp_path / name / 'epoch_1.pth', weights_only=False)['state_dict']
                      for name in ('plain', 'device'))
    assert {k: v.shape for k, v in weights.items()} == {k: v.shape for k, v in other.items()}
    again = Config.fromfile(next((tmp_path / 'device').glob('*.py')))
    override(again, {'device_transforms': False})
    assert where(again) == {(False, 'collate_deferred')}
