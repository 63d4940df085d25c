"""What stores of frames and of features share: the signature of a clip, and reading an index."""
import json
import os
from zlib import crc32

from ..errors import InputError
from .clip_loading import list_images

INDEX = 'index.json'  # of a store of features


def signature(path):
    """Read size and time of a clip, to notice a change.

    Args:
        path (str): a video or a folder of frames.

    Returns:
        list[int]: size in bytes and last change in ns. Of a folder these are the sum and the latest
        of its frames, and a third number stands for names and sizes in their order.
    """
    if not os.path.isdir(path):
        about = os.stat(path)
        return [about.st_size, about.st_mtime_ns]
    images = list_images(path)
    stats = [os.stat(image) for image in images]
    order = [(os.path.basename(image), s.st_size) for image, s in zip(images, stats, strict=True)]
    return [sum(s.st_size for s in stats), max((s.st_mtime_ns for s in stats), default=0),
            crc32(repr(order).encode())]


def same_signature(old, new):
    """Compare signatures.

    Args:
        old (list[int] | None): of a store. Stores of earlier versions lack the third number.
        new (list[int] | None): of now.

    Returns:
        bool: whether the clip is as it was.
    """
    if old is None or new is None:
        return old is new
    return old == new[:len(old)]


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
