"""Write a list file of clips in another format.

    python tools/data/convert_list.py MAFW_set_1_train.txt train.txt --from dfer_clip --to hesp
    python tools/data/convert_list.py train.txt OUT.txt --from frames --id-order dfew --to names

The written paths use / even if those of the list use another separator.
"""
import argparse
import os
from pathlib import Path

from hesp_mmaction.apis.emotion_wiring import add_emotions_flag
from hesp_mmaction.apis.running import run_tool
from hesp_mmaction.datasets import lists
from hesp_mmaction.datasets.clip_loading import list_images
from hesp_mmaction.datasets.clip_paths import find_clip
from hesp_mmaction.datasets.id_orders import ID_ORDERS
from hesp_mmaction.datasets.integrity import unreadable
from hesp_mmaction.datasets.list_writing import format_list
from hesp_mmaction.datasets.video_layout import find_layout
from hesp_mmaction.errors import InputError
from hesp_mmaction.text import some


def count_frames(path):
    """Count the frames of a video file or a folder of frames.

    Args:
        path (str): the clip.

    Returns:
        int: the count.

    Raises:
        InputError: the clip cannot be read.
    """
    why = unreadable(path)
    if why:
        raise InputError(f'cannot count the frames of {path}: {why}; check --root')
    if os.path.isdir(path):
        return len(list_images(path))
    return len(find_layout(path).stamps)


def convert(source, kind, new_kind, id_order=None, root=None, strip=''):
    """Read a list and write its text in another format.

    Args:
        source (str): the list file.
        kind (str | None): its format; None: it is recognised.
        new_kind (str): the new format.
        id_order (str, optional): the meaning of integers, see ``--id-order``. Defaults to None.
        root (str, optional): the folder that the paths start from, to count missing frames.
            Defaults to None.
        strip (str): the text to remove from the beginning of every path. Defaults to ''.

    Returns:
        str: the text of the new list.

    Raises:
        InputError: lines cannot be converted, or frames are needed and ``root`` is not given.
    """
    clips, problems = lists.read_list(source, id_order, kind)
    clips = [clip._replace(path=clip.path.replace('\\', '/')) for clip in clips]
    strip = strip.replace('\\', '/')
    foreign = [clip.path for clip in clips if not clip.path.startswith(strip)]
    if foreign:
        problems = [*problems, f'{len(foreign)} paths do not begin with {strip}: {some(foreign)}']
    if problems:
        raise InputError(f'{len(problems)} lines cannot be converted: {some(problems)}')
    clips = [clip._replace(path=clip.path[len(strip):]) for clip in clips]
    if new_kind in ('hesp', 'frames', 'dfer_clip'):
        if root is None and any(clip.frames is None for clip in clips):
            raise InputError(f'{source} does not tell the numbers of frames that --to {new_kind} '
                             'needs: give --root, the folder that its paths start from')
        clips = [clip if clip.frames is not None else
                 clip._replace(frames=count_frames(find_clip(root, clip.path)))
                 for clip in clips]
    return format_list(clips, new_kind, id_order)


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog=lists.__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', metavar='IN')
    parser.add_argument('out', metavar='OUT')
    parser.add_argument('--from', dest='kind', choices=lists.FORMATS,
                        help='format of IN; default: told from the file')
    parser.add_argument('--to', required=True, choices=[f for f in lists.FORMATS if f != 'xlsx'])
    parser.add_argument('--id-order', metavar='ORDER',
                        help=f'what integers mean: {", ".join(ID_ORDERS)}, or NAME,NAME,... '
                        'in their order from 0 (1,NAME,NAME,... from 1)')
    parser.add_argument('--root', metavar='DIR',
                        help='folder that the paths start from: there missing frames are counted')
    parser.add_argument('--strip', metavar='PREFIX', default='',
                        help='what to take off the beginning of every path')
    add_emotions_flag(parser)
    args = parser.parse_args()
    text = convert(args.source, args.kind, args.to, args.id_order, args.root, args.strip)
    Path(args.out).write_bytes(text.encode('utf-8', 'surrogateescape'))
    print(f'{args.out}: written')


if __name__ == '__main__':
    run_tool(main)
