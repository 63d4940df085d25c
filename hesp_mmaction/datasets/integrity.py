"""Checks whether a clip is complete: it can be opened and decoded, and fits its header."""
import os

from PIL import Image

from .clip_loading import list_images
from .decoding import BrokenClip
from .video import Video
from .video_layout import find_layout


def unreadable(path):
    """Find out why a clip cannot be opened. It takes about 2 ms for a small video.

    No frame is decoded if the video's packets alone tell which frames it has.

    Args:
        path (str): a video or a folder of frames.

    Returns:
        str | None: the reason. None if it can be opened.
    """
    if os.path.isdir(path):
        return None if list_images(path) else 'no images in this folder'
    if not os.path.isfile(path):
        return 'no such file'
    if os.path.getsize(path) == 0:
        return 'empty file'
    try:
        find_layout(path)
    except (BrokenClip, OSError) as error:
        return str(error)
    return None


def undecodable(path):
    """Decode every frame of a video in order, to find out whether one cannot be decoded.

    Args:
        path (str): a video or a folder of frames; frames in a folder are not decoded.

    Returns:
        str | None: the reason. None if all can be decoded.
    """
    why = unreadable(path)
    if why or os.path.isdir(path):
        return why
    with Video(path) as video:
        try:
            for number in range(len(video)):
                video.decode(number)
        except BrokenClip:
            return f'cannot be decoded to its end ({len(video)} frames)'
    return None


def oddity(path):
    """Describe what is unusual about a clip that can be read.

    Args:
        path (str): a video or a folder of frames.

    Returns:
        str | None: words. None if nothing is unusual.
    """
    if os.path.isdir(path):
        images = list_images(path)
        with Image.open(images[0]) as picture:
            number, (width, height) = len(images), picture.size
    else:
        layout = find_layout(path)
        number, (height, width) = len(layout.stamps), layout.size
    notes = ['only one frame'] * (number == 1)
    notes += [f'frames of an odd size, {width} x {height}'] * (width % 2 or height % 2)
    return ', '.join(notes) or None


def missing_bytes(path):
    """Compute how many bytes a RIFF (.avi) or ISO (.mp4) file lacks by what its own headers say.

    Args:
        path (str): the file.

    Returns:
        int: 0 if it is whole, or of another format.
    """
    size = os.path.getsize(path)
    with open(path, 'rb') as file:
        head = file.read(12)
        if head[:4] == b'RIFF':
            return max(0, 8 + int.from_bytes(head[4:8], 'little') - size)
        end = 0
        while head[4:8] == b'ftyp' and end < size:
            file.seek(end)
            box = file.read(16)
            length = int.from_bytes(box[:4], 'big')
            if length == 1:  # a length of 64 bits follows the name
                length = int.from_bytes(box[8:], 'big')
            if length < 8:  # 0: it goes on to the end of the file
                return 0
            end += length
    return max(0, end - size)


def damage(path):
    """Describe all that is wrong with a clip, even if data sets accept it.

    A video that is cut off can often be opened and decoded as a shorter one, and a frame of which
    half is missing is an image of which half is grey.

    Args:
        path (str): a video or a folder of frames.

    Returns:
        str | None: words. None if nothing is wrong.
    """
    if os.path.isdir(path):
        for image in list_images(path):
            try:
                with Image.open(image) as picture:
                    picture.load()
            except OSError as error:
                return f'{os.path.basename(image)}: {str(error).replace(image, "").strip()}'
        return unreadable(path)
    if os.path.isfile(path) and os.path.getsize(path) and missing_bytes(path):
        return f'truncated: {missing_bytes(path)} bytes are missing at its end'
    return undecodable(path)
