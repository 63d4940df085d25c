"""What the benchmarks share: interleaved timing, the models that are compared, the last line."""
import argparse
import json
import statistics
import time
from pathlib import Path

import open_clip
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.registry import init_default_scope

from hesp_mmaction.apis.wiring import override

ROOT = Path(__file__).parents[2]
ARCH = 'ViT-B-32-quickgelu'  # OpenAI's; plain 'ViT-B-32' of open_clip has another activation
KNOWN = ['anger', 'disgust', 'fear', 'happiness', 'neutral', 'sadness', 'surprise']


def parser(description):
    """The flags of the benchmarks of whole models."""
    result = argparse.ArgumentParser(description=description,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    result.add_argument('--arch', default=ARCH, help='of open_clip')
    result.add_argument('--videos', type=int, default=8)
    result.add_argument('--frames', type=int, default=8)
    result.add_argument('--threads', type=int, default=1)
    result.add_argument('--repeats', type=int, default=7)
    return result


def interleaved(functions, repeats):
    """Median seconds of each function (name to callable), called in turns after one warm-up."""
    for function in functions.values():
        function()
    times = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            begin = time.perf_counter()
            function()
            times[name].append(time.perf_counter() - begin)
    return {name: statistics.median(values) for name, values in times.items()}


def last_line(**figures):
    """Print the figures as one line of JSON; ``ratio`` is the headline."""
    print(json.dumps({key: round(value, 4) if isinstance(value, float) else value
                      for key, value in figures.items()}))


def build_hesp(arch, known=4, frames=8, **options):
    """The default HESP with random weights, and its config."""
    cfg = Config.fromfile(ROOT / 'configs/hesp_afew_o34.py')
    size = open_clip.get_model_config(arch)['vision_cfg']['image_size']
    override(cfg, {'clip.arch': arch, 'clip.pretrained': None, 'image_size': size,
                   'num_frames': frames, **options}, known=KNOWN[:known])
    init_default_scope('mmaction')
    torch.manual_seed(0)
    return MODELS.build(cfg.model), cfg


def bare_tower(arch):
    """open_clip's own image tower, frozen, random weights."""
    torch.manual_seed(0)
    return open_clip.model.CLIP(**open_clip.get_model_config(arch)).visual.eval().requires_grad_(
        False)


def batch(videos, frames, size, known=4):
    """Clips (B, T, 3, S, S), pixels 0..255, and their data samples."""
    generator = torch.Generator().manual_seed(0)
    clips = torch.randint(0, 256, (videos, frames, 3, size, size), generator=generator).float()
    return clips, [ActionDataSample(metainfo=dict(sample_id=f'{i}.avi', emotion=KNOWN[i % known]))
                   .set_gt_label(i % known) for i in range(videos)]
