"""A training step and an evaluation of HESP on a GPU, beside open_clip's bare image tower.

    python tools/benchmark/gpu_step.py --amp
    python tools/benchmark/gpu_step.py --device cpu --videos 1 --frames 2 --repeats 1

Both see the same frames, with random weights. The bare tower is open_clip's own, frozen, with
gradients to its input in training; with ``--amp`` it has half-precision weights. Ours has in
addition the region, visual prompt, negatives, texts, losses and the optimizer.

A table of milliseconds: ``total`` from the call to the end of the work, ``launch`` until the call
returns while the GPU still works, ``card`` the sum of all kernels, ``copies`` those of them that
copy or cast; ``kernels`` is their number, ``MiB`` the most memory that tensors held. Medians of
calls in turns. The last line is JSON; ``ratio`` and ``ratio_eval`` are ours over theirs.
"""
import time
from statistics import median

import open_clip
import torch
from common import batch, build_hesp, last_line, parser
from mmengine.optim import build_optim_wrapper
from open_clip.model import convert_weights_to_lp
from torch.profiler import ProfilerActivity, profile

from hesp_mmaction.compat import optim_wrapper_cfg
from hesp_mmaction.engine.hooks.precision_hook import set_precision
from hesp_mmaction.models.precision import compute_type

COLUMNS = ('total', 'launch', 'card', 'copies', 'kernels', 'MiB')


def half_tower(arch, dtype):
    """open_clip's own image tower, frozen, random weights; in half precision as open_clip makes it,
    with norms that compute in float32.

    Args:
        arch (str): of open_clip.
        dtype (torch.dtype | None): half precision; None is float32.

    Returns:
        nn.Module
    """
    torch.manual_seed(0)
    tower = open_clip.model.CLIP(**open_clip.get_model_config(arch), cast_dtype=dtype)
    if dtype is not None:
        convert_weights_to_lp(tower, dtype)
    return tower.visual.eval().requires_grad_(False)


def wait(device):
    """Until all work on a device is done."""
    if device.type == 'cuda':
        torch.cuda.synchronize()


def timed(functions, device, repeats):
    """Medians of total and launch time of functions called in turns.

    Args:
        functions (dict[str, Callable]): by name.
        device (torch.device): where they work.
        repeats (int): calls of each, after three to warm up.

    Returns:
        dict[str, dict[str, float]]: milliseconds by name.
    """
    times = {name: [] for name in functions}
    for turn in range(repeats + 3):
        for name, function in functions.items():
            wait(device)
            begin = time.perf_counter()
            function()
            launched = time.perf_counter()
            wait(device)
            if turn >= 3:
                times[name].append((time.perf_counter() - begin, launched - begin))
    return {name: dict(total=1e3 * median(total for total, _ in pairs),
                       launch=1e3 * median(launch for _, launch in pairs))
            for name, pairs in times.items()}


def on_card(function, device):
    """What one call makes of a GPU; nothing on a CPU.

    Args:
        function (Callable): called twice.
        device (torch.device): where it works.

    Returns:
        dict[str, float]: ``card`` and ``copies`` in milliseconds, ``kernels``, ``MiB``.
    """
    if device.type != 'cuda':
        return {}
    torch.cuda.reset_peak_memory_stats()
    function()
    wait(device)
    peak = torch.cuda.max_memory_allocated() / 2 ** 20
    with profile(activities=[ProfilerActivity.CUDA]) as found:
        function()
        wait(device)
    kernels = [event for event in found.key_averages() if event.self_device_time_total > 0]
    copies = [event for event in kernels if 'copy' in event.key.lower()]
    return dict(card=sum(event.self_device_time_total for event in kernels) / 1e3,
                copies=sum(event.self_device_time_total for event in copies) / 1e3,
                kernels=sum(event.count for event in kernels), MiB=peak)


def main():
    flags = parser(__doc__)
    flags.set_defaults(videos=64, repeats=20)
    flags.add_argument('--device', default='cuda')
    flags.add_argument('--known', type=int, default=4)
    flags.add_argument('--amp', action='store_true', help='mixed precision')
    flags.add_argument('--compile', action='store_true', help='compile the frozen image tower')
    flags.add_argument('--no-tf32', action='store_true', help='float32 in full')
    args = flags.parse_args()
    torch.set_num_threads(args.threads)
    device = torch.device(args.device)
    dtype = compute_type(device) if args.amp else None

    model, cfg = build_hesp(args.arch, args.known, args.frames)
    model.to(device)
    print(set_precision(model, not args.no_tf32, args.amp, args.compile) or 'float32')
    wrapper = build_optim_wrapper(model, optim_wrapper_cfg(cfg.optim_wrapper, args.amp))
    tower = half_tower(args.arch, dtype).to(device)
    clips, samples = batch(args.videos, args.frames, model.backbone.image_size, args.known)
    clips = clips.to(device)
    samples = [sample.to(device) for sample in samples]
    frames = model.normalise(clips.flatten(0, 1) / 255).to(dtype or torch.float32)

    def step():
        model.train()
        with wrapper.optim_context(model):
            losses = model(clips, samples, mode='loss')
        wrapper.update_params(sum(v for k, v in losses.items() if 'loss' in k))

    def bare_step():
        tower(frames.detach().requires_grad_()).float().square().sum().backward()

    @torch.no_grad()
    def evaluation():
        model.eval()
        model(clips, samples, mode='predict')

    @torch.no_grad()
    def bare_evaluation():
        tower(frames)

    @torch.no_grad()
    def region():
        model.locate(clips[:, :1] / 255, samples)

    rows = {}
    for group in ({'step': step, 'bare tower, step': bare_step},
                  {'evaluation': evaluation, 'bare tower, evaluation': bare_evaluation},
                  {'region alone': region}):
        for name, times in timed(group, device, args.repeats).items():
            rows[name] = times | on_card(group[name], device)
    print(' ' * 24 + ''.join(f'{column:>10}' for column in COLUMNS))
    for name, row in rows.items():
        print(f'{name:24}' + ''.join(
            f'{row[column]:10.1f}' if column in row else ' ' * 9 + '-' for column in COLUMNS))
    last_line(ratio=rows['step']['total'] / rows['bare tower, step']['total'],
              ratio_eval=rows['evaluation']['total'] / rows['bare tower, evaluation']['total'],
              step=rows['step'], evaluation=rows['evaluation'], videos=args.videos,
              frames=args.frames, known=args.known, arch=args.arch, amp=args.amp,
              compile=args.compile, tf32=not args.no_tf32, torch=torch.__version__,
              device=torch.cuda.get_device_name() if device.type == 'cuda' else 'cpu')


if __name__ == '__main__':
    main()
