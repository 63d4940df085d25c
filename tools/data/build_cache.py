"""Decode all clips of a config once into one memory-mapped store, for all splits and epochs.

    python tools/data/build_cache.py configs/hesp_afew_o34.py CACHE --cfg-options data_root=DIR
    python tools/train.py configs/hesp_afew_o34.py --cfg-options data_root=DIR cache=CACHE

All frames are kept, after the resize with which all pipelines of the config begin (as decoded, if
they do not), so the samples are exactly those that come from decoding. What it takes is printed
first; with too little room on the disk it stops there.
"""
import argparse
import os
import shutil
from functools import partial

import numpy as np
from mmaction.registry import TRANSFORMS
from mmengine.config import Config
from PIL import Image
from tqdm import tqdm

from hesp_mmaction.apis.configs import KeyValue
from hesp_mmaction.apis.parallel import run_guarded
from hesp_mmaction.apis.running import main
from hesp_mmaction.apis.wiring import DATALOADERS, clips_of_config, override
from hesp_mmaction.datasets.clip_loading import (
    FRAMES,
    ClipDecode,
    ClipInit,
    list_images,
    open_frames,
)
from hesp_mmaction.datasets.frame_store import INDEX, first_resize, signature, write_index
from hesp_mmaction.datasets.integrity import unreadable
from hesp_mmaction.datasets.video import BrokenClip
from hesp_mmaction.datasets.wrappers import leaf_configs
from hesp_mmaction.errors import InputError
from hesp_mmaction.files import whole_path

BLOCK = 32  # frames that are in memory at a time


def measure(path, resize=None):
    """What the index says of a clip, but for its place: (dict), see :func:`plan`.

    Args:
        path (str): the clip. resize (Callable, optional): the transform of the frames.

    Raises:
        BrokenClip: it cannot be opened. InputError: a folder of frames of different sizes, which
            in a sample become those of its first frame, so that pixels depend on the sample.
    """
    why = unreadable(path)
    if why:
        raise BrokenClip(why)
    if os.path.isdir(path) and len({Image.open(image).size for image in list_images(path)}) > 1:
        raise InputError(f'the frames of {path} differ in size: make them one size')
    opened = ClipInit()(dict(filename=path))
    first = ClipDecode()(dict(opened, frame_inds=np.array([0])))
    original = first['original_shape']
    height, width = (resize(first) if resize else first)['imgs'][0].shape[:2]
    return dict(frames=opened['total_frames'], shape=[height, width],
                original_shape=list(original), avg_fps=opened.get('avg_fps'),
                source=signature(path))


def plan(measured):
    """Where the frames of each clip begin.

    Args:
        measured (dict[str, dict]): name of a clip to what :func:`measure` gave.

    Returns:
        tuple: the same with ``start`` (dict[str, dict]), and the bytes of all.
    """
    start, planned = 0, {}
    for name in sorted(measured):
        planned[name] = dict(measured[name], start=start)
        height, width = measured[name]['shape']
        start += measured[name]['frames'] * height * width * 3
    return planned, start


def write_frames(file, path, entry, resize=None):
    """Decode a clip into its place in ``file``, the memory-mapped array of all frames."""
    target = np.load(file, mmap_mode='r+')
    height, width = entry['shape']
    place = entry['start']
    frames = ClipInit()(dict(filename=path))['clip_frames']
    for begin in range(0, entry['frames'], BLOCK):
        images = [frames[n] for n in range(begin, min(begin + BLOCK, entry['frames']))]
        results = dict(imgs=images, img_shape=images[0].shape[:2])
        images = np.stack((resize(results) if resize else results)['imgs'])
        target[place:place + images.size] = images.ravel()
        place += images.size
    frames.close()
    if place != entry['start'] + entry['frames'] * height * width * 3:
        raise BrokenClip('its frames differ in size')
    target.flush()


def build(folder, paths, resize_cfg=None, processes=2, timeout=600):
    """Write a store; one that is there is replaced.

    Args:
        folder (str): of the store. paths (dict[str, str]): sample id of a clip to its path.
        resize_cfg (dict, optional): the transform of the frames, of the config.

    Returns:
        tuple: what can be read and what not, the index's ``clips`` and ``bad`` (dicts).

    Raises:
        InputError: no clip can be opened, or there is not room enough.
    """
    resize = resize_cfg and TRANSFORMS.build(dict(resize_cfg, scale=tuple(resize_cfg['scale'])))
    run = partial(_run, processes=processes, timeout=timeout)
    found, bad = run(lambda name: measure(paths[name], resize), sorted(paths), 'measured')
    uneven = [why.partition(': ')[2] for why in bad.values() if why.startswith('InputError')]
    if uneven:
        raise InputError(f'{uneven[0]} (and {len(uneven) - 1} such clips more)')
    if not found:
        raise InputError(f'none of the {len(paths)} clips can be opened, such as {min(paths)}')
    clips, size = plan(found)
    os.makedirs(folder, exist_ok=True)
    free = shutil.disk_usage(folder).free
    print(f'{len(clips)} clips, {sum(c["frames"] for c in clips.values())} frames, '
          f'{size / 1e9:.3f} GB of {free / 1e9:.1f} GB free in {folder}', flush=True)
    if size > free:
        raise InputError(f'{size / 1e9:.3f} GB do not fit on the disk of {folder}: choose another '
                         'one or a smaller image_size')
    index, file = (os.path.join(folder, name) for name in (INDEX, FRAMES))
    with whole_path(file) as part:
        np.lib.format.open_memmap(part, 'w+', np.uint8, (size,)).flush()
        written, more = run(lambda name: write_frames(part, paths[name], clips[name], resize),
                            sorted(clips), 'decoded')
        if os.path.exists(index):
            os.remove(index)  # from here until the new one is written, there is no store
    open_frames.cache_clear()
    clips = {name: entry for name, entry in clips.items() if name in written}
    bad = {name: why.partition(': ')[2] or why for name, why in (bad | more).items()}
    write_index(folder, clips, bad, resize_cfg)
    return clips, bad


def _run(function, items, what, processes, timeout):
    """Item to result, and item to what went wrong."""
    done, wrong = {}, {}
    with tqdm(total=len(items), unit='clip', desc=what) as bar:
        for item, result, trouble in run_guarded(function, items, processes, timeout):
            bar.update()
            if trouble:
                wrong[item] = trouble
            else:
                done[item] = result
    return done, wrong


def command():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('out', metavar='CACHE', type=os.path.expanduser,
                        help='folder of the store')
    parser.add_argument('--cfg-options', nargs='+', action=KeyValue,
                        help='override settings of the config: key=value')
    parser.add_argument('--processes', type=int, default=os.cpu_count())
    args = parser.parse_args()
    cfg = Config.fromfile(args.config)
    override(cfg, args.cfg_options)
    paths = clips_of_config(cfg)
    resize_cfg = first_resize([leaf.pipeline for name in DATALOADERS if cfg.get(name)
                               for leaf in leaf_configs(cfg[name].dataset)])
    clips, bad = build(args.out, paths, resize_cfg, args.processes)
    for name, why in sorted(bad.items()):
        print(f'left out: {paths[name]} ({why})')
    print(f'{args.out}: {len(clips)} clips written; use it with --cfg-options cache={args.out}')


if __name__ == '__main__':
    main(command)
