import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.dataset import DefaultSampler, pseudo_collate
from torch.utils.data import DataLoader

from hesp_mmaction.apis.config_parts import clips_of_config
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.datasets import BASIC, AFEWDataset
from hesp_mmaction.datasets.afew import afew_clips
from hesp_mmaction.datasets.clip_loading import ClipDecode, ClipInit
from hesp_mmaction.datasets.emotions import UNDECODABLE
from hesp_mmaction.errors import InputError

ROOT = Path(__file__).parents[2]
KNOWN = ['happy', 'anger', 'sad']


class Draw:
    """A transform that only draws random numbers of all three kinds."""

    def __call__(self, info):
        import random
        return dict(info, drawn=(random.random(), np.random.rand(), float(torch.rand(()))))


class ReadLast:
    """Decodes the last frame; fails on a clip that is cut off."""

    def __call__(self, info):
        opened = ClipInit()(dict(filename=info['filename']))
        last = np.array([opened['total_frames'] - 1])
        return dict(info, frame=ClipDecode()(dict(opened, frame_inds=last))['imgs'][0])


def make(root, part='train', known=KNOWN, pipeline=(), **kwargs):
    return AFEWDataset(str(root), known=known, part=part, pipeline=list(pipeline), **kwargs)


@pytest.fixture
def copy(tiny_afew, tmp_path):
    return shutil.copytree(tiny_afew, tmp_path / 'afew')


@pytest.fixture
def messages(monkeypatch):
    logged = []
    for module in ('listed_clips', 'openset'):
        monkeypatch.setattr(f'hesp_mmaction.datasets.{module}.print_log',
                            lambda text, logger=None, level=logging.INFO: logged.append(text))
    return logged


def test_train_keeps_the_known_and_test_keeps_all(tiny_afew, messages):
    train, test = make(tiny_afew), make(tiny_afew, 'test')
    assert len(train) == 6 and len(test) == 14
    expected = dict(happiness=0, anger=1, sadness=2)
    for data in (train, test):
        for i in range(len(data)):
            info = data.get_data_info(i)
            assert info['label'] == expected.get(info['emotion'], -1)
            assert info['start_index'] == 0 and info['modality'] == 'RGB'
    assert {train[i]['emotion'] for i in range(6)} == set(expected)
    info = test.get_data_info(0)
    assert info['sample_id'] == 'Val_AFEW/Angry/000.avi'
    assert info['filename'] == str(tiny_afew / info['sample_id'])
    assert test.metainfo['classes'] == ('happiness', 'anger', 'sadness')
    assert test.metainfo['unknown'] == ('disgust', 'fear', 'neutral', 'surprise')
    assert test.test_mode and not train.test_mode
    assert '6 clips (happiness 2, anger 2, sadness 2)' in messages[0]


def test_the_registry_builds_it(tiny_afew):
    data = DATASETS.build(dict(type='AFEWDataset', data_root=str(tiny_afew), known=KNOWN,
                               part='test', pipeline=[]))
    assert len(data) == 14


def test_folder_names_in_any_case_and_other_containers(copy):
    (copy / 'Train_AFEW' / 'Happy').rename(copy / 'Train_AFEW' / 'hAPPINESS')
    clip = copy / 'Train_AFEW' / 'Angry' / '000.avi'
    clip.rename(clip.with_suffix('.MKV'))
    (clip.parent / '._001.avi').write_bytes(b'left by a Mac')
    (clip.parent / 'notes.txt').write_text('no clip')
    data = make(copy)
    assert len(data) == 6
    assert 'Train_AFEW/Angry/000.MKV' in [data[i]['sample_id'] for i in range(6)]


def test_missing_folders_say_where_and_how(tmp_path, copy):
    with pytest.raises(FileNotFoundError, match='nowhere.*make_synthetic.py --layout afew'):
        make(tmp_path / 'nowhere')
    shutil.rmtree(copy / 'Val_AFEW')
    with pytest.raises(FileNotFoundError, match='Val_AFEW'):
        make(copy, 'test')


@pytest.mark.parametrize('name, remedy', [('Bored', 'move it elsewhere or name it as one of anger'),
                                          ('Contempt', 'set classes=found')])
def test_an_unexpected_folder_is_an_error(copy, name, remedy):
    (copy / 'Train_AFEW' / name).mkdir()
    with pytest.raises(ValueError, match=f'{name} is not a folder of an AFEW emotion; .*{remedy}'):
        make(copy)


def test_contempt_in_the_folders_needs_one_option(copy):
    for part in ('Train_AFEW', 'Val_AFEW'):
        shutil.copytree(copy / part / 'Sad', copy / part / 'Contempt')
    cfg = Config.fromfile(ROOT / 'configs/hesp_afew_o34.py')
    override(cfg, dict(data_root=str(copy), classes='found'), known=['contempt', 'anger'])
    train, val, test = (DATASETS.build(dict(cfg[f'{name}_dataloader'].dataset, pipeline=[]))
                        for name in ('train', 'val', 'test'))
    assert train.metainfo['classes'] == ('contempt', 'anger')
    assert len(train) == 4 and len(val) == len(test) == 16
    assert test.metainfo['unknown'] == BASIC[1:]
    assert len(clips_of_config(cfg)) == 32  # of check_data.py and build_cache.py
    with pytest.raises(InputError, match='contempt.*if its clips have it, set classes=found'):
        make(copy, known=['contempt', 'anger'])
    (copy / 'Train_AFEW' / 'Bored').mkdir()
    with pytest.raises(InputError, match='Bored is not a folder .*or name it as one of .*contempt'):
        make(copy, classes='found')
    with pytest.raises(InputError, match='classes must be one of .*found'):
        make(copy, classes='all')


def test_every_kind_of_video_and_folders_of_frames_are_found_and_the_rest_is_named(copy, messages):
    folder = copy / 'Train_AFEW' / 'Angry'
    content = (folder / '000.avi').read_bytes()
    for name in ('a.MOV', 'b.webm', 'c.M4V', 'd.gif'):
        (folder / name).write_bytes(content)
    for name in ('frames', '001', 'empty'):  # 001 are the frames of 001.avi: not a second clip
        (folder / name).mkdir()
    for name in ('frames/1.jpg', '001/1.jpg', 'stray.png', 'notes.txt', '.hidden.avi'):
        (folder / name).write_bytes(b'')
    found = {path.rpartition('/')[2] for path, emotion, _ in afew_clips(str(copy), 'train')[0]
             if emotion == 'anger'}
    assert found == {'000.avi', '001.avi', 'a.MOV', 'b.webm', 'c.M4V', 'd.gif', 'frames'}
    make(copy)
    text, = (text for text in messages if 'passed over' in text)
    assert 'train' in text and text.count('Angry') == 4 and ': 4 passed over' in text
    assert all(f'Angry/{name}' in text for name in ('001', 'empty', 'notes.txt', 'stray.png'))
    make(copy, 'test')
    assert len([text for text in messages if 'passed over' in text]) == 1


def test_an_argument_that_a_data_set_does_not_take(tiny_afew):
    with pytest.raises(InputError, match='AFEWDataset does not take fold, speed.*classes=found'):
        make(tiny_afew, speed=2, fold=1)


@pytest.mark.parametrize('kwargs, message', [
    (dict(part='val'), 'part must be one of'), (dict(on_bad_clip='ignore'), 'on_bad_clip must be'),
    (dict(known=['happy']), 'at least two'), (dict(known=['happy', 'envy']), 'envy')])
def test_bad_arguments(tiny_afew, kwargs, message):
    with pytest.raises(ValueError, match=message):
        make(tiny_afew, **kwargs)


def test_known_class_or_all_unknown_without_clips(copy):
    shutil.rmtree(copy / 'Train_AFEW' / 'Sad')
    with pytest.raises(ValueError, match="'train'.*has no clips of sadness"):
        make(copy)
    for folder in ('Disgust', 'Fear', 'Neutral', 'Surprise'):
        shutil.rmtree(copy / 'Val_AFEW' / folder)
    with pytest.raises(ValueError, match="'test'.*has no clips of any unknown class"):
        make(copy, 'test')


@pytest.mark.parametrize('content', [b'', b'this is no video'])
def test_clips_that_cannot_be_opened(copy, messages, content):
    (copy / 'Val_AFEW' / 'Sad' / '001.avi').write_bytes(content)
    data = make(copy, 'test')
    assert len(data) == 13
    assert messages[0].startswith('1 bad clips left out') and 'Sad/001.avi' in messages[0]
    with pytest.raises(ValueError, match='1 bad clips.*001.avi'):
        make(copy, 'test', on_bad_clip='raise')
    assert len(make(copy)) == 6  # the other part is untouched


def cut(path, share):
    """Blanks the end of a clip but keeps its index, so that it can still be opened."""
    content = path.read_bytes()
    index = content.rindex(b'idx1')
    start = int(index * share)
    path.write_bytes(content[:start] + bytes(index - start) + content[index:])


def test_a_clip_that_breaks_while_decoding(copy, messages):
    for part in ('Train_AFEW', 'Val_AFEW'):
        cut(copy / part / 'Sad' / '001.avi', 0.8)
    train, test = make(copy, pipeline=[ReadLast()]), make(copy, 'test', pipeline=[ReadLast()])
    assert len(train) == 6 and len(test) == 14
    ids = [train[i]['sample_id'] for i in range(6)]
    assert 'Train_AFEW/Sad/001.avi' not in ids
    assert ids == [train[i]['sample_id'] for i in range(6)]  # replaced by the same one
    assert len(train.broken) == 1  # named once
    assert len([text for text in messages if 'other clips take its place' in text]) == 1
    index = [test.get_data_info(i)['sample_id'] for i in range(14)].index('Val_AFEW/Sad/001.avi')
    marked = test[index]
    assert marked['sample_id'] == 'Val_AFEW/Sad/001.avi' and marked['emotion'] == UNDECODABLE
    assert marked['filename'] != str(copy / 'Val_AFEW' / 'Sad' / '001.avi')
    with pytest.raises(InputError, match='Sad/001.avi cannot be decoded'):
        make(copy, 'test', pipeline=[ReadLast()], on_bad_clip='raise')[index]
    strict = make(copy, pipeline=[ReadLast()], on_bad_clip='raise')
    with pytest.raises(InputError, match='Sad/001.avi'):
        [strict[i] for i in range(6)]


def test_a_mistake_in_the_pipeline_is_not_hidden(tiny_afew):
    def wrong(info):
        raise RuntimeError('wrong shape')
    with pytest.raises(RuntimeError, match='wrong shape'):
        make(tiny_afew, pipeline=[wrong])[0]


def drawn(data):
    return {data[i]['sample_id']: data[i]['drawn'] for i in range(len(data))}


def test_augmentation_depends_on_seed_epoch_and_sample_alone(tiny_afew):
    data = make(tiny_afew, pipeline=[Draw()])
    first = drawn(data)
    assert len(set(first.values())) == 6
    torch.rand(7), np.random.rand(7)
    assert drawn(data) == first == drawn(make(tiny_afew, pipeline=[Draw()]))
    # A sample draws the same whatever its index, that is, whatever else is in the set.
    other = drawn(make(tiny_afew, known=['sad', 'fear'], pipeline=[Draw()]))
    shared = first.keys() & other.keys()
    assert shared and all(first[key] == other[key] for key in shared)
    data.set_epoch(1)
    assert not set(drawn(data).values()) & set(first.values())
    data.set_epoch(0)
    assert drawn(data) == first != drawn(make(tiny_afew, pipeline=[Draw()], seed=1))


def test_the_test_part_ignores_the_epoch(tiny_afew):
    data = make(tiny_afew, 'test', pipeline=[Draw()])
    first = drawn(data)
    data.set_epoch(5)
    assert drawn(data) == first


def test_global_generators_are_left_as_they_were(tiny_afew):
    data = make(tiny_afew, pipeline=[Draw()])
    torch.manual_seed(3), np.random.seed(3)
    expected = torch.rand(2).tolist(), np.random.rand(2).tolist()
    torch.manual_seed(3), np.random.seed(3)
    data[0]
    assert (torch.rand(2).tolist(), np.random.rand(2).tolist()) == expected


def test_the_epoch_reaches_workers_that_already_run(tiny_afew):
    data = make(tiny_afew, pipeline=[Draw()])
    expected = []
    for epoch in range(3):
        data.set_epoch(epoch)
        expected.append(drawn(data))
    loader = DataLoader(data, 2, sampler=DefaultSampler(data, shuffle=True), num_workers=2,
                        persistent_workers=True, collate_fn=pseudo_collate)
    for epoch in range(3):
        data.set_epoch(epoch)
        batches = list(loader)
        got = {key: values for batch in batches
               for key, values in zip(batch['sample_id'], zip(*batch['drawn'], strict=True),
                                      strict=True)}
        assert got == expected[epoch]
