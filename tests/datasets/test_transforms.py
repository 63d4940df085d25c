"""MMAction2's own transforms, as configs/_base_/datasets/afew.py puts them together."""
from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS, TRANSFORMS
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope

from hesp_mmaction import datasets, evaluation  # noqa: F401

CONFIG = Path(__file__).parents[2] / 'configs' / '_base_' / 'datasets' / 'afew.py'


@pytest.fixture(scope='module', autouse=True)
def scope():
    init_default_scope('mmaction')


def load(root):
    cfg = Config.fromfile(CONFIG)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.data_root = str(root)
    return cfg


def build(root, part):
    return DATASETS.build(load(root)[f'{part}_dataloader'].dataset)


@pytest.mark.parametrize('part', ['train', 'val', 'test'])
def test_the_config_gives_uint8_frames_and_the_metainfo(tiny_afew, part):
    data = build(tiny_afew, part)
    for i in range(len(data)):
        item = data[i]
        assert item['inputs'].dtype == torch.uint8
        assert item['inputs'].shape == (8, 3, 224, 224)
        sample = item['data_samples']
        known = data.metainfo['classes']
        label = known.index(sample.emotion) if sample.emotion in known else -1
        assert sample.gt_label.tolist() == [label]
        as_dict = sample.to_dict()
        assert as_dict['sample_id'].endswith('.avi') and as_dict['gt_label'].item() == label


def test_train_clips_are_the_same_again_and_others_in_the_next_epoch(tiny_afew):
    data, again = build(tiny_afew, 'train'), build(tiny_afew, 'train')
    first = [data[i]['inputs'] for i in range(len(data))]
    assert all(torch.equal(x, again[i]['inputs']) for i, x in enumerate(first))
    data.set_epoch(1)
    assert not any(torch.equal(x, data[i]['inputs']) for i, x in enumerate(first))


def test_test_clips_show_the_whole_middle_frames(tmp_path, write_clip):
    """Frames are grey with level 20 i, their left half white: decoded by number, not cropped."""
    frames = np.stack([np.full((48, 64, 3), 20 * i, np.uint8) for i in range(12)])
    frames[:, :, :32] = 255
    for folder in ('Disgust', 'Fear', 'Happy', 'Sad'):
        path = tmp_path / 'Val_AFEW' / folder
        path.mkdir(parents=True)
        write_clip(path / '000.avi', frames)
    inputs = build(tmp_path, 'test')[0]['inputs'].float()
    expected = [20 * int((i + 0.5) * 12 / 8) for i in range(8)]
    assert np.allclose(inputs[:, :, :, 120:].mean((1, 2, 3)), expected, atol=4)
    assert inputs[:, :, :, :104].mean() > 250


def frame_numbers(total_frames, part, cfg):
    sample = TRANSFORMS.build(cfg[f'{part}_pipeline'][1])
    return sample(dict(total_frames=total_frames, start_index=0))['frame_inds']


@pytest.mark.parametrize('total', [1, 2, 3, 7, 8, 9, 12, 100])
def test_frame_numbers(total, tmp_path):
    cfg = load(tmp_path)
    centres = [int((i + 0.5) * total / 8) for i in range(8)]
    assert frame_numbers(total, 'test', cfg).tolist() == centres
    edges = np.arange(9) * total / 8
    seen = set()
    for seed in range(200):
        np.random.seed(seed)
        numbers = frame_numbers(total, 'train', cfg)
        assert (np.floor(edges[:-1]) <= numbers).all() and (numbers <= edges[1:]).all()
        assert numbers.max() < total
        seen.update(numbers.tolist())
    if total <= 12:
        assert seen == set(range(total))  # the tail too


def test_only_sampled_frames_are_asked_for(tiny_afew):
    """The reader is asked for the eight frames alone, in order, and closed."""
    cfg, asked = load(tiny_afew), []
    steps = Compose(cfg.test_pipeline).transforms
    info = steps[1](steps[0](build(tiny_afew, 'test').get_data_info(0)))

    class Frames:
        def __getitem__(self, number, frames=info['clip_frames']):
            asked.append(number)
            return frames[number]

        def close(self):
            asked.append('closed')
    info['clip_frames'] = Frames()
    assert len(steps[2](info)['imgs']) == 8
    assert asked == [0, 2, 3, 5, 6, 8, 9, 11, 'closed']


def test_a_clip_shorter_than_eight_frames(tmp_path, write_clip):
    frames = np.stack([np.full((32, 32, 3), 80 * i, np.uint8) for i in range(3)])
    for folder in ('Disgust', 'Fear', 'Happy'):
        path = tmp_path / 'Train_AFEW' / folder
        path.mkdir(parents=True)
        write_clip(path / '000.avi', frames)
    levels = build(tmp_path, 'train')[0]['inputs'].float().mean((1, 2, 3))
    assert len(levels) == 8 and (levels.diff() > -4).all()


def test_one_list_of_known_names_in_the_config(tmp_path):
    cfg = load(tmp_path)
    assert cfg.train_dataloader.dataset.known == cfg.known == cfg.test_dataloader.dataset.known
    assert cfg.val_evaluator.type == cfg.test_evaluator.type == 'OpenSetMetric'
