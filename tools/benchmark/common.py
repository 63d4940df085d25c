"""What the benchmarks share: devices, timing in turns, the models to compare, last lines."""
import argparse
import json
import statistics
import time
from pathlib import Path
from types import SimpleNamespace

import open_clip
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from open_clip.model import convert_weights_to_lp
from torch.profiler import ProfilerActivity, profile

from hesp_mmaction.apis.configs import our_config
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.compat.launching import optim_wrapper_cfg
from hesp_mmaction.engine.hooks.common import set_precision
from hesp_mmaction.models.precision import compute_type

ROOT = Path(__file__).parents[2]
ARCH = 'ViT-B-32-quickgelu'  # OpenAI's; plain 'ViT-B-32' of open_clip has another activation
KNOWN = ['anger', 'disgust', 'fear', 'happiness', 'neutral', 'sadness', 'surprise']
COLUMNS = ('total', 'launch', 'card', 'copies', 'kernels', 'MiB')


def parser(description):
    """Make the parser of the benchmarks of whole models.

    Args:
        description (str): the text above the flags.

    Returns:
        argparse.ArgumentParser: the parser.
    """
    result = argparse.ArgumentParser(description=description,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    result.add_argument('--arch', default=ARCH, help='of open_clip')
    result.add_argument('--videos', type=int, default=8)
    result.add_argument('--frames', type=int, default=8)
    result.add_argument('--threads', type=int, default=1)
    result.add_argument('--repeats', type=int, default=7)
    result.add_argument('--device', default='cpu', help='cpu or cuda; cuda becomes cpu where there '
                        'is none')
    result.add_argument('--amp', action='store_true', help='mixed precision')
    result.add_argument('--compile', action='store_true', help='compile the frozen image tower')
    result.add_argument('--no-tf32', action='store_true', help='float32 in full on a GPU')
    return result


def device_of(name):
    """Choose a device. If CUDA is named but missing, it is the CPU, and a line says so.

    Args:
        name (str): ``'cpu'`` or ``'cuda'``.

    Returns:
        torch.device: the device.
    """
    if name.startswith('cuda') and not torch.cuda.is_available():
        print('there is no CUDA card: measured on the CPU')
        name = 'cpu'
    return torch.device(name)


def name_of(device):
    """Name the model of a device: the card, or the processor and its number of cores.

    Args:
        device (torch.device): a card or the CPU.

    Returns:
        str: the name, never that of the host.
    """
    if device.type == 'cuda':
        return torch.cuda.get_device_name(device)
    info = Path('/proc/cpuinfo')
    lines = info.read_text(encoding='utf-8').splitlines() if info.is_file() else []
    found = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    return f'{found[0]}, {len(found)} cores' if found else 'CPU'


def wait(device):
    """Wait until a device has finished its work.

    Args:
        device (torch.device): a card or the CPU.
    """
    if device.type == 'cuda':
        torch.cuda.synchronize(device)


def interleaved(functions, repeats):
    """Time functions that are called in turns, after one call to warm up.

    Args:
        functions (dict[str, Callable]): functions without arguments, by name.
        repeats (int): calls of each.

    Returns:
        dict[str, float]: median seconds, by name.
    """
    rows = timed(functions, torch.device('cpu'), repeats)
    return {name: row['total'] / 1e3 for name, row in rows.items()}


def timed(functions, device, repeats):
    """Time functions that are called in turns.

    Args:
        functions (dict[str, Callable]): functions without arguments, by name.
        device (torch.device): where they work.
        repeats (int): calls of each, after one call to warm up (three on a card).

    Returns:
        dict[str, dict[str, float]]: median milliseconds by name: ``total``, from the call to the
        end of its work; ``launch``, until the call returns.
    """
    warm = 3 if device.type == 'cuda' else 1
    times = {name: [] for name in functions}
    for turn in range(repeats + warm):
        for name, function in functions.items():
            wait(device)
            begin = time.perf_counter()
            function()
            launched = time.perf_counter()
            wait(device)
            if turn >= warm:
                times[name].append((time.perf_counter() - begin, launched - begin))
    return {name: dict(total=1e3 * statistics.median(total for total, _ in pairs),
                       launch=1e3 * statistics.median(launch for _, launch in pairs))
            for name, pairs in times.items()}


def kernels_of(found):
    """List what ran on the card under a profiler.

    Args:
        found (torch.profiler.profile): a profile that has ended.

    Returns:
        list: kernels and copies by name, with ``count`` and ``self_device_time_total`` in
        microseconds.
    """
    return [event for event in found.key_averages() if event.self_device_time_total > 0
            and not getattr(event, 'is_user_annotation', False)]


def on_card(function, device):
    """Measure what one call does on a GPU.

    Args:
        function (Callable): a function without arguments. It is called twice.
        device (torch.device): where it works.

    Returns:
        dict[str, float]: ``card`` and ``copies`` in milliseconds, ``kernels``, ``MiB``. Empty on a
        CPU.
    """
    if device.type != 'cuda':
        return {}
    torch.cuda.reset_peak_memory_stats(device)
    function()
    wait(device)
    peak = torch.cuda.max_memory_allocated(device) / 2 ** 20
    with profile(activities=[ProfilerActivity.CUDA]) as found:
        function()
        wait(device)
    kernels = kernels_of(found)
    copies = [event for event in kernels if 'copy' in event.key.lower()]
    return dict(card=sum(event.self_device_time_total for event in kernels) / 1e3,
                copies=sum(event.self_device_time_total for event in copies) / 1e3,
                kernels=sum(event.count for event in kernels), MiB=peak)


def measured(functions, device, repeats):
    """Measure functions by ``timed`` and ``on_card``, and print a table.

    Columns in milliseconds: ``total``, from the call to the end of the work; ``launch``, until the
    call returns while the card still works; ``card``, the sum of all kernels; ``copies``, the part
    of them that copies or casts. ``kernels`` is their number, ``MiB`` the most memory that tensors
    held.

    Args:
        functions (dict[str, Callable]): functions without arguments, by name. They are called in
            turns.
        device (torch.device): where they work.
        repeats (int): calls of each.

    Returns:
        dict[str, dict[str, float]]: a row for each name. On a CPU it only has ``total`` and
        ``launch``.
    """
    rows = {name: row | on_card(functions[name], device)
            for name, row in timed(functions, device, repeats).items()}
    print(' ' * 24 + ''.join(f'{column:>10}' for column in COLUMNS))
    for name, row in rows.items():
        print(f'{name:24}' + ''.join(
            f'{row[column]:10.1f}' if column in row else ' ' * 9 + '-' for column in COLUMNS))
    return rows


def last_line(**figures):
    """Print figures as one line of JSON.

    Args:
        **figures (Any): the figures. ``ratio`` is the main one.
    """
    def rounded(value):
        if isinstance(value, dict):
            return {key: rounded(part) for key, part in value.items()}
        return round(value, 4) if isinstance(value, float) else value
    print(json.dumps(rounded(figures)))


def build_hesp(arch, known=4, frames=8, **options):
    """Build the default HESP with random weights.

    Args:
        arch (str): an architecture of open_clip.
        known (int): the number of known emotions. Defaults to 4.
        frames (int): frames per clip. Defaults to 8.
        **options (Any): further settings of the config.

    Returns:
        tuple[HESPRecognizer, mmengine.Config]: the model and its config.
    """
    cfg = Config.fromfile(our_config('hesp_afew_o34.py'))
    size = open_clip.get_model_config(arch)['vision_cfg']['image_size']
    override(cfg, {'clip.arch': arch, 'clip.pretrained': None, 'image_size': size,
                   'num_frames': frames, **options}, known=KNOWN[:known])
    init_default_scope('mmaction')
    torch.manual_seed(0)
    return MODELS.build(cfg.model), cfg


def bare_tower(arch, dtype=None):
    """Build open_clip's own image tower, frozen, with random weights.

    Args:
        arch (str): an architecture of open_clip.
        dtype (torch.dtype, optional): half precision as open_clip makes it, with norms that compute
            in float32. Defaults to None: float32.

    Returns:
        nn.Module: the tower.
    """
    torch.manual_seed(0)
    tower = open_clip.model.CLIP(**open_clip.get_model_config(arch), cast_dtype=dtype)
    if dtype is not None:
        convert_weights_to_lp(tower, dtype)
    return tower.visual.eval().requires_grad_(False)


def batch(videos, frames, size, known=4):
    """Make a batch of random clips.

    Args:
        videos (int): B.
        frames (int): T.
        size (int): S, pixels.
        known (int): the number of known emotions. Defaults to 4.

    Returns:
        tuple[Tensor, list[ActionDataSample]]: clips (B, T, 3, S, S), pixels 0..255, and their data
        samples.
    """
    generator = torch.Generator().manual_seed(0)
    clips = torch.randint(0, 256, (videos, frames, 3, size, size), generator=generator).float()
    return clips, [ActionDataSample(metainfo=dict(sample_id=f'{i}.avi', emotion=KNOWN[i % known]))
                   .set_gt_label(i % known) for i in range(videos)]


def prepare(args, known=4, **options):
    """Put HESP, the bare tower and a batch on the device, in the precision of the flags.

    Args:
        args (argparse.Namespace): the parsed flags of ``parser``.
        known (int): the number of known emotions. Defaults to 4.
        **options (Any): see ``build_hesp``.

    Returns:
        SimpleNamespace: ``device``; ``model``; ``step``, ``bare_step``, ``evaluation`` and
        ``bare_evaluation``, functions without arguments; ``update``, which takes inputs and makes a
        step of the optimizer; ``clips`` (B, T, 3, S, S) and ``samples``.
    """
    torch.set_num_threads(args.threads)
    device = device_of(args.device)
    dtype = compute_type(device) if args.amp else None
    model, cfg = build_hesp(args.arch, known, args.frames, **options)
    model.to(device)
    print(set_precision(model, not args.no_tf32, args.amp, args.compile) or 'float32')
    wrapper = build_optim_wrapper(model, optim_wrapper_cfg(cfg.optim_wrapper, args.amp))
    tower = bare_tower(args.arch, dtype).to(device)
    clips, samples = batch(args.videos, args.frames, model.backbone.image_size, known)
    clips = clips.to(device)
    frames = model.normalise(clips.flatten(0, 1) / 255).to(dtype or torch.float32)

    def update(inputs):
        with wrapper.optim_context(model):
            losses = model(inputs, samples, mode='loss')
        wrapper.update_params(sum(v for k, v in losses.items() if 'loss' in k))

    def step():
        model.train()
        update(clips)

    def bare_step():
        tower(frames.detach().requires_grad_()).float().square().sum().backward()

    @torch.no_grad()
    def evaluation():
        model.eval()
        model(clips, samples, mode='predict')

    @torch.no_grad()
    def bare_evaluation():
        tower(frames)

    return SimpleNamespace(device=device, model=model, clips=clips, samples=samples, update=update,
                           step=step, bare_step=bare_step, evaluation=evaluation,
                           bare_evaluation=bare_evaluation)


def settings(args, device):
    """Collect how a benchmark was measured, for its last line.

    Args:
        args (argparse.Namespace): the parsed flags of ``parser``.
        device (torch.device): where it was measured.

    Returns:
        dict[str, Any]: the settings.
    """
    return dict(videos=args.videos, frames=args.frames, threads=args.threads, arch=args.arch,
                amp=args.amp, compile=args.compile, tf32=not args.no_tf32,
                torch=torch.__version__, device=name_of(device))
