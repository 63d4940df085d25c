"""What stores of frames and of features share: the signature of a clip, and reading an index."""
import json
import os

from ..errors import InputError
from .clip_loading import list_images

INDEX = 'index.json'  # of a store of features


def signature(path):
    """Read size and time of a clip, to notice a change.

    Args:
        path (str): a video or a folder of frames.

    Returns:
        list[int]: size in bytes and last change in ns, over all frames of a folder.
    """
    stats = [os.stat(p) for p in (list_images(path) if os.path.isdir(path) else [path])]
    return [sum(s.st_size for s in stats), max((s.st_mtime_ns for s in stats), default=0)]


def signature_or_none(path):
    """``signature`` of a clip that may not exist.

    Args:
        path (str): a video or a folder of frames.

    Returns:
        list[int] | None: the signature. None if the clip does not exist.
    """
    try:
        return signature(path)
    except OSError:
        return None


def read_store(folder, what, remedy):
    """Read the index of a store.

    Args:
        folder (str): the store.
        what (str): the setting that names the store, for the message.
        remedy (str): how to build it, for the message.

    Returns:
        dict: the index.

    Raises:
        InputError: there is no complete store.
    """
    try:
        with open(os.path.join(folder, INDEX), encoding='utf-8') as file:
            return json.load(file)
    except FileNotFoundError as error:
        raise InputError(f'{what}: no store in {os.path.abspath(folder)}; {remedy}') from error
