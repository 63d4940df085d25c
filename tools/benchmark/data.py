"""Frames per second of the training pipeline: ours, MMAction2's, and plain JPEG files.

    python tools/benchmark/data.py --clips 40
    python tools/benchmark/data.py --loader --clips 60

Clips of 224 x 224 pixels are written to a temporary folder as .avi (motion JPEG), or taken from
``--data-root`` in AFEW's layout. ``stock`` is MMAction2's decord pipeline with the same sampling
and augmentation. ``jpeg`` only reads and decodes as many frames, each stored in its own file.
``ratio`` is ours with the cache over stock, ``ratio_uncached`` ours without the cache over stock.

``--loader`` times whole loaders with two worker processes on clips of AFEW's kind: 720 x 576
pixels, MPEG-4, 60 frames. (As JPEG their frames are slightly larger than photographs.) The figures
are clips per second from decoding, from a raw store and from a store of JPEG pictures; the seconds
to fill the stores; and ``share``, the bytes of JPEG over those of raw frames. ``cpu_ms`` is the
processor time per clip, which depends less on other programs. ``ratio`` is the raw store over
decoding.
"""
import argparse
import tempfile
import time
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
from common import ROOT, interleaved, last_line
from films import write_clips, write_films
from mmaction.registry import TRANSFORMS
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from torch.utils.data import DataLoader

from hesp_mmaction.apis import frame_room
from hesp_mmaction.apis.config_parts import clips_of_config
from hesp_mmaction.apis.frame_building import fill_store
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.datasets.frame_index import read_index
from hesp_mmaction.datasets.frame_store import first_resize
from hesp_mmaction.datasets.seeding import seeded_rng, stable_seed


def time_loaders(cfg, folder, count, repeats):
    """Time loaders with two workers. Stored clips are read ten times per turn.

    Args:
        cfg (mmengine.Config): the config whose training pipeline is used.
        folder (Path): where clips and stores are written.
        count (int): how many clips.
        repeats (int): turns.
    """
    write_films(folder, count)
    paths = {path.name: str(path) for path in sorted(folder.glob('*.avi'))}
    pipeline = cfg.train_dataloader.dataset.pipeline
    resize, figures, sizes = first_resize([pipeline]), {}, {}
    for kind, limit in (('raw', 1e12), ('jpeg', 0)):
        begin = time.perf_counter()
        with mock.patch.object(frame_room, 'RAW_LIMIT', limit):
            fill_store(str(folder / kind), paths, resize)
        figures[f'filling_{kind}_s'] = time.perf_counter() - begin
        sizes[kind] = sum(file.stat().st_size for file in (folder / kind).glob('clips/*/*'))
    steps = Compose([TRANSFORMS.build(step) for step in pipeline])

    class Clips:
        def __init__(self, kind):
            stored = read_index(str(folder / kind))['clips'] if kind else {}
            self.infos = [dict(filename=path, label=0, start_index=0, modality='RGB', emotion='',
                               sample_id=name, **({'stored': (str(folder / kind), stored[name])}
                                                  if kind else {}))
                          for name, path in paths.items()] * (10 if kind else 1)

        def __len__(self):
            return len(self.infos)

        def __getitem__(self, i):
            with seeded_rng(stable_seed(i)):
                return steps(dict(self.infos[i]))

    def epoch(kind):
        loader = DataLoader(Clips(kind), 8, num_workers=2, collate_fn=list,
                            persistent_workers=True)

        def run():
            for _ in loader:
                pass
        return run

    seconds = interleaved(dict(decoded=epoch(None), raw=epoch('raw'), jpeg=epoch('jpeg')), repeats)
    figures |= {f'{name}_clips_per_s': (1 if name == 'decoded' else 10) * count / value
                for name, value in seconds.items()}
    for name, kind in (('decoded', None), ('raw', 'raw'), ('jpeg', 'jpeg')):  # in this process
        clips = Clips(kind)
        begin = time.process_time()
        for i in range(count):
            clips[i]
        figures[f'{name}_cpu_ms'] = (time.process_time() - begin) / count * 1e3
    decoded = figures['decoded_clips_per_s']
    last_line(ratio=figures['raw_clips_per_s'] / decoded,
              ratio_jpeg=figures['jpeg_clips_per_s'] / decoded,
              share=sizes['jpeg'] / sizes['raw'], **figures, clips=count)


def stock(pipeline):
    """Make MMAction2's own pipeline with the same steps.

    Args:
        pipeline (list[dict]): the configs of our transforms.

    Returns:
        list[dict]: the configs of MMAction2's transforms.
    """
    names = dict(ClipInit='DecordInit', ClipDecode='DecordDecode')
    return [dict(step, type=names.get(step['type'], step['type'])) for step in pipeline]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data-root', help='clips in AFEW\'s layout')
    parser.add_argument('--clips', type=int, default=40)
    parser.add_argument('--frames', type=int, default=8)
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--loader', action='store_true',
                        help='whole loaders on clips of 720 x 576, stored and decoded')
    args = parser.parse_args()
    cv2.setNumThreads(0)
    init_default_scope('mmaction')
    cfg = Config.fromfile(ROOT / 'configs/hesp_afew_o34.py')
    override(cfg, dict(num_frames=args.frames))
    pipeline = cfg.train_dataloader.dataset.pipeline
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        if args.loader:
            time_loaders(cfg, folder, args.clips, args.repeats)
            return
        if args.data_root:
            override(cfg, dict(data_root=args.data_root))
            paths = dict(list(clips_of_config(cfg).items())[:args.clips])
        else:
            write_clips(folder, args.clips)
            paths = {path.name: str(path) for path in sorted(folder.glob('*.avi'))}
        fill_store(str(folder / 'store'), paths, first_resize([pipeline]))
        store = read_index(str(folder / 'store'))['clips']
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
