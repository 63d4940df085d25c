"""Workers that share batches and load ahead give the batches of a loader without workers."""
import time
from types import SimpleNamespace

import pytest
import torch
from mmengine.dataset import DefaultSampler
from mmengine.hooks import DistSamplerSeedHook
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch.utils.data import BatchSampler, DataLoader

import hesp_mmaction  # noqa: F401
from hesp_mmaction.datasets import AFEWDataset
from hesp_mmaction.datasets.deferred import collate_deferred, join_portions
from hesp_mmaction.engine import EvenBatchSampler, OpenSetHook, PortionLoader, ResumableTrainLoop
from hesp_mmaction.engine import batch_sampler as batch_sampler_module
from hesp_mmaction.engine.portion_loader import PortionSampler, in_portions
from hesp_mmaction.models.recognizers import ClipPreprocessor

KNOWN = ('anger', 'disgust', 'fear', 'happiness', 'neutral', 'sadness', 'surprise')
PIPELINE = [
    dict(type='ClipInit'),
    dict(type='SampleFrames', clip_len=1, num_clips=2, keep_tail_frames=True),
    dict(type='ClipDecode'), dict(type='RandomResizedCrop', area_range=(0.3, 1.0)),
    dict(type='Resize', scale=(24, 24), keep_ratio=False), dict(type='Flip', flip_ratio=0.5),
    dict(type='FormatShape', input_format='NCHW'),
    dict(type='PackActionInputs', meta_keys=('sample_id', 'img_shape'))]
SAMPLES = 14  # of the training part of tiny_afew


def loader_of(root, workers, deferred=False):
    init_default_scope('mmaction')
    return Runner.build_dataloader(dict(
        dataset=dict(type='AFEWDataset', data_root=str(root), known=KNOWN, part='train',
                     closed_set=True, pipeline=PIPELINE, device_transforms=deferred),
        sampler=dict(type='DefaultSampler', shuffle=True, round_up=False), batch_size=5,
        batch_sampler=dict(type='EvenBatchSampler'), num_workers=workers,
        persistent_workers=workers > 0,
        collate_fn=dict(type='collate_deferred' if deferred else 'pseudo_collate')), seed=3)


def content(batch):
    """Sample ids (list), labels (list) and the pictures (B, T, 3, 24, 24) the model sees."""
    samples = batch['data_samples']
    return ([s.sample_id for s in samples], [int(s.gt_label) for s in samples],
            ClipPreprocessor()(batch)['inputs'])


def assert_equal(found, expected):
    assert [batch[:2] for batch in found] == [batch[:2] for batch in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert torch.equal(ours[2], theirs[2])


def end_workers(loader):
    """Ends the workers of a loader, whatever they still have to do; they must not hang."""
    if loader.num_workers:
        workers = loader._iterator._workers
        begin = time.monotonic()
        loader._iterator._shutdown_workers()
        assert time.monotonic() - begin < 4 and not any(worker.is_alive() for worker in workers)


class FakeRunner:
    """What a loop and the two hooks that tell the epoch need of a Runner."""
    val_loop, model, visualizer = None, SimpleNamespace(train=lambda: None), SimpleNamespace()
    hooks = OpenSetHook(), DistSamplerSeedHook()
    epoch = property(lambda self: self.train_loop.epoch)
    train_dataloader = property(lambda self: self.train_loop.dataloader)

    def call_hook(self, name):
        if name == 'before_train_epoch':
            for hook in self.hooks:
                hook.before_train_epoch(self)


class Loop(ResumableTrainLoop):
    """A training whose steps keep what they get, in ``steps``, and when they are, in ``when``.

    ``in_last_step`` is called in the last step of every epoch.
    """

    def __init__(self, loader, epochs=3, in_last_step=lambda: None):
        runner = FakeRunner()
        self.steps, self.when, self.in_last_step = [], [], in_last_step
        runner.train_loop = self
        super().__init__(runner, loader, max_epochs=epochs)

    def run(self):
        try:
            super().run()
        finally:  # left to the garbage collector, they are waited for five seconds each
            end_workers(self.dataloader)

    def run_iter(self, idx, data_batch):
        self.steps.append(content(data_batch))
        self.when.append((self.epoch, idx))
        if idx + 1 == len(self.dataloader):
            self.in_last_step()


@pytest.fixture(scope='module')
def plain(tiny_afew):
    """Two lists of what three epochs of three steps see, without and with deferred transforms."""
    found = []
    for deferred in (False, True):
        loop = Loop(loader_of(tiny_afew, 0, deferred))
        loop.run()
        assert type(loop.dataloader) is DataLoader and len(loop.steps) == 9
        found.append(loop.steps)
    return found


@pytest.mark.parametrize('workers', [2, 3])
@pytest.mark.parametrize('deferred', [False, True])
def test_batches_of_all_epochs_are_those_without_workers(tiny_afew, plain, deferred, workers):
    loop = Loop(loader_of(tiny_afew, workers, deferred))
    assert isinstance(loop.dataloader, PortionLoader) and len(loop.dataloader) == 3
    loop.run()
    assert_equal(loop.steps, plain[deferred])
    assert loop.when == [(epoch, idx) for epoch in range(3) for idx in range(3)]
    for first, second in ((0, 3), (3, 6)):  # the same clip is not seen the same way twice
        views = dict(zip(sum((s[0] for s in loop.steps[first:first + 3]), []),
                         torch.cat([s[2] for s in loop.steps[first:first + 3]]), strict=True))
        again = dict(zip(sum((s[0] for s in loop.steps[second:second + 3]), []),
                         torch.cat([s[2] for s in loop.steps[second:second + 3]]), strict=True))
        assert views.keys() == again.keys() and len(views) == SAMPLES
        assert not any(torch.equal(views[name], again[name]) for name in views)


@pytest.mark.parametrize('skip', [1, 3])
def test_a_resumed_epoch_goes_on_with_the_same_batches(tiny_afew, plain, skip):
    """In the middle of an epoch, and after its last step."""
    loop = Loop(loader_of(tiny_afew, 2, True))
    loop.skip, loop._epoch = skip, 1
    loop.run()
    assert_equal(loop.steps, plain[True][3 + skip:])


def test_workers_load_the_next_epoch_during_the_last_step(tiny_afew, monkeypatch):
    """Without a step having ended; and nothing is loaded after the last epoch."""
    loaded = torch.zeros(1, dtype=torch.int64).share_memory_()
    prepare = AFEWDataset.prepare_data

    def counted(self, *args):
        loaded.add_(1)  # a lost update of two workers at once only makes the test wait longer
        return prepare(self, *args)
    monkeypatch.setattr(AFEWDataset, 'prepare_data', counted)
    counts = []

    def in_last_step():
        so_far = (loop.epoch + 1) * len(loop.dataloader.dataset)  # may have come before this step
        end = time.monotonic() + (20 if loop.epoch == 0 else 0.5)
        while time.monotonic() < end and int(loaded) < so_far + 2:
            time.sleep(0.01)
        counts.append(int(loaded) - so_far)
    loop = Loop(loader_of(tiny_afew, 2), 2, in_last_step)
    loop.run()
    assert counts[0] >= 2 and counts[1] <= 0


def test_an_epoch_that_has_begun_is_left_when_another_loader_takes_its_place(tiny_afew, plain):
    """As PseudoLabelHook does it; and a run that ends by an error leaves no iterator."""
    loop = Loop(loader_of(tiny_afew, 2), 2)
    loop.run_epoch()
    assert loop._begun[0] is loop.dataloader
    old, loop.dataloader = loop.dataloader, in_portions(loader_of(tiny_afew, 2))
    end_workers(old)
    loop.run_epoch()
    end_workers(loop.dataloader)
    assert_equal(loop.steps, plain[False][:6])

    def fail():
        raise RuntimeError('in a step')
    loop = Loop(loader_of(tiny_afew, 2), 2, fail)
    with pytest.raises(RuntimeError, match='in a step'):
        loop.run()
    assert loop._begun == (None, None)


def test_an_epoch_that_is_left_in_the_middle_does_not_disturb_the_next(tiny_afew, plain):
    loader = in_portions(loader_of(tiny_afew, 3, True))
    next(iter(loader))
    loader.batch_sampler.sampler.set_epoch(1)
    loader.dataset.set_epoch(1)
    assert_equal([content(batch) for batch in loader], plain[True][3:6])
    end_workers(loader)


@pytest.mark.parametrize('total', [1, 5, 16, 17, 31])
@pytest.mark.parametrize('workers', [2, 3, 8])
def test_portions_are_a_batch_cut_evenly_in_every_process(total, workers, monkeypatch):
    monkeypatch.setattr(batch_sampler_module, 'get_world_size', lambda: 2)
    for rank in range(2):
        sampler = DefaultSampler(list(range(total)), shuffle=True, seed=5, round_up=False)
        sampler.rank, sampler.world_size = rank, 2
        sampler.num_samples = len(range(rank, total, 2))
        batches = EvenBatchSampler(sampler, 7)
        portions = PortionSampler(batches, workers)
        found, sizes = list(portions), list(portions.counts)
        assert len(portions) == len(batches) == len(sizes)
        for batch, size in zip(batches, sizes, strict=True):
            parts, found = found[:size], found[size:]
            assert sum(parts, []) == batch and size <= min(workers, len(batch))
            assert max(map(len, parts)) == -(-len(batch) // workers) and min(map(len, parts)) > 0
        assert found == []


def test_frames_of_different_sizes_in_portions_are_padded_as_in_one_batch():
    rng = torch.Generator().manual_seed(0)
    samples = [dict(inputs=torch.randint(256, (2, 3, height, width), generator=rng).byte(),
                    rows=torch.linspace(0, height - 1, 6), columns=torch.linspace(0, width - 1, 5),
                    data_samples=number)
               for number, (height, width) in enumerate([(8, 9), (12, 7), (6, 6), (9, 15), (8, 9)])]
    whole = collate_deferred(samples)
    joined = join_portions([collate_deferred(samples[:2]), collate_deferred(samples[2:])])
    assert joined['data_samples'] == whole['data_samples'] == list(range(5))
    assert [tuple(part.shape) for part in joined['inputs']] == [(2, 2, 3, 12, 9), (3, 2, 3, 9, 15)]
    assert torch.equal(ClipPreprocessor()(joined)['inputs'], ClipPreprocessor()(whole)['inputs'])
    assert ClipPreprocessor().to('meta')(joined)['inputs'].shape == (5, 2, 3, 6, 5)


def test_loaders_that_cannot_share_batches_stay_as_they_are():
    data = [torch.ones(1)] * 4
    for loader in (DataLoader(data, 2), DataLoader(data, 2, num_workers=2),
                   DataLoader(data, None, num_workers=2, collate_fn=collate_deferred),
                   DataLoader(data, batch_sampler=BatchSampler(range(4), 2, False), num_workers=1,
                              collate_fn=collate_deferred)):
        assert in_portions(loader) is loader
