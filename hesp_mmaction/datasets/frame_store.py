"""Decoded frames of all clips in one memory-mapped file, shared by epochs, splits and processes.

A store is a folder of ``frames.npy``, all frames one after the other as flat uint8, and
``index.json``: what was done to the frames, and of every clip where its frames begin. It is made
by ``tools/data/build_cache.py``; :mod:`clip_loading` reads the frames.
"""
import json
import os

from ..errors import InputError
from ..files import whole
from ..text import printable
from .clip_loading import list_images

INDEX = 'index.json'
REMEDY = 'build it anew: python tools/data/build_cache.py CONFIG OUT'


def some(texts, limit=10):
    """The texts in one line, of a long list only the first ones, printable."""
    more = f', and {len(texts) - limit} more' if len(texts) > limit else ''
    return printable(', '.join(texts[:limit]) + more)


def signature(path):
    """Bytes and time of the last change (ns) of a clip; of a folder of frames, of all together."""
    stats = [os.stat(p) for p in (list_images(path) if os.path.isdir(path) else [path])]
    return [sum(s.st_size for s in stats), max((s.st_mtime_ns for s in stats), default=0)]


def first_resize(pipelines):
    """The ``Resize`` with which all pipelines begin after decoding, or None if they differ.

    With it the store is as small as it can be; without, it holds frames as they were decoded.

    Args:
        pipelines (list[list[dict]]): of configs.

    Raises:
        InputError: a pipeline does not decode with ``ClipInit`` and ``ClipDecode``.
    """
    found = [after_decoding(pipeline) for pipeline in pipelines]
    same = all(step == found[0] for step in found)
    whole = same and found[0].get('type') == 'Resize' and found[0].get('keep_ratio') is False
    return found[0] if whole else None


def after_decoding(pipeline):
    """The step that follows ``ClipDecode`` (dict), empty if none does."""
    types = [step['type'] if isinstance(step, dict) else '' for step in pipeline]
    if 'ClipInit' not in types or 'ClipDecode' not in types:
        raise InputError('a cache needs a pipeline with ClipInit and ClipDecode, not '
                         f'{", ".join(types)}')
    after = types.index('ClipDecode') + 1
    step = pipeline[after] if after < len(pipeline) else {}
    # As JSON gives it back.
    return {key: list(v) if isinstance(v, tuple) else v for key, v in dict(step).items()}


def write_index(folder, clips, bad, resize):
    """The last step: from now on the store counts as whole."""
    with whole(os.path.join(folder, INDEX)) as file:
        json.dump(dict(resize=resize, clips=clips, bad=bad), file)


def read_store(folder, what, remedy):
    """The index of a store of any kind (dict); InputError if there is no whole one."""
    try:
        with open(os.path.join(folder, INDEX), encoding='utf-8') as file:
            return json.load(file)
    except FileNotFoundError as error:
        raise InputError(f'{what}: no store in {os.path.abspath(folder)}; {remedy}') from error


def read_index(folder):
    """The index of a store (dict): ``resize``, ``clips`` and ``bad``, name to reason.

    Raises:
        InputError: there is no whole store.
    """
    return read_store(folder, 'cache', REMEDY)


def check_pipeline(folder, index, pipeline):
    """InputError if a pipeline would see other pixels from the store than from the clips."""
    after = after_decoding(pipeline)
    if index['resize'] and index['resize'] != after:
        raise InputError(f'cache: {folder} holds frames after {index["resize"]}, but the pipeline '
                         f'has {after} there; {REMEDY}')


def check_sources(folder, index, paths):
    """InputError that names clips that are not in a store or changed after it was made.

    Args:
        folder (str): the store. index (dict): of it. paths (dict[str, str]): name of a clip to
            its path.
    """
    lost = [name for name in paths if name not in index['clips'] and name not in index['bad']]
    changed = [name for name, path in paths.items() if name in index['clips']
               and (not os.path.exists(path) or index['clips'][name]['source'] != signature(path))]
    for names, what in ((lost, 'are not in it'), (changed, 'changed after it was made')):
        if names:
            raise InputError(f'cache {folder}: {len(names)} clips {what}: {some(names)}; {REMEDY}')
