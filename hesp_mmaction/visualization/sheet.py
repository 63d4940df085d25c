"""Draws predictions with a frame of each clip (the paper's Fig. 4)."""
import os

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..datasets.clip_loading import FrameFolder
from ..datasets.decoding import BrokenClip
from ..datasets.video import Video
from ..errors import InputError
from .canvas import KNOWN, UNKNOWN


def choose_clips(dump, per_kind=4, seed=0):
    """Choose clips to show: as many of each kind of outcome as asked, if possible.

    The kinds are: known and right; known and taken for another or for unknown; unknown and found;
    unknown and taken for known.

    Args:
        dump (dict[str, np.ndarray]): raw material of a test run.
        per_kind (int): clips of each kind. Defaults to 4.
        seed (int): seed of the choice. Defaults to 0.

    Returns:
        list[int]: rows of the dump.
    """
    known = dump['label'] >= 0
    truth = np.where(known, dump['emotion'], 'unknown')
    right = dump['pred_emotion'] == truth
    generator = np.random.default_rng(seed)
    chosen = []
    for kind in (known & right, known & ~right, ~known & right, ~known & ~right):
        found = np.flatnonzero(kind)
        chosen += sorted(generator.permutation(found)[:per_kind])
    return chosen


def middle_frame(path):
    """Read the middle frame of a video or of a folder of pictures.

    Args:
        path (str): the video or the folder.

    Returns:
        np.ndarray: RGB (H, W, 3), uint8.

    Raises:
        InputError: the path holds nothing that can be read.
    """
    path = str(path)
    try:
        frames = FrameFolder(path) if os.path.isdir(path) else Video(path)
        frame = frames[len(frames) // 2]
        frames.close()
        return frame
    except (BrokenClip, OSError, IndexError) as error:
        raise InputError(f'{path} cannot be read: is the data root right?') from error


def frame_grid(frames, columns, size):
    """Draw frames side by side, row by row.

    Args:
        frames (list[np.ndarray]): (H, W, 3) uint8 RGB.
        columns (int): frames in a row.
        size (tuple[float, float]): width and height of a place in inches.

    Returns:
        tuple[matplotlib.figure.Figure, list[matplotlib.axes.Axes]]: the figure, and the place of
        each frame.
    """
    rows = -(-len(frames) // columns)
    figure = Figure(figsize=(size[0] * columns, size[1] * rows), layout='constrained')
    FigureCanvasAgg(figure)
    places = [figure.add_subplot(rows, columns, place) for place in range(1, len(frames) + 1)]
    for frame, axes in zip(frames, places, strict=True):
        axes.imshow(frame)
        axes.set(xticks=[], yticks=[])
    return figure, places


def draw_sheet(dump, frames, indices, columns=4):
    """Draw a sheet of frames with truth, decision and score.

    Args:
        dump (dict[str, np.ndarray]): raw material of a test run.
        frames (list[np.ndarray]): one (H, W, 3) uint8 RGB frame for each of the indices.
        indices (list[int]): the samples to show, as rows of the dump.
        columns (int): pictures in a row. Defaults to 4.

    Returns:
        matplotlib.figure.Figure: the sheet.
    """
    figure, places = frame_grid(frames, columns, (2.2, 2.7))
    for index, axes in zip(indices, places, strict=True):
        is_known = dump['label'][index] >= 0
        truth = dump['emotion'][index]
        decided = dump['pred_emotion'][index]
        right = decided == (truth if is_known else 'unknown')
        axes.set_title(f'{truth}{"" if is_known else " (unknown)"}\n-> {decided}, '
                       f'{dump["score"][index]:.3g}', fontsize='small',
                       color='black' if right else '#b00020')
        for spine in axes.spines.values():
            spine.set(color=KNOWN if is_known else UNKNOWN, linewidth=2)
    return figure
