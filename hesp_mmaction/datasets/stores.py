"""What stores of frames and of features share: the signature of a clip, and reading an index."""
import json
import os

from ..errors import InputError
from .clip_loading import list_images

INDEX = 'index.json'  # of a store of features


def signature(path):
    """Bytes and time of the last change (ns) of a clip; of a folder of frames, of all together."""
    stats = [os.stat(p) for p in (list_images(path) if os.path.isdir(path) else [path])]
    return [sum(s.st_size for s in stats), max((s.st_mtime_ns for s in stats), default=0)]


def signature_or_none(path):
    """The same, or None of a clip that is not there."""
    try:
        return signature(path)
    except OSError:
        return None


def read_store(folder, what, remedy):
    """The index of a store of features (dict); InputError if there is no whole one."""
    try:
        with open(os.path.join(folder, INDEX), encoding='utf-8') as file:
            return json.load(file)
    except FileNotFoundError as error:
        raise InputError(f'{what}: no store in {os.path.abspath(folder)}; {remedy}') from error
