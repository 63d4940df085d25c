"""Peak memory of a forward and backward pass per frame: our tower against open_clip's.

    python tools/benchmark/memory.py --frames 64

Each measurement runs in its own process. It is the most memory that the process held, minus that of
the same process with one frame. ``ratio`` is ours over theirs, ``ratio_recompute`` the same with
recomputation.
"""
import argparse
import resource
import subprocess
import sys

import torch
from common import ARCH, bare_tower, last_line

from hesp_mmaction.models.backbones import CLIPImageTower

KINDS = ('theirs', 'ours', 'recompute')


def one_pass(kind, arch, frames):
    """Run a pass and read the peak memory of this process.

    Args:
        kind (str): the tower: ``'theirs'``, ``'ours'``, or ``'recompute'``, ours with
            recomputation.
        arch (str): an architecture of open_clip.
        frames (int): how many.

    Returns:
        float: MiB.
    """
    torch.set_num_threads(1)
    torch.manual_seed(0)
    tower = bare_tower(arch) if kind == 'theirs' else CLIPImageTower(
        arch, recompute=kind == 'recompute')
    size = tower.image_size
    size = size[0] if isinstance(size, tuple) else size
    x = torch.randn(frames, 3, size, size, requires_grad=True)
    tower(x).square().sum().backward()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(kind, arch, frames):
    """Measure the memory of a frame.

    Args:
        kind (str): the tower: ``'theirs'``, ``'ours'``, or ``'recompute'``, ours with
            recomputation.
        arch (str): an architecture of open_clip.
        frames (int): frames of the larger of two passes; the other has one.

    Returns:
        float: MiB per frame.
    """
    peaks = []
    for count in (1, frames):
        done = subprocess.run(
            [sys.executable, __file__, '--arch', arch, '--one', kind, '--frames', str(count)],
            check=True, capture_output=True, text=True)
        peaks.append(float(done.stdout.split()[-1]))
    return (peaks[1] - peaks[0]) / (frames - 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--arch', default=ARCH)
    parser.add_argument('--frames', type=int, default=64, help='with few, the building of the '
                        'tower takes more memory than the pass')
    parser.add_argument('--one', choices=KINDS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(one_pass(args.one, args.arch, args.frames))
        return
    mib = {kind: measure(kind, args.arch, args.frames) for kind in KINDS}
    last_line(ratio=mib['ours'] / mib['theirs'],
              ratio_recompute=mib['recompute'] / mib['theirs'],
              **{f'{kind}_mib_per_frame': value for kind, value in mib.items()},
              frames=args.frames, arch=args.arch)


if __name__ == '__main__':
    main()
