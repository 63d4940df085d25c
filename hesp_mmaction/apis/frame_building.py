"""Fills stores of decoded frames (``hesp_mmaction.datasets.frame_store``), once for all runs.

Clips that are not stored yet are decoded in parallel. If several processes share a run, one of them
decodes.
"""
import errno
import fcntl
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import cv2
from mmaction.registry import TRANSFORMS
from tqdm import tqdm

from ..compat.launching import is_first
from ..datasets.frame_files import JPEG, RAW
from ..datasets.frame_index import CLIPS, NoStore, add_to_index, read_index, start_index
from ..datasets.frame_store import is_whole, lost_and_changed, store_clip
from ..datasets.stores import signature_or_none
from ..errors import InputError
from ..text import some
from .frame_room import JPEG_SHARE, SHARE, bytes_in_words, choose_kind, raw_bytes
from .guarded import run_guarded

TIMEOUT = 600  # seconds for one clip
OLDER = 'frames.npy'  # of a store that build_cache.py of an earlier version wrote
UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG}


def cores() -> int:
    """Count the cores that this process may use.

    Returns:
        int: the count.
    """
    return len(os.sched_getaffinity(0))


def say(text: str, by_all: bool = False) -> None:
    """Print one line to the console.

    Args:
        text (str): the line.
        by_all (bool): also if this is not the main one of several processes. Defaults to False.
    """
    if by_all or is_first():
        print(text, file=sys.stderr, flush=True)


def fill_store(folder: str, paths: Mapping[str, str], resize: dict | None = None,
               every: Mapping[str, str] | None = None, root: str | None = None) -> None:
    """Decode clips into a store, if the store lacks them or they have changed.

    If several processes call it, one decodes and the others wait. If it is stopped, what was
    decoded stays. Clips that could not be read or stored are read from their files in this run, and
    tried again in the next one.

    Args:
        folder (str): the folder of the store; made if need be.
        paths (dict[str, str]): the path of each clip, by sample id.
        resize (dict, optional): the result of ``frame_store.first_resize``. Defaults to None:
            frames keep their size.
        every (dict[str, str], optional): all clips of the data set. A new store chooses by their
            size how it keeps frames. Defaults to None: ``paths``.
        root (str, optional): the folder of the data. A new store notes it. Defaults to None.

    Raises:
        InputError: the folder cannot be written, the disk is too full, or the store holds other
            clips of the same names. Earlier content stays.
    """
    root = root and os.path.realpath(os.path.expanduser(root))
    if not _missing(folder, paths, resize)[0]:
        return
    try:
        os.makedirs(folder, exist_ok=True)
        with only_one(folder) as alone:
            missing, changed = _missing(folder, paths, resize)
            if changed:
                _check_root(folder, root, len(changed), len(paths))
                say(f'{folder}: {len(changed)} clips changed after they were stored and are '
                    f'decoded anew: {some(changed)}', by_all=True)
            if missing:
                _decode(folder, missing, resize, every or paths, root, alone)
    except OSError as error:
        raise InputError(f'the frame store {folder} cannot be written ({error.strerror})'
                         ) from error


@contextmanager
def only_one(folder: str) -> Iterator[bool]:
    """Let one process at a time into the block. The others wait, and say so.

    Args:
        folder (str): the folder that the processes share.

    Yields:
        bool: True; False if the file system has no locks and other processes may be in the block.
    """
    alone = True
    with open(os.path.join(folder, 'lock'), 'a') as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            say(f'another process decodes clips into {folder}: waiting for it')
            fcntl.lockf(file, fcntl.LOCK_EX)
        except OSError:
            alone = False  # both may decode, and every file still appears whole
        yield alone


def _index_or_none(folder: str) -> dict | None:
    """The index of a store. None if there is none, or a damaged one of clips that can be decoded
    again.
    """
    path = os.path.join(folder, CLIPS)
    if not os.path.exists(path):
        return None
    try:
        return read_index(folder)
    except NoStore:
        if not os.path.isdir(os.path.join(folder, 'clips')):
            raise  # the index of something else
        return None


def _check_root(folder: str, root: str | None, changed: int, wanted: int) -> None:
    """Raise InputError if most clips differ and come from another folder: two data sets in turn
    would each take the other's frames away.
    """
    there = read_index(folder)['root']
    if None not in (there, root) and there != root and 2 * changed > wanted:
        raise InputError(f'cache: {folder} holds other clips of the same names, those of {there}: '
                         f'choose another folder for {root}')


def _missing(folder: str, paths: Mapping[str, str], resize: dict | None
             ) -> tuple[dict[str, str], list[str]]:
    """The clips that have to be decoded (sample id to path), and those of them that have changed.
    """
    index = _index_or_none(folder)
    if index is None:
        return dict(paths), []
    if index['resize'] not in (None, resize):
        raise InputError(f'cache: {folder} holds frames after {index["resize"]}, and this config '
                         f'needs {resize or "frames as decoded"}: choose another folder')
    lost, changed = lost_and_changed(index, paths)
    held = {name: index['clips'][name] for name in paths if name in index['clips']}
    cut = [name for name, entry in held.items() if not is_whole(folder, entry)]
    # The other processes of a run do not try again what the main one has just tried.
    again = [name for name, entry in held.items() if entry.get('again') and is_first()]
    return {name: paths[name] for name in sorted({*lost, *changed, *cut, *again})}, changed


def _decode(folder: str, missing: dict[str, str], resize: dict | None, every: Mapping[str, str],
            root: str | None, alone: bool) -> None:
    """Choose how frames are kept, check the room, and decode in parallel."""
    if alone:
        for left in Path(folder).glob('clips/*/.*.part.*'):  # of a process that was killed
            left.unlink()
    index = _index_or_none(folder)
    if index is not None:
        resize = index['resize']
    size = resize['scale'] if resize else None
    free = shutil.disk_usage(folder).free
    room = f'{bytes_in_words(free)} are free in {folder}, of which it may take half'
    if index is None:
        raw = raw_bytes(list(every.values()), size)
        kind = choose_kind(raw, free)
        if kind is None:
            raise InputError(f'the frames of {len(every)} clips need '
                             f'{bytes_in_words(JPEG_SHARE * raw)} even as JPEG, and {room}')
        if kind == JPEG and os.path.isdir(next(iter(every.values()))):
            raise InputError(f'the frames of {len(every)} clips need {bytes_in_words(raw)}, and '
                             'JPEG would be no faster to read than these folders of pictures')
    else:
        kind = index['kind']
    need = raw_bytes(list(missing.values()), size) * (JPEG_SHARE if kind == JPEG else 1)
    if need > SHARE * free:
        trouble = f'the frames of {len(missing)} clips need {bytes_in_words(need)}, and {room}'
        if index is None:
            raise InputError(trouble)
        say(f'{trouble}: they are read from their files', by_all=True)
        _leave_out(folder, missing)
        return
    if index is None:
        if os.path.exists(os.path.join(folder, CLIPS)):
            say(f'the index of {folder} is damaged: its clips are decoded again', by_all=True)
        if os.path.exists(os.path.join(folder, OLDER)):
            say(f'{folder} holds the store of an earlier version, which read some videos wrong. '
                f'Its clips are decoded again; {OLDER} and index.json may be deleted', by_all=True)
        start_index(folder, resize, kind, root)
    how = 'as they are' if kind == RAW else 'as JPEG of quality 95'
    say(f'{len(missing)} clips are decoded once into {folder}, {how}: about '
        f'{bytes_in_words(need)} of {bytes_in_words(free)} (cache=none: no store)', by_all=True)
    _write(folder, missing, kind, resize)


@contextmanager
def _open_index(folder: str) -> Iterator[TextIO]:
    """The index of a store, open for appending."""
    path = os.path.join(folder, CLIPS)
    with open(path, 'rb+') as file:
        if file.seek(0, os.SEEK_END) and file.seek(-1, os.SEEK_END) and file.read(1) != b'\n':
            file.write(b'\n')  # the line that a stopped process did not finish
    with open(path, 'a', encoding='utf-8') as index:
        yield index


def _leave_out(folder: str, paths: Mapping[str, str]) -> None:
    with _open_index(folder) as index:
        for name, path in paths.items():
            add_to_index(index, name, dict(source=signature_or_none(path), again=True))


def _write(folder: str, missing: dict[str, str], kind: str, resize: dict | None) -> None:
    transform = resize and TRANSFORMS.build(dict(resize, scale=tuple(resize['scale'])))
    cv2.setNumThreads(0)  # threads of OpenCV do not outlive a fork
    alone = []
    store = partial(_store, folder, missing, kind, transform)
    with _open_index(folder) as index, tqdm(total=len(missing), unit='clip',
                                            desc='decoding') as bar:
        processes = min(cores(), len(missing))
        for name, entry, trouble in run_guarded(store, list(missing), processes, TIMEOUT):
            if isinstance(entry, int):
                raise OSError(entry, os.strerror(entry))
            if entry is None:
                alone.append(f'{missing[name]} ({trouble})')
                entry = dict(source=signature_or_none(missing[name]), again=True)
            add_to_index(index, name, entry)
            bar.update()
    if alone:
        say(f'{len(alone)} clips could not be stored and are read from their files: {some(alone)}',
            by_all=True)


def _store(folder: str, paths: dict[str, str], kind: str, resize: Any, name: str) -> dict | int:
    """Call ``frame_store.store_clip``; return the number of an error that concerns the whole store.
    """
    try:
        return store_clip(folder, name, paths[name], kind, resize)
    except OSError as error:
        if error.errno in UNWRITABLE:
            return int(error.errno)
        raise
