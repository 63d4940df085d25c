"""The store of decoded frames gives the same samples as decoding."""
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.dataset import DefaultSampler, pseudo_collate
from mmengine.registry import init_default_scope
from torch.utils.data import DataLoader

from hesp_mmaction.apis.wiring import clips_of_config, override
from hesp_mmaction.datasets import clip_loading
from hesp_mmaction.errors import InputError

CONFIG = Path(__file__).parents[2] / 'configs/_base_/datasets/afew.py'
NATIVE = [dict(type='ClipInit'), dict(type='SampleFrames', clip_len=1, num_clips=8),
          dict(type='ClipDecode'), dict(type='FormatShape', input_format='NCHW'),
          dict(type='PackActionInputs', meta_keys=('img_shape', 'sample_id', 'emotion'))]


@pytest.fixture(scope='module')
def cache(tool_module):
    init_default_scope('mmaction')
    return tool_module('data/build_cache.py')


@pytest.fixture(scope='module')
def data_root(tiny_afew, tmp_path_factory, write_clip):
    """tiny_afew with a clip of another size, an MPEG-4 one, a folder of frames and a broken one."""
    root = shutil.copytree(tiny_afew, tmp_path_factory.mktemp('store') / 'afew')
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (70, 6, 8, 3), np.uint8).repeat(10, axis=1).repeat(10, axis=2)
    write_clip(root / 'Train_AFEW/Happy/other.avi', frames)
    writer = cv2.VideoWriter(str(root / 'Val_AFEW/Happy/mpeg4.mp4'),
                             cv2.VideoWriter_fourcc(*'mp4v'), 25, (80, 60))
    for frame in frames:
        writer.write(frame)
    writer.release()
    folder = root / 'Val_AFEW/Fear/frames.avi'
    folder.mkdir()
    for i in range(10):
        cv2.imwrite(str(folder / f'{i}.png'), frames[i])
    (root / 'Train_AFEW/Fear/zero.avi').write_bytes(b'')
    return root


def load(root, **options):
    cfg = Config.fromfile(CONFIG)
    cfg.model = dict(cls_head=dict(), backbone=dict(type=''))
    override(cfg, dict(data_root=str(root), known=['happiness', 'fear'], **options))
    for part in ('train', 'test'):
        cfg[f'{part}_dataloader'].dataset.known = ['happiness', 'fear']
    return cfg


def sets(cfg):
    return [DATASETS.build(cfg[f'{part}_dataloader'].dataset) for part in ('train', 'test')]


def store(cache, cfg, folder):
    pipelines = [cfg[f'{part}_dataloader'].dataset.pipeline for part in ('train', 'val', 'test')]
    return cache.build(str(folder), clips_of_config(cfg), cache.first_resize(pipelines))


@pytest.fixture(scope='module')
def stored(cache, data_root, tmp_path_factory):
    folder = tmp_path_factory.mktemp('stored') / 'cache'
    clips, bad = store(cache, load(data_root, image_size=48), folder)
    return folder, clips, bad


def test_samples_are_those_of_decoding(data_root, stored, monkeypatch):
    folder, clips, bad = stored
    assert len(clips) == 31 and bad == {'Train_AFEW/Fear/zero.avi': 'empty file'}
    assert os.path.getsize(folder / 'frames.npy') < 48 * 48 * 3 * (28 * 12 + 150) + 1000
    plain = sets(load(data_root, image_size=48))
    expected = [[data[i] for i in range(len(data))] for data in plain]
    plain[0].set_epoch(1)
    later = plain[0][0]['inputs']

    def refuse(*_):
        raise AssertionError('a clip was opened')
    monkeypatch.setattr('decord.VideoReader', refuse)
    monkeypatch.setattr('cv2.imread', refuse)
    cached = sets(load(data_root, image_size=48, cache=str(folder)))
    for data, samples in zip(cached, expected, strict=True):
        assert len(data) == len(samples)
        for i, sample in enumerate(samples):
            assert torch.equal(data[i]['inputs'], sample['inputs'])
            found, wanted = (s['data_samples'].metainfo for s in (data[i], sample))
            assert found == wanted
    cached[0].set_epoch(1)
    assert torch.equal(cached[0][0]['inputs'], later)


def test_frames_as_decoded_where_pipelines_begin_otherwise(cache, data_root, tmp_path):
    cfg = load(data_root)
    for part in ('train', 'val', 'test'):
        cfg[f'{part}_dataloader'].dataset.pipeline = NATIVE
    cache.build(str(tmp_path / 'cache'), clips_of_config(cfg), cache.first_resize([NATIVE, NATIVE]))
    for data in sets(cfg):
        cached = DATASETS.build(dict(known=['happiness', 'fear'], part=data.part, pipeline=NATIVE,
                                     data_root=str(data_root), type='AFEWDataset',
                                     cache=str(tmp_path / 'cache')))
        assert {tuple(data[i]['inputs'].shape[2:]) for i in range(len(data))} == {
            (64, 64), (60, 80)}
        assert all(torch.equal(data[i]['inputs'], cached[i]['inputs']) for i in range(len(data)))


def test_two_processes_read_it(data_root, stored):
    cfg = load(data_root, image_size=48, cache=str(stored[0]))
    data = sets(cfg)[1]
    clip_loading.open_frames.cache_clear()
    loader = DataLoader(data, 2, sampler=DefaultSampler(data, shuffle=False), num_workers=2,
                        collate_fn=pseudo_collate)
    found = [x for batch in loader for x in batch['inputs']]
    plain = sets(load(data_root, image_size=48))[1]
    assert len(found) == len(plain) == 16
    assert all(torch.equal(x, plain[i]['inputs']) for i, x in enumerate(found))


def test_a_changed_or_unknown_clip_is_refused_by_name(data_root, stored, tmp_path):
    root = tmp_path / 'afew'
    shutil.copytree(data_root, root)  # keeps the times
    cfg = load(root, image_size=48, cache=str(stored[0]))
    assert len(sets(cfg)) == 2
    clip = root / 'Val_AFEW/Sad/001.avi'
    os.utime(clip, ns=(0, clip.stat().st_mtime_ns + 1000))
    with pytest.raises(InputError, match='1 clips changed.*Val_AFEW/Sad/001.avi; build it anew'):
        sets(cfg)
    shutil.copystat(data_root / 'Val_AFEW/Sad/001.avi', clip)
    frame = root / 'Val_AFEW/Fear/frames.avi/3.png'
    frame.write_bytes(frame.read_bytes() + b'x')
    with pytest.raises(InputError, match='1 clips changed.*frames.avi'):
        sets(cfg)
    frame.write_bytes(frame.read_bytes()[:-1])
    shutil.copystat(data_root / 'Val_AFEW/Fear/frames.avi/3.png', frame)
    shutil.copy2(clip, clip.with_name('new.avi'))
    with pytest.raises(InputError, match='1 clips are not in it.*Val_AFEW/Sad/new.avi'):
        sets(cfg)


def test_a_store_of_other_frames_or_none_is_refused(data_root, stored, tmp_path):
    with pytest.raises(InputError, match='Resize.*48.*but the pipeline has.*64'):
        sets(load(data_root, image_size=64, cache=str(stored[0])))
    with pytest.raises(InputError, match='no store in .*nowhere'):
        sets(load(data_root, cache=str(tmp_path / 'nowhere')))
    cfg = load(data_root, image_size=48, cache=str(stored[0]))
    cfg.train_dataloader.dataset.pipeline[0].type = 'DecordInit'
    with pytest.raises(InputError, match='needs a pipeline with ClipInit'):
        sets(cfg)


def test_too_little_room_is_said_before_decoding(cache, data_root, tmp_path, monkeypatch, capsys):
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(cache.shutil, 'disk_usage', lambda _: usage)
    with pytest.raises(InputError, match='do not fit'):
        store(cache, load(data_root, image_size=48), tmp_path / 'cache')
    assert not list((tmp_path / 'cache').iterdir())
    assert '31 clips' in capsys.readouterr().out


def test_a_clip_that_breaks_later_and_uneven_frames(cache, data_root, tmp_path, write_damaged):
    write_damaged(tmp_path / 'clips')
    paths = {p.name: str(p) for p in (tmp_path / 'clips').iterdir()}
    clips, bad = cache.build(str(tmp_path / 'cache'), paths)
    assert sorted(clips) == ['odd.avi', 'one.avi'] and len(bad) == 8
    uneven = tmp_path / 'uneven'
    uneven.mkdir()
    for size in (8, 9):
        cv2.imwrite(str(uneven / f'{size}.png'), np.zeros((size, 8, 3), np.uint8))
    with pytest.raises(InputError, match='frames of .*uneven differ in size'):
        cache.build(str(tmp_path / 'cache'), dict(paths, uneven=str(uneven)))


def test_a_store_stays_until_the_next_one_is_complete(cache, tiny_afew, tmp_path, monkeypatch):
    clips = {path.name: str(path) for path in (tiny_afew / 'Val_AFEW/Fear').iterdir()}
    cache.build(str(tmp_path), clips, processes=1)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def interrupted(*args, **options):
        raise KeyboardInterrupt
    monkeypatch.setattr(cache, 'write_frames', interrupted)
    monkeypatch.setattr(cache, 'run_guarded', lambda function, items, *_: (
        (item, function(item), None) for item in items))  # in this process
    with pytest.raises(KeyboardInterrupt):
        cache.build(str(tmp_path), clips, processes=1)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
