"""What the demo page shows, without the page: models, sample clips and the answers for a clip."""
import os
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
import torch
from safetensors.torch import load_file, save_file

from ..datasets.decoding import VIDEO_EXTENSIONS, BrokenClip, open_video
from ..datasets.emotions import BASIC
from ..datasets.faces import DETECTORS
from ..datasets.synthetic.clips import make_clip, write_video
from ..datasets.synthetic.layouts import plan_afew, write_dataset
from ..errors import InputError
from ..evaluation import fit_threshold
from .clip_sources import find_clips
from .demo_pictures import activation_maps, reduced, shown_frames, spread
from .inferencer import HESPInferencer

ZERO_SHOT = 'clip_zeroshot_afew_o34.py'
EMBEDDED_CLIP = {'image_size': 96, 'clip.arch': 'small_face_clip', 'clip.pretrained': 'embedded'}
FEATURES = Path(__file__).parent / 'demo_features.safetensors'
FEATURES_SEED, PER_CLASS = 3, 40  # drawn training clips of no other use
# Clips to pick from: of persons that no model has seen, one after the other, not chosen by result.
SAMPLES_SEED, FIRST_PERSON = 4, 301
JOINED = ('happiness', 'surprise', 'sadness')
# What the page takes; more is for tools/infer.py.
LONGEST = 120  # seconds
MOST_FRAMES = 30_000  # LONGEST at 250 frames a second
MOST_PIXELS = 9_000_000  # of a frame; 4096 x 2160 are 8.8 million
MOST_BYTES = 500 * 2 ** 20  # of an upload


def write_samples(folder):
    """Draw a clip of each of the seven basic emotions, and one of three clips joined.

    Args:
        folder (str | Path): where the videos are written.

    Returns:
        dict[str, Path]: the path of each video, by name.
    """
    clips = {name: make_clip(name, FIRST_PERSON + i, i + 1, SAMPLES_SEED)
             for i, name in enumerate(BASIC)}
    person = FIRST_PERSON + len(BASIC)
    clips['joined'] = [frame for i, name in enumerate(JOINED)
                                for frame in make_clip(name, person, 100 + i, SAMPLES_SEED)]
    paths = {}
    for name, frames in clips.items():
        paths[name] = Path(folder) / f'{name}.avi'
        write_video(paths[name], frames)
    return paths


@lru_cache(maxsize=16)
def zero_shot(known, device=None):
    """Build the embedded CLIP, which needs no training.

    Args:
        known (tuple[str, ...]): two or more known emotions.
        device (str, optional): ``'cpu'`` or ``'cuda'``. Defaults to None: a GPU if the machine has
            one.

    Returns:
        HESPInferencer: the model.

    Raises:
        InputError: fewer than two emotions are known.
    """
    if len(known) < 2:
        raise InputError('Choose at least two known emotions.')
    return HESPInferencer(ZERO_SHOT, device=device, known=known, cfg_options=EMBEDDED_CLIP)


@torch.no_grad()
def zero_shot_threshold(inferencer):
    """Fit the threshold of the embedded CLIP on stored training clips.

    Args:
        inferencer (HESPInferencer): a model of ``zero_shot``.

    Returns:
        tuple[float, float, float]: the score that 95 % of the training clips of known emotions
        reach, then the lowest and the highest score of all training clips.
    """
    head, device = inferencer.model.cls_head, next(inferencer.model.parameters()).device
    scores = {name: head.score(head(feats.float().to(device))).cpu().numpy()
              for name, feats in load_file(FEATURES).items()}
    known = np.concatenate([scores[name] for name in inferencer.known])
    everything = np.concatenate(list(scores.values()))
    return fit_threshold(known), float(everything.min()), float(everything.max())


def make_features(folder, path=FEATURES):
    """Draw training clips and write the features that the embedded CLIP computes of them.

    The file has an entry (40, D) float16 for each basic emotion, with a row per clip.

    Args:
        folder (str | Path): where the clips are drawn.
        path (str | Path): the file, ``.safetensors``. Defaults to the one in this package.
    """
    write_dataset('afew', folder, FEATURES_SEED, (PER_CLASS, 1))
    inferencer = zero_shot(BASIC)
    feats = {name: [] for name in BASIC}
    for entry in plan_afew(FEATURES_SEED, (PER_CLASS, 1)):
        if entry.split == 'train':
            (_, data), = next(inferencer.preprocess(find_clips(Path(folder) / entry.path)))
            sample, = inferencer.model.test_step(inferencer.collate_fn([data]))
            feats[entry.emotion].append(sample.pred_feature.half().cpu())
    save_file({name: torch.stack(rows) for name, rows in feats.items()}, path)


@contextmanager
def without_proxies():
    """Remove the proxies from the environment until the block ends.

    Gradio calls its own page to learn whether it has started. A proxy to the outside cannot reach
    it.

    Yields:
        None: the block runs without them.
    """
    kept = {name: os.environ.pop(name) for name in list(os.environ)
            if name.lower() in ('http_proxy', 'https_proxy', 'all_proxy')}
    try:
        yield
    finally:
        os.environ.update(kept)


def with_threshold(result, threshold):
    """Decide a result again, by another threshold.

    Args:
        result (dict): a prediction of ``HESPInferencer``.
        threshold (float | None): scores below it are unknown; None: nothing is unknown.

    Returns:
        dict: a copy with the new ``threshold`` and ``emotion``.
    """
    rejected = threshold is not None and result['score'] < threshold
    return dict(result, threshold=threshold,
                emotion='unknown' if rejected else result['best_known'])


def check_size(path):
    """Refuse a video that is too large for the page, before any frame is decoded.

    The size of the frames is read from the header. The length is read from the packets, because
    many recordings have no length in their header.

    Args:
        path (str | Path): the video. One that cannot be opened passes: a later step reports it.

    Raises:
        InputError: the video is longer than ``LONGEST`` seconds or ``MOST_FRAMES`` frames, or its
            frames have more than ``MOST_PIXELS`` pixels.
    """
    name, seconds, count = Path(path).name, 0.0, 0
    try:
        container, stream = open_video(str(path))
        with container:
            width, height = stream.width, stream.height
            if width * height > MOST_PIXELS:
                raise InputError(f'{name} has frames of {width} x {height} pixels and this page '
                                 f'takes {MOST_PIXELS / 1e6:g} million: make them smaller, or use '
                                 'tools/infer.py.')
            for packet in container.demux(stream):
                count += packet.size > 0
                begin = packet.dts if packet.pts is None else packet.pts
                if begin is not None:
                    end = begin + (packet.duration or 0) - (stream.start_time or 0)
                    seconds = max(seconds, float(end * packet.time_base))
    except (BrokenClip, av.FFmpegError, OSError):
        return
    if seconds > LONGEST:
        raise InputError(f'{name} is {seconds:.0f} seconds long and this page takes '
                         f'{LONGEST}: cut it, or use tools/infer.py.')
    if count > MOST_FRAMES:
        raise InputError(f'{name} has {count:,} frames and this page takes {MOST_FRAMES:,}: cut '
                         'it, or use tools/infer.py.')


def look(inferencer, path, window=1.0, find_face=False):
    """Compute everything that the page shows of a clip.

    Args:
        inferencer (HESPInferencer): the model.
        path (str | Path): the video.
        window (float): seconds of a window of the timeline. Each window begins half a window later
            than the one before. Defaults to 1.
        find_face (bool): cut out the main face first. Defaults to False.

    Returns:
        dict: ``result``, the prediction for the whole clip; ``windows``, the predictions for its
        windows; ``frames`` (T, S, S, 3) uint8 RGB, at most 8 of the frames that the model saw;
        ``maps`` (T, h, w), their activation maps, or None; ``thumbnails``, up to 40 frames (H, W,
        3) spread over the clip.

    Raises:
        InputError: the clip cannot be used.
    """
    clip, = find_clips(str(path))
    name = Path(path).name
    if not name.lower().endswith(VIDEO_EXTENSIONS):  # FFmpeg would play a text
        raise InputError(f'{name} is not a video: its name should end in '
                         f'{", ".join(VIDEO_EXTENSIONS)}.')
    check_size(path)
    clip.check()
    if clip.problem is None and find_face:
        clip.follow_face(DETECTORS['haar'])
    if clip.problem is not None:
        raise InputError(f'{name} cannot be used as a video: {clip.problem}.')
    thumbnails = [reduced(clip.frames[i]) for i in spread(len(clip.frames), 40)]
    (whole, data), = next(inferencer.preprocess([clip]))
    windows = [result for batch in inferencer.preprocess([clip], window=window)
               for result in inferencer.forward(batch)]
    result, = inferencer.forward([(whole, data)])
    for each in (result, *windows):
        if 'error' in each:
            raise InputError(f'{name} cannot be used as a video: {each["error"]}.')
    frames = shown_frames(data['inputs'])
    return dict(result=result, windows=windows, frames=frames,
                maps=activation_maps(inferencer.model, frames), thumbnails=thumbnails)
