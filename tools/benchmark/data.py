"""Frames per second of the training pipeline: ours, cached and not, against MMAction2's and JPEG.

    python tools/benchmark/data.py --clips 40

Clips of 224 x 224 pixels are written to a temporary folder as .avi (motion JPEG), or taken from
``--data-root`` in AFEW's layout. Stock is MMAction2's decord pipeline with the same sampling and
augmentation; ``jpeg`` only reads and decodes as many frames, stored one by one. ``ratio`` is ours
with the cache over stock, ``ratio_uncached`` ours without.
"""
import argparse
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from common import ROOT, interleaved, last_line
from mmaction.registry import TRANSFORMS
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope

from hesp_mmaction.apis.wiring import clips_of_config, override
from hesp_mmaction.datasets.frame_store import first_resize
from hesp_mmaction.datasets.seeding import seeded_rng, stable_seed

sys.path.insert(0, str(ROOT / 'tools/data'))
from build_cache import build  # noqa: E402


def write_clips(folder, count, frames=60, size=224):
    """Smooth moving pictures; random noise would be harder to decode than any recording."""
    rng = np.random.default_rng(0)
    for i in range(count):
        path = folder / f'{i:03d}.avi'
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 25, (size, size))
        a, b = rng.integers(0, 256, (2, 8, 8, 3)).astype(np.uint8)
        a, b = (cv2.resize(x, (size, size), interpolation=cv2.INTER_CUBIC) for x in (a, b))
        for t in range(frames):
            writer.write(cv2.addWeighted(a, 1 - t / frames, b, t / frames, 0))
        writer.release()


def stock(pipeline):
    """MMAction2's own pipeline with the same steps."""
    names = dict(ClipInit='DecordInit', ClipDecode='DecordDecode')
    return [dict(step, type=names.get(step['type'], step['type'])) for step in pipeline]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data-root', help='clips in AFEW\'s layout')
    parser.add_argument('--clips', type=int, default=40)
    parser.add_argument('--frames', type=int, default=8)
    parser.add_argument('--repeats', type=int, default=5)
    args = parser.parse_args()
    cv2.setNumThreads(0)
    init_default_scope('mmaction')
    cfg = Config.fromfile(ROOT / 'configs/hesp_afew_o34.py')
    override(cfg, dict(num_frames=args.frames))
    pipeline = cfg.train_dataloader.dataset.pipeline
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        if args.data_root:
            override(cfg, dict(data_root=args.data_root))
            paths = dict(list(clips_of_config(cfg).items())[:args.clips])
        else:
            write_clips(folder, args.clips)
            paths = {path.name: str(path) for path in sorted(folder.glob('*.avi'))}
        store, _ = build(str(folder / 'store'), paths, first_resize([pipeline]))
        jpegs = []
        decode = Compose(pipeline[:4])
        for name, path in paths.items():
            with seeded_rng(0):
                images = decode(dict(filename=path, label=0, start_index=0, modality='RGB',
                                     sample_id=name, emotion=''))['imgs']
            for t, image in enumerate(images):
                jpegs.append(str(folder / f'{len(jpegs):05d}_{t}.jpg'))
                cv2.imwrite(jpegs[-1], np.ascontiguousarray(image[..., ::-1]))

        def epoch(steps, stored):
            steps = Compose([TRANSFORMS.build(step) for step in steps])

            def run():
                for name, path in paths.items():
                    info = dict(filename=path, label=0, start_index=0, modality='RGB',
                                sample_id=name, emotion='')
                    if stored:
                        info['stored'] = str(folder / 'store'), store[name]
                    with seeded_rng(stable_seed(name)):
                        steps(info)
            return run

        def read_jpegs():
            for path in jpegs:
                cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)

        seconds = interleaved(dict(
            cached=epoch(pipeline, True), uncached=epoch(pipeline, False),
            stock=epoch(stock(pipeline), False), jpeg=read_jpegs), args.repeats)
    count = len(paths) * args.frames
    rates = {f'{name}_fps': count / value for name, value in seconds.items()}
    last_line(ratio=rates['cached_fps'] / rates['stock_fps'],
              ratio_uncached=rates['uncached_fps'] / rates['stock_fps'], **rates,
              clips=len(paths), frames=args.frames)


if __name__ == '__main__':
    main()
