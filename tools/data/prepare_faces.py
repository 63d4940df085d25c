"""Cut the main face out of every clip, upright and of one size, as a folder of JPEG frames.

    python tools/data/prepare_faces.py data/AFEW data/AFEW_faces
    python tools/train.py configs/hesp_afew_o34.py --cfg-options data_root=data/AFEW_faces

OUT has the layout of IN. The folder of a clip has the full name of its video, with the extension,
so official lists and sample ids stay valid. List files are copied. If the command was stopped, call
it again: finished clips are skipped. OUT/faces.csv has a line per clip: its frames, the number of
frames in which the face was found, and, if the clip has no folder, the reason.
"""
import argparse
import csv
import os
import shutil
from functools import partial
from pathlib import Path

import cv2
from tqdm import tqdm

from hesp_mmaction.apis.guarded import run_guarded
from hesp_mmaction.apis.running import run_tool
from hesp_mmaction.datasets.decoding import VIDEO_EXTENSIONS
from hesp_mmaction.datasets.faces import DETECTORS, aligned_faces, load_detector
from hesp_mmaction.datasets.integrity import undecodable
from hesp_mmaction.datasets.video import Video
from hesp_mmaction.errors import InputError
from hesp_mmaction.files import whole
from hesp_mmaction.text import some

REPORT = 'faces.csv'
COLUMNS = ('clip', 'frames', 'found', 'problem')


def prepare_clip(name, source, out, find):
    """Cut out the face of one clip. Its folder appears whole or not at all.

    Args:
        name (str): the path of the video below ``source``.
        source (Path): the folder of the videos.
        out (Path): the folder of the results.
        find (Callable): the face detector.

    Returns:
        tuple[int, int, str]: the number of frames, the number of frames in which the face was
        found, and the problem or ''.
    """
    why = undecodable(str(source / name))
    if why:
        return 0, 0, why
    frames = Video(str(source / name))
    crops, found = aligned_faces(frames, find)
    if crops is None:
        return len(frames), 0, 'no face'
    place = out / name
    part = place.with_name(f'.{place.name}.part')  # hidden, so no data set takes it for a clip
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for number, crop in enumerate(crops, 1):
        # Not cv2.imwrite, which crashes on a folder whose name is not UTF-8.
        picture = cv2.imencode('.jpg', crop[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
        (part / f'{number:05d}.jpg').write_bytes(picture.tobytes())
    shutil.rmtree(place, ignore_errors=True)
    part.rename(place)
    return len(frames), found, ''


def read_report(out):
    """Read which clips are finished. A line that was not written to its end is ignored.

    Args:
        out (Path): the folder of the results.

    Returns:
        dict[str, dict]: the rows of the report, by clip.
    """
    if not (out / REPORT).exists():
        return {}
    with open(out / REPORT, newline='', encoding='utf-8', errors='surrogateescape') as file:
        lines = [line for line in file if line.endswith('\n')]
    rows = {row['clip']: row for row in csv.DictReader(lines)}
    return {name: row for name, row in rows.items() if row['problem'] or (out / name).is_dir()}


def prepare(source, out, find, processes=2, timeout=600):
    """Prepare every clip below a folder that is not finished.

    Args:
        source (Path): the folder of the videos.
        out (Path): the folder of the results.
        find (Callable): the face detector.
        processes (int): how many clips at a time. Defaults to 2.
        timeout (float): the most seconds for a clip. Defaults to 600.

    Returns:
        dict[str, dict]: the rows of the report, by clip.
    """
    source, out = Path(source), Path(out)
    if not source.is_dir():
        raise InputError(f'no folder {source}')
    if source.resolve() in (out.resolve(), *out.resolve().parents):
        raise InputError(f'{out} lies in {source}, so its clips would be listed twice: choose '
                         'another folder')
    out.mkdir(parents=True, exist_ok=True)
    names, others = [], []
    for file in sorted(source.rglob('*')):
        name = file.relative_to(source)
        if not file.is_file() or any(part.startswith('.') for part in name.parts):
            continue
        if file.suffix.lower() in VIDEO_EXTENSIONS:
            names.append(str(name))
        elif file.suffix.lower() in ('.txt', '.csv', '.xlsx') and not (out / name).exists():
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, out / name)
        elif file.suffix.lower() not in ('.txt', '.csv', '.xlsx'):
            others.append(str(name))
    if others:
        print(f'{len(others)} files are no videos and passed over: {some(others)}')
    if not names:
        raise InputError(f'no videos ({", ".join(VIDEO_EXTENSIONS)}) in {source}')
    rows = read_report(out)
    with whole(out / REPORT) as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator='\n')
        writer.writeheader()
        writer.writerows(rows.values())
    job = partial(prepare_clip, source=source, out=out, find=find)
    left = [name for name in names if name not in rows]
    with open(out / REPORT, 'a', newline='', encoding='utf-8', errors='surrogateescape') as file, \
            tqdm(total=len(names), initial=len(names) - len(left), unit='clip') as bar:
        writer = csv.DictWriter(file, COLUMNS, lineterminator='\n')
        for name, result, trouble in run_guarded(job, left, processes, timeout):
            values = (name, *(result or (0, 0, trouble)))
            rows[name] = dict(zip(COLUMNS, values, strict=True))
            writer.writerow(rows[name])
            file.flush()
            bar.update()
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', metavar='IN', help='folder of videos, of any layout')
    parser.add_argument('out', metavar='OUT', type=os.path.expanduser)
    parser.add_argument('--detector', choices=list(DETECTORS), default='haar',
                        help='mtcnn is better and needs facenet-pytorch (default: haar)')
    parser.add_argument('--processes', type=int, default=os.cpu_count())
    args = parser.parse_args()
    rows = prepare(args.source, args.out, load_detector(args.detector), args.processes)
    without = [f'{row["clip"]} ({row["problem"]})' for row in rows.values() if row['problem']]
    print(''.join(f'{text}\n' for text in without)
          + f'{args.out}: {len(rows) - len(without)} clips, {len(without)} without a face; '
          f'see {os.path.join(args.out, REPORT)}')


if __name__ == '__main__':
    run_tool(main)
