"""Write a list file of clips in another format.

    python tools/data/convert_list.py MAFW_set_1_train.txt train.txt --from dfer_clip --to hesp
    python tools/data/convert_list.py train.txt OUT.txt --from frames --id-order dfew --to names

Paths are written with / whatever they had.
"""
import argparse
import os
from pathlib import Path

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
    """Frames of a video file or a folder of frames."""
    why = unreadable(path)
    if why:
        raise InputError(f'cannot count the frames of {path}: {why}; check --root')
    if os.path.isdir(path):
        return len(list_images(path))
    return len(find_layout(path).stamps)


def convert(source, kind, new_kind, id_order=None, root=None, strip=''):
    """The text of ``source`` in another format. Arguments: see the command's flags."""
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
    args = parser.parse_args()
    text = convert(args.source, args.kind, args.to, args.id_order, args.root, args.strip)
    Path(args.out).write_bytes(text.encode('utf-8', 'surrogateescape'))
    print(f'{args.out}: written')


if __name__ == '__main__':
    run_tool(main)
