"""Decode every clip of a data set once and name the damaged ones, with the reason.

    python tools/data/check_data.py configs/hesp_afew_o34.py --cfg-options data_root=DIR
    python tools/data/check_data.py --data-root DIR --out bad.txt

The first command checks the training and test clips of all emotions that the config lists. The
second checks every video and folder of images below DIR. The exit code is 1 if a clip is damaged.
Clips that are whole but odd (one frame, an odd number of rows or columns) are named too, and used
as they are.

Data sets do not need this list. They leave out clips that cannot be opened or decoded. A video that
lacks its end but can be decoded as a shorter one is named by this tool, and data sets use it.
"""
import argparse
import os
import sys
from pathlib import Path

from mmengine.config import Config
from tqdm import tqdm

from hesp_mmaction.apis.config_parts import clips_of_config
from hesp_mmaction.apis.configs import KeyValue
from hesp_mmaction.apis.guarded import run_guarded
from hesp_mmaction.apis.running import run_tool
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.datasets.clip_loading import IMAGE_EXTENSIONS
from hesp_mmaction.datasets.decoding import VIDEO_EXTENSIONS
from hesp_mmaction.datasets.integrity import damage, oddity
from hesp_mmaction.errors import InputError
from hesp_mmaction.text import some


def files_below(root):
    """List the clips and other files below a folder. Links are followed, hidden files left out.

    Args:
        root (str): the folder.

    Returns:
        tuple[list[str], list[str]]: the paths of all videos and folders of images, and the paths of
        all other files.

    Raises:
        InputError: the folder does not exist.
    """
    if not os.path.isdir(root):
        raise InputError(f'--data-root: no folder {root}')
    paths, others = set(), []
    for folder, _, names in os.walk(root, followlinks=True):
        for name in (n for n in names if not n.startswith('.')):
            extension = os.path.splitext(name)[1].lower()
            if extension in VIDEO_EXTENSIONS:
                paths.add(os.path.join(folder, name))
            elif extension in IMAGE_EXTENSIONS:
                paths.add(folder)
            else:
                others.append(os.path.join(folder, name))
    return sorted(paths), sorted(others)


def find_damaged(paths, processes=2, timeout=60, look=damage):
    """Check clips in several processes.

    A clip also counts as damaged if a process crashes at it or needs too long.

    Args:
        paths (Sequence[str]): the clips.
        processes (int): how many. Defaults to 2.
        timeout (float): the most seconds for a clip. Defaults to 60.
        look (Callable): takes a path and returns the reason why the clip is damaged, or None.
            Defaults to ``damage``.

    Returns:
        dict[str, str]: the reason for each damaged clip, sorted by path.
    """
    found = {}
    with tqdm(total=len(paths), unit='clip') as bar:
        for path, reason, trouble in run_guarded(look, paths, processes, timeout):
            bar.update()
            if reason or trouble:
                found[path] = reason or trouble
    return dict(sorted(found.items()))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument('config', nargs='?', help='config whose data sets are checked')
    what.add_argument('--data-root', metavar='DIR', type=os.path.expanduser,
                      help='check all clips below this folder')
    parser.add_argument('--cfg-options', nargs='+', action=KeyValue,
                        help='override settings of the config: key=value')
    parser.add_argument('--out', metavar='FILE', type=os.path.expanduser,
                        help='write path, tab, reason of the damaged')
    parser.add_argument('--processes', type=int, default=os.cpu_count())
    parser.add_argument('--timeout', type=float, default=60, help='seconds for one clip')
    args = parser.parse_args()
    if args.config:
        cfg = Config.fromfile(args.config)
        override(cfg, args.cfg_options)
        paths, others = sorted(clips_of_config(cfg).values()), []
    else:
        paths, others = files_below(args.data_root)
    if not paths:
        raise InputError(f'no clips in {args.config or args.data_root}')
    damaged = find_damaged(paths, args.processes, args.timeout)
    text = ''.join(f'{path}\t{reason}\n' for path, reason in damaged.items())
    if args.out:
        Path(args.out).write_text(text, encoding='utf-8', errors='surrogateescape')
    odd = find_damaged([path for path in paths if path not in damaged], args.processes,
                       args.timeout, oddity)
    print(text + ''.join(f'{path}\t{note} (whole)\n' for path, note in odd.items())
          + (f'{len(others)} files are neither videos nor images: {some(others)}\n' if others
             else '')
          + f'{len(damaged)} of {len(paths)} clips are damaged, {len(odd)} are whole but odd')
    sys.exit(1 if damaged else 0)


if __name__ == '__main__':
    run_tool(main)
