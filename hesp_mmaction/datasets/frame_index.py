"""The index of a store of frames, ``clips.jsonl``.

The first line says what was done to the frames and how they are kept; every further line is what is
known of one clip, and of two lines for a clip the later one counts.
"""
import functools
import json
import os

from ..errors import InputError
from ..files import whole
from .frame_files import KINDS

CLIPS = 'clips.jsonl'  # of a store of frames
ENTRY, STORED = {'name', 'source'}, {'frames', 'shape', 'original_shape', 'avg_fps'}
REMEDY = 'build it anew: python tools/data/build_cache.py CONFIG OUT'


class NoStore(InputError):
    """A folder has no index, or a damaged one."""


def start_index(folder, resize, kind, root=None):
    """Begin the index of a new store.

    Args:
        folder (str): folder of the store.
        resize (dict | None): as returned by ``first_resize``.
        kind (str): ``'raw'`` or ``'jpeg'``, see ``frame_files``.
        root (str, optional): the folder of the clips. Defaults to None, not known.
    """
    with whole(os.path.join(folder, CLIPS)) as file:
        file.write(json.dumps(dict(resize=resize, kind=kind, root=root)) + '\n')


def add_to_index(file, name, entry):
    """Add a clip to an index.

    Args:
        file (TextIO): the index, open for appending.
        name (str): sample id of the clip.
        entry (dict): what ``store_clip`` returned for it.
    """
    file.write(json.dumps(dict(entry, name=name)) + '\n')
    file.flush()


def read_index(folder):
    """The index of a store of frames.

    Args:
        folder (str): folder of the store.

    Returns:
        dict: ``resize``, ``kind`` and ``root`` (see ``start_index``), and ``clips``: sample id to
        what ``store_clip`` returned for it.

    Raises:
        NoStore: there is none.
        InputError: a newer version made it.
    """
    path = os.path.join(folder, CLIPS)
    try:
        about = os.stat(path)
        index = _read_index(path, about.st_size, about.st_mtime_ns)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NoStore(f'cache: no store in {os.path.abspath(folder)}; {REMEDY}') from error
    if index['kind'] not in KINDS:
        raise InputError(f'cache: a newer version made the store {os.path.abspath(folder)}: '
                         'choose another folder')
    return index


@functools.lru_cache(maxsize=4)  # every data set of a run asks for it
def _read_index(path, *_):
    with open(path, encoding='utf-8', errors='replace') as file:
        first = json.loads(file.readline())
        kind, clips = first['kind'], {}
        for line in file:
            try:
                entry = dict(json.loads(line), kind=kind)
                if ENTRY <= entry.keys() and ('frames' not in entry or STORED <= entry.keys()):
                    clips[entry['name']] = entry
            except (ValueError, TypeError):
                continue  # a process was ended while it wrote: that clip is not in the store
    return dict(resize=first['resize'], kind=kind, root=first.get('root'), clips=clips)
