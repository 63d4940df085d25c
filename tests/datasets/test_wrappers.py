"""Repeated, joined and balanced data sets, through everything that asks a data set."""
import math
from collections import Counter

import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS
from mmengine.config import Config, ConfigDict
from mmengine.dataset import dataset_wrapper as mmengine_wrappers
from mmengine.registry import init_default_scope

from hesp_mmaction.apis.config_parts import clips_of_config
from hesp_mmaction.apis.tasks import find_task, set_task
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.datasets.wrappers import leaf_configs, leaves, pipeline_of
from hesp_mmaction.engine.hooks.common import plain_training_loader, tell
from hesp_mmaction.errors import InputError

CONFIG = 'configs/hesp_afew_o34.py'
KNOWN = ['disgust', 'fear', 'happiness']


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmaction')  # as a runner does


@pytest.fixture
def lists(tiny_afew, tmp_path):
    """Two lists of one folder: 4 clips of disgust and 1 each of two others; all of part test."""
    root = tiny_afew
    train = [f'Train_AFEW/{name}/{i:03d}.avi {label}' for name, label, count in (
        ('Disgust', 'disgust', 2), ('Fear', 'fear', 1), ('Happy', 'happiness', 1),
        ('Angry', 'anger', 2)) for i in range(count)]
    test = [f'Val_AFEW/{name}/{i:03d}.avi {label}' for name, label in (
        ('Disgust', 'disgust'), ('Fear', 'fear'), ('Happy', 'happiness'), ('Sad', 'sadness'))
        for i in range(2)]
    for name, lines in dict(train=train, test=test).items():
        (tmp_path / f'{name}.txt').write_text('\n'.join(lines))
    return dict(type='AFEWDataset', data_root=str(root), known=KNOWN, part='train',
                lists={part: str(tmp_path / f'{part}.txt') for part in ('train', 'test')},
                pipeline=small(Config.fromfile(CONFIG).train_pipeline))


def small(pipeline):
    """Two frames of 24 pixels."""
    for step in pipeline:
        if step.type == 'SampleFrames':
            step.num_clips = 2
        if step.type == 'Resize':
            step.scale = (24, 24)
    return pipeline


def wrapped(config, kind, **arguments):
    return dict(type=kind, dataset=config, **arguments)


def other_part(config):
    return dict(config, part='test', known=KNOWN, test_mode=False)


def names(dataset):
    return [dataset[i]['data_samples'].sample_id for i in range(len(dataset))]


def test_rare_classes_are_repeated_as_the_paper_says(lists):
    """Repeat factor ceil(sqrt(t / f)) of LVIS, by hand: f = 1/2 and 1/4 at t = 1."""
    dataset = DATASETS.build(wrapped(lists, 'ClassBalancedDataset', oversample_thr=1.0))
    counts = Counter(names(dataset))
    assert sorted(counts.values()) == [2, 2, 2, 2] == [math.ceil(math.sqrt(1 / f))
                                                       for f in (0.5, 0.5, 0.25, 0.25)]
    assert dataset.get_cat_ids(0) == [0] and dataset.metainfo['classes'] == tuple(KNOWN)
    dataset = DATASETS.build(wrapped(lists, 'ClassBalancedDataset', oversample_thr=0.5))
    assert sorted(Counter(names(dataset)).values()) == [1, 1, 2, 2]


@pytest.mark.parametrize('make', [
    lambda c: wrapped(c, 'RepeatDataset', times=2),
    lambda c: wrapped(c, 'ClassBalancedDataset', oversample_thr=1.0),
    lambda c: wrapped(wrapped(c, 'RepeatDataset', times=2), 'RepeatDataset', times=2),
    lambda c: wrapped(wrapped(c, 'RepeatDataset', times=2), 'ClassBalancedDataset',
                      oversample_thr=1.0),
    lambda c: dict(type='ConcatDataset', datasets=[
        wrapped(c, 'RepeatDataset', times=2), other_part(c)]),
    lambda c: wrapped(dict(type='ConcatDataset', datasets=[c, other_part(c)]),
                      'ClassBalancedDataset', oversample_thr=1.0)])
def test_every_copy_and_every_epoch_is_augmented_anew(lists, make):
    dataset, again = DATASETS.build(make(lists)), DATASETS.build(make(lists))
    plain = DATASETS.build(lists)
    tell(dataset, seed=3)
    tell(again, seed=3)
    tell(plain, seed=3)
    seen = {}
    for epoch in range(2):
        for each in (dataset, again, plain):
            tell(each, epoch=epoch)
        firsts = {s['data_samples'].sample_id: s['inputs'] for s in (
            plain[i] for i in range(len(plain)))}
        for i in range(len(dataset)):
            sample = dataset[i]
            name = sample['data_samples'].sample_id
            if name in firsts:  # the first copy is what the data set gives without a wrapper
                assert torch.equal(sample['inputs'], firsts.pop(name))
            key = name, sample['inputs'].numpy().tobytes()
            assert key not in seen, (i, seen[key])
            seen[key] = epoch, i
        for i in reversed(range(len(again))):  # whatever was asked for before
            assert torch.equal(again[i]['inputs'], dataset[i]['inputs'])


def test_copies_of_a_test_and_of_views(lists):
    """In a test all copies are one sample; with views a copy is what a later epoch sees."""
    test = DATASETS.build(wrapped(dict(lists, test_mode=True), 'RepeatDataset', times=2))
    assert torch.equal(test[0]['inputs'], test[4]['inputs'])
    views = DATASETS.build(wrapped(dict(lists, views=2), 'RepeatDataset', times=3))
    first = [views[0]['inputs'], views[4]['inputs'], views[8]['inputs']]
    tell(views, epoch=1)
    assert torch.equal(views[0]['inputs'], first[1]) and torch.equal(first[0], first[2])
    assert not torch.equal(first[0], first[1])


def config(lists, make):
    cfg = Config.fromfile(CONFIG)
    cfg.train_dataloader.dataset = make(ConfigDict(lists))
    cfg.test_dataloader.dataset = wrapped(dict(
        lists, part='test', pipeline=small(cfg.test_pipeline)), 'RepeatDataset', times=2)
    cfg.val_dataloader = cfg.test_dataloader
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.update(num_workers=0, persistent_workers=False)
    return cfg


@pytest.mark.parametrize('make', [
    lambda c: c,
    lambda c: wrapped(c, 'ClassBalancedDataset', oversample_thr=1.0),
    lambda c: dict(type='ConcatDataset', datasets=[
        wrapped(wrapped(c, 'RepeatDataset', times=3), 'ClassBalancedDataset',
                oversample_thr=1.0)])])
def test_what_is_fitted_sees_every_known_training_sample_once(lists, make):
    cfg = config(lists, make)
    override(cfg, dict(image_size=32))
    found = [sample for batch in plain_training_loader(cfg) for sample in batch['data_samples']]
    expected = [s for s in names(DATASETS.build(lists))]
    assert [s.sample_id for s in found] == expected and len(expected) == 4
    plain = DATASETS.build(dict(lists, test_mode=True, pipeline=pipeline_of(
        cfg.test_dataloader.dataset)))
    inputs = [x for batch in plain_training_loader(cfg) for x in batch['inputs']]
    assert all(torch.equal(x, plain[i]['inputs']) for i, x in enumerate(inputs))
    assert 'RepeatDataset' not in str(plain_training_loader(cfg).dataset)


def test_options_reach_the_data_sets_inside(lists, tiny_afew):
    cfg = config(lists, lambda c: dict(type='ConcatDataset', datasets=[
        wrapped(c, 'RepeatDataset', times=2), dict(c, part='test')]))
    override(cfg, {'image_size': 48, 'num_frames': 4, 'data_root': '/elsewhere', 'views': 3},
             known=['sadness', 'anger'])
    inside = [leaf for name in ('train', 'val', 'test')
              for leaf in leaf_configs(cfg[f'{name}_dataloader'].dataset)]
    assert len(inside) == 4
    for leaf in inside:
        assert leaf.known == ['sadness', 'anger'] and leaf.data_root == '/elsewhere'
        assert leaf.views == 3
        scales = {t['scale'] for t in leaf.pipeline if t['type'] == 'Resize'}
        assert scales == {(48, 48)}
        assert [t['num_clips'] for t in leaf.pipeline if t['type'] == 'SampleFrames'] == [4]
    cfg = config(lists, lambda c: wrapped(c, 'RepeatDataset', times=2))
    assert len(clips_of_config(cfg)) == 14  # both lists, each clip once
    set_task(cfg, find_task('mafw'))
    assert cfg.train_dataloader.dataset.type == 'RepeatDataset'
    leaf, = leaf_configs(cfg.train_dataloader.dataset)
    assert leaf.type == 'MAFWDataset' and leaf.part == 'train' and 'lists' not in leaf
    assert leaf.pipeline[0]['type'] == 'ClipInit'


@pytest.mark.parametrize('dataset', [
    dict(type='mmengine.RepeatDataset', times=2), dict(type='KFoldDataset', folds=2),
    dict(type=mmengine_wrappers.RepeatDataset, times=2)])
def test_other_wrappers_are_refused_in_one_line(lists, dataset):
    cfg = config(lists, lambda c: c)
    cfg.train_dataloader = dict(cfg.train_dataloader, dataset=ConfigDict(dataset, dataset=lists))
    with pytest.raises(InputError, match='does not know: use RepeatDataset, ClassBalanced'):
        override(cfg)
    built = mmengine_wrappers.RepeatDataset(DATASETS.build(lists), times=2)
    with pytest.raises(InputError, match='RepeatDataset is a wrapper'):
        leaves(built)


def test_joined_data_sets_that_do_not_go_together(lists):
    with pytest.raises(InputError, match='give all of them the same `known`'):
        DATASETS.build(dict(type='ConcatDataset', datasets=[
            lists, dict(other_part(lists), known=KNOWN[::-1])]))
    with pytest.raises(InputError, match='4 samples are in more than one.*Disgust/000.avi'):
        DATASETS.build(dict(type='ConcatDataset', datasets=[lists, dict(lists)]))
    with pytest.raises(InputError, match='different pipelines'):
        pipeline_of(dict(type='ConcatDataset', datasets=[lists, dict(lists, pipeline=[])]))


def test_a_list_of_hooks_that_loses_ours_is_refused(lists):
    cfg = config(lists, lambda c: c)
    cfg.custom_hooks = [dict(type='EMAHook')]
    with pytest.raises(InputError, match='custom_hooks has no OpenSetHook.*_base_.custom_hooks'):
        override(cfg)


def test_joined_data_sets_tell_all_their_emotions(lists, tiny_afew):
    """Two with the same known emotions and others unknown."""
    joined = DATASETS.build(dict(type='ConcatDataset', datasets=[lists, dict(
        lists, part='test', type='ListDataset')]))
    info = joined.metainfo
    assert info['classes'] == tuple(KNOWN)
    assert set(info['all_classes']) >= {'anger', 'sadness', *KNOWN}
    assert len(set(info['all_classes'])) == len(info['all_classes'])
    assert not set(info['unknown']) & set(KNOWN)
    assert np.cumsum([4, 8])[-1] == len(joined)
