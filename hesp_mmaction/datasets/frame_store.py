"""A store of decoded frames: every clip is decoded once, for all epochs, splits and processes.

A store is a folder with a file for each clip (``frame_files``) and an index, ``clips.jsonl``.
The first line of the index says what was done to the frames and how they are kept; every further
line is what is known of one clip, and of two lines for a clip the later one counts. So a store
grows, and one whose building was stopped is a smaller store. ``apis.frame_building`` fills it;
``clip_loading`` reads the frames.
"""
import os

import numpy as np

from ..errors import InputError
from ..text import some
from .clip_loading import ClipInit, list_images
from .decoding import BrokenClip
from .frame_files import RAW, clip_file, write_frames
from .frame_index import REMEDY
from .integrity import unreadable
from .pictures import picture_size
from .stores import same_signature, signature_or_none


def first_resize(pipelines):
    """The ``Resize`` with which all pipelines begin after decoding, or None if they differ.

    With it the store is as small as it can be; without, it holds frames as they were decoded.

    Args:
        pipelines (list[list[dict]]): pipelines of configs.

    Returns:
        dict | None: the config of the ``Resize``.

    Raises:
        InputError: a pipeline does not decode with ``ClipInit`` and ``ClipDecode``.
    """
    found = [after_decoding(pipeline) for pipeline in pipelines]
    same = all(step == found[0] for step in found)
    whole = same and found[0].get('type') == 'Resize' and found[0].get('keep_ratio') is False
    return found[0] if whole else None


def after_decoding(pipeline):
    """Find the step that follows ``ClipDecode``.

    Args:
        pipeline (list[dict]): steps of a data pipeline.

    Returns:
        dict: the step; empty if none follows.

    Raises:
        InputError: the pipeline has no ``ClipInit`` or no ``ClipDecode``.
    """
    types = [step['type'] if isinstance(step, dict) else '' for step in pipeline]
    if 'ClipInit' not in types or 'ClipDecode' not in types:
        raise InputError('a cache needs a pipeline with ClipInit and ClipDecode, not '
                         f'{", ".join(types)}')
    after = types.index('ClipDecode') + 1
    step = pipeline[after] if after < len(pipeline) else {}
    # As JSON returns it.
    return {key: list(v) if isinstance(v, tuple) else v for key, v in dict(step).items()}


def store_clip(store, name, path, kind, resize=None):
    """Decode a clip into a store.

    Args:
        store (str): its folder.
        name (str): sample id of the clip.
        path (str): the clip.
        kind (str): ``'raw'`` or ``'jpeg'``.
        resize (Callable, optional): the transform of the frames.

    Returns:
        dict: ``source``, the ``signature`` of the clip, None if it is not there. A clip that
        is kept also has ``frames`` (how many), ``shape`` and ``original_shape`` (h, w), and
        ``avg_fps``. A clip that cannot be opened has ``bad``, the reason. A video that cannot be
        decoded to its end has ``broken``, the reason. A broken clip is read from its file, and so
        is one that has only ``source``: a folder with a damaged picture, or with pictures of
        different sizes, which a sample resizes to that of its first frame.

    Raises:
        BrokenClip: the clip is there but cannot be read now, which says nothing about it.
        OSError: the file cannot be written.
    """
    entry, why = dict(source=signature_or_none(path)), unreadable(path)
    if why and entry['source'] is not None:
        _read_whole(path)
        why = unreadable(path)
    if why:
        return dict(entry, bad=why)
    folder = os.path.isdir(path)
    if folder and len({picture_size(image) for image in list_images(path)}) > 1:
        return entry
    opened = ClipInit()(dict(filename=path))
    frames, number = opened['clip_frames'], opened['total_frames']
    shapes = set()

    def resized():
        for i in range(number):
            frame = frames[i]
            results = dict(imgs=[frame], img_shape=frame.shape[:2])
            image = (resize(results) if resize else results)['imgs'][0]
            shapes.add((image.shape[:2], frame.shape[:2]))
            if len(shapes) > 1:
                raise BrokenClip('its frames differ in size')
            yield np.ascontiguousarray(image)

    try:
        write_frames(clip_file(store, name, kind), resized(), number, kind)
    except BrokenClip:
        _read_whole(path)
        if folder or len(shapes) > 1:
            return entry
        return dict(entry, broken=f'cannot be decoded to its end ({number} frames)')
    finally:
        frames.close()
    (shape, original), = shapes
    return dict(entry, frames=number, shape=list(shape), original_shape=list(original),
                avg_fps=opened.get('avg_fps'))


def _read_whole(path):
    """Read every byte of a clip. A disk that fails, or a file that is not ours, is no bad clip."""
    try:
        for each in list_images(path) if os.path.isdir(path) else [path]:
            with open(each, 'rb') as file:
                while file.read(2 ** 20):
                    pass
    except OSError as error:
        raise BrokenClip(f'cannot be read: {error.strerror}') from error


def is_whole(folder, entry):
    """Look whether the file of a stored clip is as large as it must be.

    Args:
        folder (str): the store.
        entry (dict): of the index.

    Returns:
        bool: False if it is missing or cut. True also for a clip that has no file.
    """
    if 'frames' not in entry:
        return True
    try:
        size = os.path.getsize(clip_file(folder, entry['name'], entry['kind']))
    except OSError:
        return False
    height, width = entry['shape']
    if entry['kind'] == RAW:
        return size == entry['frames'] * height * width * 3
    return size > 8 * (entry['frames'] + 1)


def check_pipeline(folder, index, pipeline):
    """Check that a pipeline gets the same pixels from a store as from the clips.

    Args:
        folder (str): the store.
        index (dict): index of the store.
        pipeline (list[dict]): steps of a data pipeline.

    Raises:
        InputError: the frames in the store are resized in another way.
    """
    after = after_decoding(pipeline)
    if index['resize'] and index['resize'] != after:
        raise InputError(f'cache: {folder} holds frames after {index["resize"]}, but the pipeline '
                         f'has {after} there; {REMEDY}')


def lost_and_changed(index, paths):
    """List the clips that a store does not hold.

    Args:
        index (dict): as returned by ``read_index``.
        paths (dict[str, str]): sample id of a clip to its path.

    Returns:
        tuple[list[str], list[str]]: sample ids of clips that are not in it, and of those that
        changed (bytes or time) after they were stored.
    """
    clips = index['clips']
    lost = [name for name in paths if name not in clips]
    changed = [name for name, path in paths.items()
               if name in clips and not same_signature(clips[name]['source'],
                                                       signature_or_none(path))]
    return lost, changed


def check_sources(folder, index, paths):
    """Check that a store holds clips as they are on the disk.

    Args:
        folder (str): the store.
        index (dict): index of the store.
        paths (dict[str, str]): sample id of a clip to its path.

    Raises:
        InputError: clips are not in it, or have changed since it was made; the message names them.
    """
    lost, changed = lost_and_changed(index, paths)
    for names, what in ((lost, 'are not in it'), (changed, 'changed after it was made')):
        if names:
            raise InputError(f'cache {folder}: {len(names)} clips {what}: {some(names)}; {REMEDY}')
