"""The store of decoded frames gives the same samples as decoding, whatever happens to it."""
import errno
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
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

from hesp_mmaction.apis import frame_building, frame_room
from hesp_mmaction.apis.config_parts import clips_of_config
from hesp_mmaction.apis.frame_building import fill_store
from hesp_mmaction.apis.frame_room import choose_kind, raw_bytes
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.datasets import frame_index, frame_store, video, video_layout
from hesp_mmaction.datasets.decoding import BrokenClip, open_video
from hesp_mmaction.datasets.frame_files import clip_file
from hesp_mmaction.datasets.frame_index import CLIPS, read_index
from hesp_mmaction.datasets.frame_store import first_resize
from hesp_mmaction.datasets.integrity import undecodable, unreadable
from hesp_mmaction.datasets.stores import same_signature, signature
from hesp_mmaction.errors import InputError

CONFIG = Path(__file__).parents[2] / 'configs/_base_/datasets/afew.py'
NATIVE = [dict(type='ClipInit'), dict(type='SampleFrames', clip_len=1, num_clips=8),
          dict(type='ClipDecode'), dict(type='FormatShape', input_format='NCHW'),
          dict(type='PackActionInputs', meta_keys=('img_shape', 'sample_id', 'emotion'))]


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


def fill(cfg, folder):
    pipelines = [cfg[f'{part}_dataloader'].dataset.pipeline for part in ('train', 'val', 'test')]
    init_default_scope('mmaction')
    fill_store(str(folder), clips_of_config(cfg), first_resize(pipelines))
    return read_index(str(folder))['clips']


def forget():
    """So that an index is read anew although its length and time may be the same."""
    frame_index._read_index.cache_clear()


@pytest.fixture(scope='module')
def stored(data_root, tmp_path_factory):
    folder = tmp_path_factory.mktemp('stored') / 'cache'
    return folder, fill(load(data_root, image_size=48), folder)


def same_samples(data, others, close=0):
    """Whether two data sets give equal samples, or pixels that differ by ``close`` on average."""
    assert len(data) == len(others)
    for i in range(len(data)):
        a, b = data[i], others[i]
        assert a['data_samples'].metainfo == b['data_samples'].metainfo
        gap = np.abs(a['inputs'].double().numpy() - b['inputs'].double().numpy())
        assert gap.mean() <= close and gap.max() <= 30 * close


def opened(monkeypatch):
    """The paths of all videos that are opened from now on, in this process (list)."""
    paths = []

    def spy(path):
        paths.append(path)
        return open_video(path)
    for module in (video, video_layout):
        monkeypatch.setattr(module, 'open_video', spy)
    video_layout._layout.cache_clear()
    return paths


def test_samples_are_those_of_decoding(data_root, stored, monkeypatch):
    folder, clips = stored
    kept = {name for name, entry in clips.items() if 'frames' in entry}
    assert len(kept) == 31 and set(clips) - kept == {'Train_AFEW/Fear/zero.avi'}
    assert clips['Train_AFEW/Fear/zero.avi']['bad'] == 'empty file'
    size = sum(os.path.getsize(file) for file in folder.glob('clips/*/*'))
    assert size == 48 * 48 * 3 * sum(clips[name]['frames'] for name in kept)
    plain = sets(load(data_root, image_size=48))
    expected = [[data[i] for i in range(len(data))] for data in plain]
    plain[0].set_epoch(1)
    later = plain[0][0]['inputs']
    paths = opened(monkeypatch)
    cached = sets(load(data_root, image_size=48, cache=str(folder)))
    for data, samples in zip(cached, expected, strict=True):
        same_samples(data, samples)
    cached[0].set_epoch(1)
    assert torch.equal(cached[0][0]['inputs'], later)
    assert paths == []
    assert plain[0].copy_of(0, (1,)) and paths  # the spy sees what is opened


def test_frames_as_decoded_where_pipelines_begin_otherwise(data_root, tmp_path):
    cfg = load(data_root)
    for part in ('train', 'val', 'test'):
        cfg[f'{part}_dataloader'].dataset.pipeline = NATIVE
    fill(cfg, tmp_path / 'cache')
    for data in sets(cfg):
        cached = DATASETS.build(dict(known=['happiness', 'fear'], part=data.part, pipeline=NATIVE,
                                     data_root=str(data_root), type='AFEWDataset',
                                     cache=str(tmp_path / 'cache')))
        assert {tuple(data[i]['inputs'].shape[2:]) for i in range(len(data))} == {
            (64, 64), (60, 80)}
        same_samples(data, cached)


@pytest.mark.ci
def test_jpeg_pictures_differ_by_little(data_root, tmp_path, monkeypatch):
    monkeypatch.setattr(frame_room, 'RAW_LIMIT', 1000)
    cfg = load(data_root, image_size=48)
    clips = fill(cfg, tmp_path)
    assert {entry['kind'] for entry in clips.values()} == {'jpeg'}
    cached = sets(load(data_root, image_size=48, cache=str(tmp_path)))
    for data, other in zip(cached, sets(cfg), strict=True):
        same_samples(data, other, close=3)
    assert not torch.equal(cached[1][0]['inputs'], sets(cfg)[1][0]['inputs'])
    assert 'JPEG, quality 95' in cached[0]._where_frames()


def test_two_processes_read_it(data_root, stored):
    cfg = load(data_root, image_size=48, cache=str(stored[0]))
    data = sets(cfg)[1]
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


@pytest.mark.parametrize(('raw', 'free', 'kind'), [
    (10, 100, 'raw'), (50, 100, 'raw'), (51, 100, 'jpeg'), (142, 100, 'jpeg'), (143, 100, None),
    (20e9, 1e12, 'raw'), (20.1e9, 1e12, 'jpeg'), (0, 0, 'raw')])
def test_how_frames_are_kept(raw, free, kind):
    assert choose_kind(raw, free) == kind


def test_the_size_is_estimated_from_some_clips(data_root, monkeypatch):
    clips = sorted(clips_of_config(load(data_root)).values())
    exact = sum(e['frames'] * np.prod(e['shape']) * 3 for e in
                (frame_store.store_clip(str(data_root.parent / 'native'), path, path, 'raw')
                 for path in clips) if 'frames' in e)
    assert raw_bytes(clips) == pytest.approx(exact)
    assert raw_bytes(clips, (48, 48)) == pytest.approx(48 * 48 * 3 * (28 * 12 + 150))
    monkeypatch.setattr(frame_room, 'SAMPLE', 16)
    assert 0.5 < raw_bytes(clips, (48, 48)) / (48 * 48 * 3 * (28 * 12 + 150)) < 2
    assert raw_bytes([str(data_root / 'nothing.avi')]) == 0


def test_too_little_room_is_said_before_decoding(data_root, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(frame_building.shutil, 'disk_usage', lambda _: usage)
    with pytest.raises(InputError, match='32 clips need .* MB even as JPEG, and 0.0 MB are free'):
        fill(load(data_root, image_size=48), tmp_path / 'cache')
    assert not list(tmp_path.glob('cache/clips*'))


def test_a_clip_that_breaks_later_and_uneven_frames(tmp_path, write_damaged):
    write_damaged(tmp_path / 'clips')
    paths = {p.name: str(p) for p in (tmp_path / 'clips').iterdir()}
    for number, sizes in enumerate([(8, 9), (8, 8)]):
        folder = tmp_path / f'{number}'
        folder.mkdir()
        paths[folder.name] = str(folder)
        for i, size in enumerate(sizes):
            cv2.imwrite(str(folder / f'{i}.png'), np.zeros((size, 8, 3), np.uint8))
    paths['gone'] = str(tmp_path / 'gone')
    fill_store(str(tmp_path / 'cache'), paths)
    clips = read_index(str(tmp_path / 'cache'))['clips']
    assert sorted(n for n, e in clips.items() if 'frames' in e) == ['1', 'odd.avi', 'one.avi']
    for name, path in paths.items():
        why = unreadable(path)
        assert clips[name].get('bad') == why
        if not why and not os.path.isdir(path):
            assert clips[name].get('broken') == undecodable(path)
    assert set(clips['0']) == {'source', 'name', 'kind'}  # read from its pictures
    assert len([e for e in clips.values() if e.get('broken')]) >= 2


def test_building_that_was_stopped_goes_on(data_root, tmp_path, monkeypatch):
    cfg = load(data_root, image_size=48)
    real, done = frame_building._store, []

    def here(function, items, *_):
        for item in items:
            if len(done) == 10:
                raise KeyboardInterrupt
            done.append(item)
            yield item, function(item), None
    with monkeypatch.context() as patch:
        patch.setattr(frame_building, 'run_guarded', here)
        with pytest.raises(KeyboardInterrupt):
            fill(cfg, tmp_path)
    index = tmp_path / CLIPS
    assert len(index.read_text().splitlines()) == 11
    index.write_text(index.read_text()[:-5])  # a power cut: the last line is not whole
    left = tmp_path / 'clips/ab/.x.part.raw'
    left.parent.mkdir(exist_ok=True)
    left.touch()
    forget()
    again = []
    monkeypatch.setattr(frame_building, 'run_guarded', lambda function, items, *_: (
        again.append(item) or (item, function(item), None) for item in items))
    clips = fill(cfg, tmp_path)
    assert len(clips) == 32 and len(again) == 23 and again[0] == done[9]
    assert frame_building._store is real and not left.exists()
    for data, other in zip(sets(load(data_root, image_size=48, cache=str(tmp_path))), sets(cfg),
                           strict=True):
        same_samples(data, other)


def test_a_changed_clip_is_decoded_anew_and_named(data_root, tmp_path, capsys, write_clip):
    root = tmp_path / 'afew'
    shutil.copytree(data_root, root)
    cfg = load(root, image_size=48)
    fill(cfg, tmp_path / 'cache')
    capsys.readouterr()
    write_clip(root / 'Val_AFEW/Sad/001.avi', np.full((5, 64, 64, 3), 99, np.uint8))
    (root / 'Train_AFEW/Fear/zero.avi').unlink()
    clips = fill(cfg, tmp_path / 'cache')
    assert clips['Val_AFEW/Sad/001.avi']['frames'] == 5
    assert ('1 clips changed after they were stored and are decoded anew: Val_AFEW/Sad/001.avi'
            in capsys.readouterr().err)
    fill(cfg, tmp_path / 'cache')
    assert capsys.readouterr().err == ''
    same_samples(sets(cfg)[1], sets(load(root, image_size=48, cache=str(tmp_path / 'cache')))[1])


@pytest.mark.parametrize(('number', 'said'), [
    (errno.ENOSPC, 'No space left on device'), (errno.EROFS, 'Read-only file system')])
def test_a_disk_that_takes_no_more_is_one_sentence(data_root, tmp_path, monkeypatch, number, said):
    cfg, real = load(data_root, image_size=48), frame_building.store_clip

    def full(store, name, *rest):
        if name.endswith('Happy/000.avi'):
            raise OSError(number, os.strerror(number))
        return real(store, name, *rest)
    with monkeypatch.context() as patch:
        patch.setattr(frame_building, 'store_clip', full)
        with pytest.raises(InputError, match=f'frame store .* cannot be written .{said}'):
            fill(cfg, tmp_path)
    forget()
    assert len(fill(cfg, tmp_path)) == 32  # with room, it goes on


def test_a_process_that_crashes_costs_one_clip(data_root, tmp_path, monkeypatch, capsys):
    cfg, real = load(data_root, image_size=48), frame_building.store_clip

    def crash(store, name, *rest):
        return os._exit(9) if name.endswith('Train_AFEW/Sad/000.avi') else real(store, name, *rest)
    monkeypatch.setattr(frame_building, 'store_clip', crash)
    clips = fill(cfg, tmp_path)
    assert 'frames' not in clips['Train_AFEW/Sad/000.avi']
    assert '1 clips could not be stored and are read from their files' in capsys.readouterr().err
    for data, other in zip(sets(load(data_root, image_size=48, cache=str(tmp_path))), sets(cfg),
                           strict=True):
        same_samples(data, other)


def test_of_two_processes_one_decodes(data_root, tmp_path):
    context = multiprocessing.get_context('fork')
    cfg, counts = load(data_root, image_size=48), context.Queue()

    def job():
        count = []
        real = frame_building._write
        frame_building._write = lambda folder, missing, *rest: (
            count.append(len(missing)), real(folder, missing, *rest))
        fill(cfg, tmp_path / 'cache')
        counts.put(sum(count))
    processes = [context.Process(target=job) for _ in range(2)]
    for process in processes:
        process.start()
    assert sorted(counts.get(timeout=60) for _ in processes) == [0, 32]
    for process in processes:
        process.join()


def test_a_file_that_is_gone_or_cut_is_one_sentence(data_root, tmp_path):
    cfg = load(data_root, image_size=48)
    fill(cfg, tmp_path)
    data = sets(load(data_root, image_size=48, cache=str(tmp_path)))[1]
    file = tmp_path / os.path.relpath(clip_file('', data.get_data_info(0)['sample_id'], 'raw'), '')
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(InputError, match='frame store .* is damaged .*: delete .*'):
        data[0]
    file.unlink()
    with pytest.raises(InputError, match='is damaged'):
        data[0]


@pytest.mark.parametrize('kind', ['raw', 'jpeg'])
def test_a_file_that_is_gone_or_cut_is_decoded_again_by_the_next_run(
        data_root, tmp_path, monkeypatch, kind):
    monkeypatch.setattr(frame_room, 'RAW_LIMIT', 1e12 if kind == 'raw' else 1000)
    cfg, decoded = load(data_root, image_size=48), []
    fill(cfg, tmp_path)
    files = sorted(tmp_path.glob(f'clips/*/*.{kind}'))
    files[0].write_bytes(files[0].read_bytes()[:20])
    files[1].unlink()
    real = frame_building._write
    monkeypatch.setattr(frame_building, '_write', lambda folder, missing, *rest: (
        decoded.extend(missing), real(folder, missing, *rest)))
    fill(cfg, tmp_path)
    assert len(decoded) == 2
    for data, other in zip(sets(load(data_root, image_size=48, cache=str(tmp_path))), sets(cfg),
                           strict=True):
        same_samples(data, other, close=0 if kind == 'raw' else 4)


@pytest.mark.parametrize('size', [3000, 10_000])
def test_a_picture_that_is_cut_is_one_sentence(data_root, tmp_path, monkeypatch, size):
    monkeypatch.setattr(frame_room, 'RAW_LIMIT', 1000)
    fill(load(data_root, image_size=48), tmp_path)
    data = sets(load(data_root, image_size=48, cache=str(tmp_path)))[1]
    for file in tmp_path.glob('clips/*/*.jpeg'):
        content = file.read_bytes()
        file.write_bytes(content[:size] + bytes(max(0, len(content) - size)) if size < 5000
                         else content[:-200])
    with pytest.raises(InputError, match='is damaged'):
        [data[i] for i in range(len(data))]


@pytest.mark.parametrize('content', [b'', b'\xff\n', b'{"kind": "raw"\n'])
def test_a_damaged_index_is_made_anew(data_root, tmp_path, capsys, content):
    cfg = load(data_root, image_size=48)
    before = fill(cfg, tmp_path)
    (tmp_path / CLIPS).write_bytes(content)
    capsys.readouterr()
    assert fill(cfg, tmp_path) == before
    assert 'is damaged: its clips are decoded again' in capsys.readouterr().err


def test_one_bad_line_of_an_index_costs_its_clip_alone(data_root, tmp_path):
    cfg = load(data_root, image_size=48)
    before = fill(cfg, tmp_path)
    lines = (tmp_path / CLIPS).read_bytes().splitlines(keepends=True)
    name = json.loads(lines[3])['name']
    lines[3] = b'\xff\xfe' + lines[3][2:]
    newer = json.loads(lines[4])
    del newer['avg_fps']  # as another version may write it
    lines[4] = json.dumps(newer).encode() + b'\n'
    (tmp_path / CLIPS).write_bytes(b''.join(lines))
    held = read_index(str(tmp_path))['clips'].keys()
    assert before.keys() - held == {name, newer['name']}
    assert fill(cfg, tmp_path) == before
    (tmp_path / CLIPS).write_bytes(lines[0].replace(b'"raw"', b'"video"') + b''.join(lines[1:]))
    with pytest.raises(InputError, match='a newer version made the store'):
        fill(cfg, tmp_path)


def test_a_clip_that_cannot_be_read_now_is_tried_again(data_root, tmp_path, monkeypatch, capsys):
    cfg, real = load(data_root, image_size=48), frame_store._read_whole

    def fails(path):
        if path.endswith('Happy/001.avi'):
            raise BrokenClip('cannot be read: Input/output error')
        real(path)
    usual = frame_store.unreadable
    with monkeypatch.context() as patch:
        patch.setattr(frame_store, '_read_whole', fails)
        patch.setattr(frame_store, 'unreadable', lambda path: 'cannot be opened' if path.endswith(
            'Happy/001.avi') else usual(path))
        clips = fill(cfg, tmp_path)
    assert {name for name, entry in clips.items() if entry.get('again')} == {
        'Train_AFEW/Happy/001.avi', 'Val_AFEW/Happy/001.avi'}
    assert all('bad' not in clips[f'{part}_AFEW/Happy/001.avi'] for part in ('Train', 'Val'))
    assert '2 clips could not be stored' in capsys.readouterr().err
    # Meanwhile they are read from their files.
    for data, other in zip(sets(load(data_root, image_size=48, cache=str(tmp_path))), sets(cfg),
                           strict=True):
        same_samples(data, other)
    assert frame_store._read_whole is real
    with monkeypatch.context() as patch:  # only one process of several tries again, and says so
        patch.setenv('RANK', '1')
        assert fill(cfg, tmp_path) == clips and not capsys.readouterr().err
    clips = fill(cfg, tmp_path)
    assert all('frames' in clips[f'{part}_AFEW/Happy/001.avi'] for part in ('Train', 'Val'))


def test_a_store_without_room_for_more_is_used_as_it_is(data_root, tmp_path, monkeypatch, capsys,
                                                        write_clip):
    root = tmp_path / 'afew'
    shutil.copytree(data_root, root)
    cfg = load(root, image_size=48)
    fill(cfg, tmp_path / 'cache')
    write_clip(root / 'Val_AFEW/Sad/001.avi', np.full((5, 64, 64, 3), 99, np.uint8))
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(frame_building.shutil, 'disk_usage', lambda _: usage)
    capsys.readouterr()
    clips = fill(cfg, tmp_path / 'cache')
    assert clips['Val_AFEW/Sad/001.avi'].get('again')
    said = capsys.readouterr().err
    assert '0.0 MB are free' in said and 'read from their files' in said
    same_samples(sets(cfg)[1], sets(load(root, image_size=48, cache=str(tmp_path / 'cache')))[1])


def test_other_clips_of_the_same_names_do_not_take_a_store(data_root, tmp_path, write_clip):
    roots = [tmp_path / 'one', tmp_path / 'two']
    for root in roots:
        shutil.copytree(data_root, root)
    paths = [{str(path.relative_to(root)): str(path) for path in sorted(root.rglob('*.avi'))}
             for root in roots]
    fill_store(str(tmp_path / 'cache'), paths[0], root=str(roots[0]))
    fill_store(str(tmp_path / 'cache'), paths[1], root=str(roots[1]))  # copied with their times
    for path in paths[1].values():
        os.utime(path)
    with pytest.raises(InputError, match='holds other clips of the same names.*one: choose anoth'):
        fill_store(str(tmp_path / 'cache'), paths[1], root=str(roots[1]))
    fill_store(str(tmp_path / 'cache'), paths[0], root=str(roots[0]))


def test_pictures_that_changed_names_are_noticed(tmp_path):
    folder = tmp_path / 'clip'
    folder.mkdir()
    for i in range(3):
        cv2.imwrite(str(folder / f'{i}.png'), np.full((8, 8 + i, 3), 80 * i, np.uint8))
    before = signature(str(folder))
    for old, new in ((0, 'x'), (2, 0), ('x', 2)):
        (folder / f'{old}.png').rename(folder / f'{new}.png')
    now = signature(str(folder))
    assert now[:2] == before[:2] and not same_signature(before, now)
    assert same_signature(before[:2], now)  # of a store of an earlier version
    assert not same_signature(None, now) and not same_signature(before, None)
    assert same_signature(None, None)


BUILDING = '''
import os, sys, time
from hesp_mmaction.apis.guarded import run_guarded
def slow(item):
    print(os.getpid(), flush=True)
    time.sleep(0.5)
list(run_guarded(slow, range(100), 2, 60))
'''


@pytest.mark.ci
@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGTERM])
def test_processes_end_with_the_one_that_started_them(number):
    with subprocess.Popen([sys.executable, '-c', BUILDING], stdout=subprocess.PIPE,
                          text=True) as process:
        for _ in range(2):
            process.stdout.readline()
        process.send_signal(number)
        # The pipe ends when nobody holds it any more.
        assert len(process.communicate(timeout=20)[0].splitlines()) <= 2


def test_nothing_is_run_that_an_index_says(tmp_path):
    (tmp_path / CLIPS).write_text('["not", "an index"]\n')
    with pytest.raises(InputError, match='no store in'):
        read_index(str(tmp_path))
