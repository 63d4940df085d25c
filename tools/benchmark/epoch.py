"""How busy the card is in a training epoch of AFEW's size: clips from the store, steps, loaders.

    python tools/benchmark/epoch.py --amp
    CUDA_VISIBLE_DEVICES= python tools/benchmark/epoch.py --clips 6 --videos 2 --epochs 2

By default HESP on CLIP ViT-B/32 with random weights trains on 240 clips of 720 x 576 pixels with 60
frames each, in batches of 64. mmengine's Runner trains as in tools/train.py, without checkpoint,
threshold or test. The clips are made in a temporary folder and decoded into the store before the
first epoch. It runs on the card if the machine has one, else on the CPU.

The last line has median seconds of an epoch, without the first epoch, which starts workers and
compiles: ``epoch``; ``step``, from the batch at hand to the end of the optimizer's work, measured
on the card by its own events; ``wait``, in the loader. ``ratio`` is ``step`` over ``epoch``: the
share of the time in which the card has a step to do. ``kernels`` is the share in which a kernel or
a copy runs, measured in one more epoch under a profiler. The difference from ``ratio`` is
launching.
"""
import argparse
import logging
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import torch
from common import ARCH, device_of, kernels_of, last_line, name_of, wait
from films import write_films
from mmengine.hooks import Hook
from torch.profiler import ProfilerActivity, profile

from hesp_mmaction.apis.configs import load_config, our_config
from hesp_mmaction.apis.loading import prepare_loading
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.compat.launching import optim_wrapper_cfg
from hesp_mmaction.engine import QuietRunner

FOLDERS = 'Disgust', 'Fear', 'Happy'  # of the known emotions of split 0
FILMS = 24  # different clips; the others are copies, which are decoded all the same
AFTER = ('ThresholdHook', 'FitHook', 'ResultsHook', 'CurvesHook')  # what follows an epoch


class TimedLoader:
    """A loader that sums the seconds in which the training waits for its batches.

    Args:
        loader (DataLoader): the loader to time.
    """

    def __init__(self, loader):
        self.loader, self.seconds = loader, 0.0

    def __getattr__(self, name):
        return getattr(self.loader, name)

    def __len__(self):
        return len(self.loader)

    def __iter__(self):
        begin = time.perf_counter()
        batches = iter(self.loader)  # workers are given their first batches here
        self.seconds += time.perf_counter() - begin
        return self._timed(batches)

    def _timed(self, batches):
        begin = time.perf_counter()
        for batch in batches:
            self.seconds += time.perf_counter() - begin
            yield batch
            begin = time.perf_counter()
        self.seconds += time.perf_counter() - begin


class Clock(Hook):
    """Times every epoch of a training. On a card the last epoch is profiled instead.

    Args:
        device (torch.device): where the training runs.

    Attributes:
        epochs (list[dict[str, float]]): ``epoch``, ``step`` and ``wait`` in seconds.
        kernels (float | None): seconds in which kernels and copies ran in the profiled epoch.
        peak (int): bytes on the card, at most, of all steps.
    """
    priority = 'VERY_HIGH'

    def __init__(self, device):
        self.device, self.epochs, self.kernels, self.peak = device, [], None, 0

    def now(self):
        """Note this moment: an event on a card, else seconds."""
        if self.device.type != 'cuda':
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def before_train(self, runner):
        self.loader = runner.train_loop.dataloader = TimedLoader(runner.train_loop.dataloader)

    def before_train_epoch(self, runner):
        self.profile = None
        if self.device.type == 'cuda' and runner.epoch + 1 == runner.max_epochs:
            self.profile = profile(activities=[ProfilerActivity.CUDA])
            self.profile.start()
        self.steps, self.loader.seconds = [], 0.0
        wait(self.device)
        self.begin = time.perf_counter()

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.start = self.now()

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.steps.append((self.start, self.now()))
        if self.device.type == 'cuda':  # each line of the log begins this figure anew
            self.peak = max(self.peak, torch.cuda.max_memory_allocated())

    def after_train_epoch(self, runner):
        wait(self.device)
        epoch = time.perf_counter() - self.begin
        if self.profile is not None:
            self.profile.stop()
            self.kernels = sum(e.self_device_time_total for e in kernels_of(self.profile)) / 1e6
            return
        step = sum(end - start if self.device.type != 'cuda' else start.elapsed_time(end) / 1e3
                   for start, end in self.steps)
        self.epochs.append(dict(epoch=epoch, step=step, wait=self.loader.seconds))


def write_afew(root, clips):
    """Write films of AFEW's kind in its layout, in equal numbers for three emotions.

    Args:
        root (Path): the folder of the data.
        clips (int): the number of films.
    """
    (root / 'films').mkdir(parents=True)
    write_films(root / 'films', min(clips, FILMS))
    films = sorted((root / 'films').iterdir())
    for i in range(clips):
        folder = root / 'Train_AFEW' / FOLDERS[i % len(FOLDERS)]
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(films[i % len(films)], folder / f'{i:03d}.avi')


def train(folder, args, device):
    """Train for some epochs on films in a folder.

    Args:
        folder (Path): where films, store and work dir are written.
        args (argparse.Namespace): the parsed flags.
        device (torch.device): where the training runs.

    Returns:
        tuple[Clock, float, int]: the times, the seconds to fill the store, and the number of
        workers.
    """
    write_afew(folder / 'data', args.clips)
    cfg = load_config(our_config('hesp_afew_o34.py'))
    override(cfg, {'data_root': str(folder / 'data'), 'cache': str(folder / 'store'),
                   'clip.arch': args.arch, 'clip.pretrained': None,
                   'train_dataloader.batch_size': args.videos,
                   'train_cfg.max_epochs': args.epochs, 'precision.amp': args.amp,
                   'precision.compile': args.compile})
    for part in ('val', 'test'):
        for kind in ('cfg', 'dataloader', 'evaluator'):
            cfg[f'{part}_{kind}'] = None
    cfg.custom_hooks = [hook for hook in cfg.custom_hooks if hook['type'] not in AFTER]
    cfg.default_hooks.checkpoint = None
    cfg.work_dir, cfg.log_level = str(folder / 'work_dir'), 'WARNING'
    cfg.optim_wrapper = optim_wrapper_cfg(cfg.optim_wrapper, args.amp)
    begin = time.perf_counter()
    prepare_loading(cfg, ['train_dataloader'])
    filling, clock = time.perf_counter() - begin, Clock(device)
    runner = QuietRunner.from_cfg(cfg)
    runner.register_hook(clock)
    runner.train()
    return clock, filling, cfg.train_dataloader.num_workers


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--arch', default=ARCH, help='of open_clip')
    parser.add_argument('--clips', type=int, default=240)
    parser.add_argument('--videos', type=int, default=64, help='in a batch')
    parser.add_argument('--epochs', type=int, default=6, help='2 or more; 3 or more on a card')
    parser.add_argument('--threads', type=int, help='of the training process on a CPU')
    parser.add_argument('--amp', action='store_true', help='mixed precision')
    parser.add_argument('--compile', action='store_true', help='compile the frozen image tower')
    args = parser.parse_args()
    device = device_of('cuda')
    if args.epochs < 2 + (device.type == 'cuda'):
        parser.error('--epochs: the first one is not counted, and on a card the last one neither')
    if args.threads:
        torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as folder:
        clock, filling, workers = train(Path(folder), args, device)
        logging.shutdown()  # its file is in the folder
    found = {key: statistics.median(epoch[key] for epoch in clock.epochs[1:])
             for key in ('epoch', 'step', 'wait')}
    more = {}
    if clock.kernels is not None:
        more = dict(kernels=clock.kernels / found['epoch'],
                    MiB=clock.peak / 2 ** 20)
    last_line(ratio=found['step'] / found['epoch'], **found, **more, filling=filling,
              clips=args.clips, videos=args.videos, epochs=args.epochs, workers=workers,
              arch=args.arch, amp=args.amp, compile=args.compile, torch=torch.__version__,
              device=name_of(device))


if __name__ == '__main__':
    main()
