"""What stores of frames and of features share: the signature of a clip, and reading an index."""
import json
import os

from ..errors import InputError
from .clip_loading import list_images

INDEX = 'index.json'  # of a store of features


def signature(path):
    """Returns size in bytes and last change (ns) of a clip, over all frames if it is a folder."""
    stats = [os.stat(p) for p in (list_images(path) if os.path.isdir(path) else [path])]
    return [sum(s.st_size for s in stats), max((s.st_mtime_ns for s in stats), default=0)]


def signature_or_none(path):
    """Returns the signature of a clip, or None if the clip does not exist."""
    try:
        return signature(path)
    except OSError:
        return None


def read_store(folder, what, remedy):
    """Reads the index of a store of features (dict); InputError if it is not complete."""
    try:
        with open(os.path.join(folder, INDEX), encoding='utf-8') as file:
            return json.load(file)
    except FileNotFoundError as error:
        raise InputError(f'{what}: no store in {os.path.abspath(folder)}; {remedy}') from error
