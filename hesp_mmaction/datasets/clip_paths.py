"""Finds the files of the clips that a list names."""
import os
import re
import unicodedata

from .decoding import VIDEO_EXTENSIONS

_DRIVE = re.compile(r'[A-Za-z]:[/\\]')


def find_clip(folder, name):
    """Path of a listed clip: the file or folder itself, or what has its name in another form.

    MAFW's ``00001.mp4`` may have been cut into a folder ``00001`` of frames, or be a
    ``00001.MP4``. A list that was made on Windows has ``\\`` in its paths, one that was saved by
    Excel may have its letters in another encoding, and ``~`` is the home folder.

    Args:
        folder (str): folder from which relative names start.
        name (str): path as written in the list.

    Returns:
        str: the path that exists; if none does, the folder and the name.
    """
    names = [name, name.replace('\\', '/'), os.path.expanduser(name)]
    names += [unicodedata.normalize(form, name) for form in ('NFC', 'NFD')]
    names.append(os.fsencode(name).decode('cp1252', 'replace') if _foreign(name) else name)
    for name_here in dict.fromkeys(names):
        path = os.path.join(folder, name_here)
        stem = os.path.splitext(path)[0]
        for place in (path, stem, *(stem + e for end in VIDEO_EXTENSIONS
                                    for e in (end, end.upper()))):
            if os.path.exists(place):
                return place
    return os.path.join(folder, name)


def _foreign(name):
    return any('\ud800' <= letter <= '\udfff' for letter in name)


def locate(clips, folder, where):
    """The clips of a list with the paths at which they are.

    Args:
        clips (list[ListedClip]): clips with paths as written in the list.
        folder (str): folder from which relative paths start.
        where (str): the list, for messages.

    Returns:
        tuple: list[ListedClip], and list[str], a message if there are paths of a Windows drive.
    """
    found = [clip._replace(path=find_clip(folder, clip.path)) for clip in clips]
    lost = [clip.path for clip in clips if _DRIVE.match(clip.path)
            and not os.path.exists(find_clip(folder, clip.path))]
    if not lost:
        return found, []
    return found, [f'{where}: {len(lost)} paths are on a drive of another computer ({lost[0]}): '
                   'take the beginning off so that they start from data_root: python '
                   'tools/data/convert_list.py IN OUT --to names --strip PREFIX']
