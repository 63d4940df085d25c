"""Fills stores of decoded frames (``hesp_mmaction.datasets.frame_store``), once for all runs.

Clips that are not stored yet are decoded in parallel. If several processes share a run, one of them
decodes.
"""
import errno
import fcntl
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import cv2
from mmaction.registry import TRANSFORMS
from mmengine.dist import is_main_process
from tqdm import tqdm

from ..datasets.clip_loading import list_images
from ..datasets.decoding import BrokenClip
from ..datasets.frame_files import JPEG, RAW
from ..datasets.frame_store import (
    CLIPS,
    add_to_index,
    lost_and_changed,
    read_index,
    start_index,
    store_clip,
)
from ..datasets.pictures import picture_size
from ..datasets.stores import signature_or_none
from ..datasets.video_layout import find_layout
from ..errors import InputError
from ..text import some
from .guarded import run_guarded

RAW_LIMIT = 20e9  # bytes: a larger store is kept as JPEG pictures
SHARE = 0.5  # of the free space that a store may take
JPEG_SHARE = 0.35  # of the raw size that JPEG pictures take at most
SAMPLE = 64  # clips that are looked at to know the size of all
TIMEOUT = 600  # seconds for one clip
OLDER = 'frames.npy'  # of a store that build_cache.py of an earlier version wrote
UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG}


def cores() -> int:
    """Count the cores that this process may use.

    Returns:
        int: the count.
    """
    return len(os.sched_getaffinity(0))


def say(text: str) -> None:
    """Print one line to the console, from only one of several processes.

    Args:
        text (str): the line.
    """
    if is_main_process():
        print(text, file=sys.stderr, flush=True)


def raw_bytes(paths: Sequence[str], size: Sequence[int] | None = None) -> float:
    """Estimate the size of the decoded frames of clips, from some of the clips.

    Args:
        paths (Sequence[str]): the clips.
        size (Sequence[int], optional): width and height of the frames in pixels. Defaults to None:
            the size of each clip.

    Returns:
        float: bytes; 0 if none of the clips tried can be opened.
    """
    chosen = [paths[i * len(paths) // SAMPLE] for i in range(SAMPLE)] if len(
        paths) > SAMPLE else paths
    total = 0
    for path in chosen:
        with suppress(BrokenClip, OSError):
            if os.path.isdir(path):
                images = list_images(path)
                number, own = len(images), picture_size(images[0]) if images else None
            else:
                layout = find_layout(path)
                number, own = len(layout.stamps), layout.size
            width, height = size or own or (0, 0)
            total += number * width * height * 3
    return total / max(1, len(chosen)) * len(paths)


def choose_kind(raw: float, free: float) -> str | None:
    """Choose how a new store keeps its frames.

    Args:
        raw (float): the bytes of all frames without compression.
        free (float): the free bytes on the disk.

    Returns:
        str | None: ``'raw'`` (equal to decoding, to the bit) if the frames take at most 20 GB and
        at most half of the free space; else ``'jpeg'`` if a third of their bytes fits into that
        half; else None, no store.
    """
    if raw <= min(RAW_LIMIT, SHARE * free):
        return RAW
    return JPEG if JPEG_SHARE * raw <= SHARE * free else None


def fill_store(folder: str, paths: Mapping[str, str], resize: dict | None = None,
               every: Mapping[str, str] | None = None) -> None:
    """Decode clips into a store, if the store lacks them or they have changed.

    If several processes call it, one decodes and the others wait. If it is stopped, what was
    decoded stays.

    Args:
        folder (str): the folder of the store; made if need be.
        paths (dict[str, str]): the path of each clip, by sample id.
        resize (dict, optional): the result of ``frame_store.first_resize``. Defaults to None:
            frames keep their size.
        every (dict[str, str], optional): all clips of the data set. A new store chooses by their
            size how it keeps frames. Defaults to None: ``paths``.

    Raises:
        InputError: the folder cannot be written, or the disk is too full. Earlier content stays.
    """
    if not _missing(folder, paths, resize)[0]:
        return
    try:
        os.makedirs(folder, exist_ok=True)
        with only_one(folder):
            missing, changed = _missing(folder, paths, resize)
            if missing:
                if changed:
                    say(f'{folder}: {len(changed)} clips changed after they were stored and are '
                        f'decoded anew: {some(changed)}')
                _decode(folder, missing, resize, every or paths)
    except OSError as error:
        raise InputError(f'the frame store {folder} cannot be written ({error.strerror})'
                         ) from error


@contextmanager
def only_one(folder: str) -> Iterator[None]:
    """Let one process at a time into the block. The others wait, and say so.

    Args:
        folder (str): the folder that the processes share.

    Yields:
        None: the block runs in this process.
    """
    with open(os.path.join(folder, 'lock'), 'a') as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            say(f'another process decodes clips into {folder}: waiting for it')
            fcntl.lockf(file, fcntl.LOCK_EX)
        except OSError:
            pass  # a file system without locks: both decode, and every file still appears whole
        yield


def _missing(folder: str, paths: Mapping[str, str], resize: dict | None
             ) -> tuple[dict[str, str], list[str]]:
    """The clips that have to be decoded (sample id to path), and those of them that have changed.
    """
    if not os.path.exists(os.path.join(folder, CLIPS)):
        return dict(paths), []
    index = read_index(folder)
    if index['resize'] not in (None, resize):
        raise InputError(f'cache: {folder} holds frames after {index["resize"]}, and this config '
                         f'needs {resize or "frames as decoded"}: choose another folder')
    lost, changed = lost_and_changed(index, paths)
    return {name: paths[name] for name in sorted([*lost, *changed])}, changed


def _decode(folder: str, missing: dict[str, str], resize: dict | None,
            every: Mapping[str, str]) -> None:
    """Choose how frames are kept, check the room, and decode in parallel."""
    for left in Path(folder).glob('clips/*/.*.part.*'):  # of a process that was killed
        left.unlink()
    new = not os.path.exists(os.path.join(folder, CLIPS))
    if not new:
        resize = read_index(folder)['resize']
    size = resize and resize['scale']
    free = shutil.disk_usage(folder).free
    room = f'{free / 1e9:.1f} GB are free in {folder}, of which it may take half'
    kind = None if new else read_index(folder)['kind']
    if kind is None:
        raw = raw_bytes(list(every.values()), size)
        kind = choose_kind(raw, free)
        if kind is None:
            raise InputError(f'the frames of {len(every)} clips need {JPEG_SHARE * raw / 1e9:.1f} '
                             f'GB even as JPEG, and {room}')
        if kind == JPEG and os.path.isdir(next(iter(every.values()))):
            raise InputError(f'the frames of {len(every)} clips need {raw / 1e9:.1f} GB, and JPEG '
                             'would be no faster to read than these folders of pictures')
    need = raw_bytes(list(missing.values()), size) * (JPEG_SHARE if kind == JPEG else 1)
    if need > SHARE * free:
        raise InputError(f'the frames of {len(missing)} clips need {need / 1e9:.1f} GB, and {room}')
    if new:
        if os.path.exists(os.path.join(folder, OLDER)):
            say(f'{folder} holds the store of an earlier version, which read some videos wrong. '
                f'Its clips are decoded again; {OLDER} and index.json may be deleted')
        start_index(folder, resize, kind)
    how = 'as they are' if kind == RAW else 'as JPEG of quality 95'
    say(f'{len(missing)} clips are decoded once into {folder}, {how}: about {need / 1e9:.2f} of '
        f'{free / 1e9:.1f} GB (cache=none: no store)')
    _write(folder, missing, kind, resize)


def _write(folder: str, missing: dict[str, str], kind: str, resize: dict | None) -> None:
    transform = resize and TRANSFORMS.build(dict(resize, scale=tuple(resize['scale'])))
    cv2.setNumThreads(0)  # threads of OpenCV do not outlive a fork
    alone = []
    store = partial(_store, folder, missing, kind, transform)
    path = os.path.join(folder, CLIPS)
    with open(path, 'rb+') as file:
        if file.seek(0, os.SEEK_END) and file.seek(-1, os.SEEK_END) and file.read(1) != b'\n':
            file.write(b'\n')  # the line that a stopped process did not finish
    with open(path, 'a', encoding='utf-8') as index, tqdm(
            total=len(missing), unit='clip', desc='decoding', disable=not is_main_process()) as bar:
        processes = min(cores(), len(missing))
        for name, entry, trouble in run_guarded(store, list(missing), processes, TIMEOUT):
            if isinstance(entry, int):
                raise OSError(entry, os.strerror(entry))
            if entry is None:
                alone.append(f'{missing[name]} ({trouble})')
                entry = dict(source=signature_or_none(missing[name]))
            add_to_index(index, name, entry)
            bar.update()
    if alone:
        say(f'{len(alone)} clips could not be stored and are read from their files: {some(alone)}')


def _store(folder: str, paths: dict[str, str], kind: str, resize: Any, name: str) -> dict | int:
    """Call ``frame_store.store_clip``; return the number of an error that concerns the whole store.
    """
    try:
        return store_clip(folder, name, paths[name], kind, resize)
    except OSError as error:
        if error.errno in UNWRITABLE:
            return int(error.errno)
        raise
