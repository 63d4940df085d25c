"""Crop, resize and flip of a batch on the device give what MMAction2's transforms give."""
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import FUNCTIONS, init_default_scope
from torch.utils.data import DataLoader

from hesp_mmaction.datasets.deferred import collate_deferred, defer, resized
from hesp_mmaction.datasets.seeding import seeded_rng
from hesp_mmaction.datasets.synthetic.clips import make_clip, write_video
from hesp_mmaction.errors import InputError
from hesp_mmaction.models.recognizers import ClipPreprocessor
from hesp_mmaction.models.resample import resample

CONFIG = Path(__file__).parents[2] / 'configs/_base_/datasets/afew.py'
BEGIN = [dict(type='ClipInit'),
         dict(type='SampleFrames', clip_len=1, num_clips=4, keep_tail_frames=True),
         dict(type='ClipDecode')]
END = [dict(type='FormatShape', input_format='NCHW'),
       dict(type='PackActionInputs', meta_keys=('img_shape',))]


def resize(width, height=None, **more):
    return dict(type='Resize', scale=(width, height or width), keep_ratio=False, **more)


def crop(least, most=1.0):
    return dict(type='RandomResizedCrop', area_range=(least, most))


FLIP = dict(type='Flip', flip_ratio=0.5)
DOWN = dict(type='Flip', flip_ratio=0.5, direction='vertical')
PIPELINES = dict(
    drawn_faces=[crop(0.6), resize(96), FLIP], afew=[resize(224), crop(0.6), resize(224), FLIP],
    larger=[crop(0.1, 0.4), resize(160), FLIP], smaller=[crop(0.6), resize(40, 56), FLIP],
    half=[dict(type='CenterCrop', crop_size=112), resize(56)], down=[DOWN, crop(0.6), resize(96)])
EXACT = dict(
    test=[resize(224)], mirrored=[resize(64), FLIP],
    centre=[dict(type='Resize', scale=(-1, 100)), dict(type='CenterCrop', crop_size=80)],
    square=[resize(90), dict(type='RandomCrop', size=50), FLIP, DOWN])


@pytest.fixture(scope='module', autouse=True)
def scope():
    init_default_scope('mmaction')


@pytest.fixture(scope='module')
def drawn(tmp_path_factory):
    """Drawn clips of 112, 112 and 150 pixels: list of paths."""
    folder = tmp_path_factory.mktemp('drawn')
    found = []
    for i, (emotion, size) in enumerate((('fear', 112), ('anger', 112), ('happiness', 150))):
        found.append(folder / f'{i}.avi')
        write_video(found[-1], make_clip(emotion, i, i, size=size))
    return found


def drawn_samples(pipeline, paths, seeds):
    run = Compose(deepcopy(pipeline))
    for seed in seeds:
        for i, path in enumerate(paths):
            with seeded_rng(10 * seed + i):
                yield run(dict(filename=str(path), start_index=0, modality='RGB', label=i))


@pytest.mark.parametrize('name', [*PIPELINES, *EXACT])
def test_pictures_are_those_of_the_cpu(name, drawn):
    """A level of 255 lower or higher at most, an eighth on average, because OpenCV cuts off what
    is left of intermediate sums; the same to the bit where nothing is resized on the device."""
    pipeline = [*BEGIN, *(PIPELINES | EXACT)[name], *END]
    expected = list(drawn_samples(pipeline, drawn, range(3)))
    samples = list(drawn_samples(defer(pipeline), drawn, range(3)))
    found = ClipPreprocessor()(collate_deferred(samples))['inputs']
    assert found.dtype == torch.float32 and torch.equal(found, found.round())
    difference = (found - torch.stack([s['inputs'] for s in expected]).float()).abs()
    assert difference.max() <= (name in PIPELINES) and difference.mean() <= 0.2
    shapes = [s['data_samples'].img_shape for s in samples]
    assert shapes == [s['data_samples'].img_shape for s in expected]
    assert shapes == [found.shape[-2:]] * len(shapes)


def bilinear(frame, top, left, bottom, right, height, width, mirrored):
    """Pixel by pixel, float64: the window of a frame (H, W) as a picture of another size."""
    window = frame[top:bottom, left:right].astype(float)
    picture = np.empty((height, width))
    for i in range(height):
        for j in range(width):
            y = min(max((i + 0.5) * (bottom - top) / height - 0.5, 0), bottom - top - 1)
            x = min(max((j + 0.5) * (right - left) / width - 0.5, 0), right - left - 1)
            y0, x0 = int(y), int(x)
            y1, x1 = min(y0 + 1, bottom - top - 1), min(x0 + 1, right - left - 1)
            picture[i, j] = sum(
                window[r, c] * (1 - abs(y - r)) * (1 - abs(x - c))
                for r in {y0, y1} for c in {x0, x1})
    return picture[:, ::-1] if mirrored else picture


@pytest.mark.parametrize('box, size, mirrored', [
    ((0, 0, 9, 13), (9, 13), False), ((2, 3, 8, 10), (11, 5), True),
    ((8, 12, 9, 13), (3, 4), False), ((0, 0, 9, 13), (4, 30), True)])
@pytest.mark.parametrize('dtype', [np.uint8, np.float32])
def test_bilinear_pixel_by_pixel(box, size, mirrored, dtype):
    """Nothing outside the window is seen, however near; only levels of uint8 are rounded."""
    frames = np.random.default_rng(0).integers(0, 256, (2, 2, 9, 13), np.uint8).astype(dtype)
    top, left, bottom, right = box
    rows = resized(np.arange(9.0)[top:bottom], size[0])
    columns = resized(np.arange(13.0)[left:right], size[1])[::-1 if mirrored else 1]
    found = resample(torch.from_numpy(frames), *(
        torch.tensor(places.copy(), dtype=torch.float32).expand(2, -1)
        for places in (rows, columns)))
    atol = 0.501 if dtype == np.uint8 else 1e-3
    for clip, pictures in zip(frames, found.numpy(), strict=True):
        for frame, picture in zip(clip, pictures, strict=True):
            assert np.abs(picture - bilinear(frame, *box, *size, mirrored)).max() <= atol


DRAWN_FACES = defer([*BEGIN, *PIPELINES['drawn_faces'], *END])


def test_frames_of_different_sizes_in_a_batch(drawn):
    """Each clip is what it is alone; and so it is from a loader with another collate function."""
    samples = list(drawn_samples(DRAWN_FACES, drawn, [5]))
    batch = collate_deferred(samples)
    assert batch['inputs'].shape == (3, 4, 3, 150, 150) and batch['inputs'].dtype == torch.uint8
    assert [s.gt_label.item() for s in batch['data_samples']] == [0, 1, 2]
    found = ClipPreprocessor()(batch)['inputs']
    # float32: the places are counted in frames of another size.
    for i, sample in enumerate(samples):
        alone = ClipPreprocessor()(collate_deferred([sample]))['inputs'][0]
        difference = (found[i] - alone).abs()
        assert difference.max() <= 1 and (difference > 0).float().mean() < 1e-3
    assert torch.equal(ClipPreprocessor()(pseudo_collate(samples))['inputs'], found)


def test_the_batch_goes_to_the_device_of_the_model(drawn):
    batch = collate_deferred(list(drawn_samples(DRAWN_FACES, drawn, [0])))
    batch['data_samples'] = list(batch['data_samples'])
    found = ClipPreprocessor().to('meta')(batch)
    assert found['inputs'].device.type == 'meta' and found['inputs'].shape == (3, 4, 3, 96, 96)
    # Samples stay: their labels go over in one copy, and an evaluation reads them on the CPU.
    assert all(ours is theirs and ours.gt_label.device.type == 'cpu' for ours, theirs in zip(
        found['data_samples'], batch['data_samples'], strict=True))


def build(root, part, **more):
    cfg = Config.fromfile(CONFIG)[f'{part}_dataloader'].dataset
    return DATASETS.build(dict(cfg, data_root=str(root), **more))


@pytest.mark.parametrize('part', ['train', 'test'])
def test_a_data_set_draws_as_without(tiny_afew, part):
    """Same frames and crops as on the CPU, in any worker; others in another epoch of a training."""
    plain, data = build(tiny_afew, part), build(tiny_afew, part, device_transforms=True)
    collate = FUNCTIONS.get('collate_deferred')
    seen = []
    for epoch in (0, 1):
        for dataset in (plain, data):
            dataset.set_epoch(epoch)
        one, = DataLoader(data, len(data), collate_fn=collate)
        parts = list(DataLoader(data, 2, collate_fn=collate, num_workers=2))
        for key in ('inputs', 'rows', 'columns'):
            assert torch.equal(torch.cat([p[key] for p in parts]), one[key])
        found = ClipPreprocessor()(one)['inputs']
        expected = torch.stack([plain[i]['inputs'] for i in range(len(plain))]).float()
        assert (found - expected).abs().max() <= (part == 'train')
        assert [s.sample_id for s in one['data_samples']] == [
            plain.get_data_info(i)['sample_id'] for i in range(len(plain))]
        seen.append(one['columns'])
    assert torch.equal(*seen) == (part == 'test')


@pytest.mark.parametrize('before, deferred', [
    ([], [crop(0.6), resize(32), FLIP]), ([resize(64)], [crop(0.6), resize(32), FLIP]),
    ([resize(64), dict(type='ColorJitter')], [FLIP, resize(32), crop(0.6)]),
    ([resize(64)], []), ([resize(64), resize(32)], []), ([crop(0.6), dict(type='ColorJitter')], []),
    ([dict(type='TenCrop', crop_size=8)], []), ([crop(0.6), resize(32, lazy=True)], [FLIP]),
    ([crop(0.6), resize(32, interpolation='bicubic')], [FLIP])])
def test_what_is_deferred_and_what_stays(before, deferred):
    steps = [*BEGIN, *before, *deferred, *END]
    given = deepcopy(steps)
    assert defer(steps) == [*BEGIN, *before,
                            dict(type='DeferredTransforms', steps=deferred, last=END)]
    assert steps == given


@pytest.mark.parametrize('steps', [[], END[1:], [*END, FLIP], [*END[::-1]], [END[1], END[1]]])
def test_another_end_is_refused(steps):
    with pytest.raises(InputError, match='a pipeline with FormatShape and PackActionInputs at its'):
        defer(steps)


@pytest.mark.gpu
def test_a_gpu_gives_the_same_from_one_copy(drawn):
    """Frames in pinned memory come over at once; no step waits for the GPU."""
    if not torch.cuda.is_available():
        pytest.skip('there is no GPU')
    samples = list(drawn_samples(DRAWN_FACES, drawn, range(3)))
    here, there = ClipPreprocessor(), ClipPreprocessor().to('cuda')
    batch, = DataLoader(samples, len(samples), collate_fn=collate_deferred, pin_memory=True)
    assert batch['inputs'].is_pinned()
    there(batch)
    torch.cuda.set_sync_debug_mode('error')
    try:
        found = there(batch)['inputs']
    finally:
        torch.cuda.set_sync_debug_mode('default')
    difference = (found.cpu() - here(batch)['inputs']).abs()
    assert difference.max() <= 1 and (difference > 0).float().mean() < 1e-3
