"""Follows faces from frame to frame. A face is described in ``faces.py``."""
import numpy as np
import torch
from scipy.signal import savgol_filter
from torchvision.ops import box_convert, box_iou


def overlaps(boxes, others):
    """Intersection over union of each pair of boxes.

    Args:
        boxes (Sequence[Sequence[float]]): A boxes, each x, y, width and height in pixels.
        others (Sequence[Sequence[float]]): B boxes.

    Returns:
        np.ndarray: (A, B), 0 to 1.
    """
    corners = [box_convert(torch.as_tensor(np.reshape(group, (-1, 4)), dtype=torch.float64),
                           'xywh', 'xyxy') for group in (boxes, others)]
    return box_iou(*corners).numpy()


def tracks(found):
    """Follow faces from frame to frame, over gaps too.

    Args:
        found (list[list[dict]]): the faces found in each frame.

    Returns:
        list[dict[int, dict]]: for each track, frame number to face.
    """
    result = []
    for number, faces in enumerate(found):
        shares = overlaps([track[max(track)]['box'] for track in result],
                          [face['box'] for face in faces])
        taken = set()
        pairs = ((shares[pair], *pair) for pair in np.ndindex(shares.shape))
        for share, t, f in sorted(pairs, reverse=True):
            if share > 0.3 and f not in taken and number not in result[t]:
                result[t][number] = faces[f]
                taken.add(f)
        result += [{number: face} for f, face in enumerate(faces) if f not in taken]
    return result


def main_track(found):
    """Choose the track with the largest sum of areas: large and seen for long.

    Args:
        found (list[list[dict]]): the faces found in each frame.

    Returns:
        dict[int, dict] | None: frame number to face. None without a face.
    """
    return max(tracks(found), key=lambda track: sum(
        face['box'][2] * face['box'][3] for face in track.values()), default=None)


def smooth(track, num_frames, window=5):
    """Points of every frame, interpolated where no face was found and smoothed over time.

    Each point is read off the straight line that best fits the points of the nearest frames. The
    points of a face that moves evenly therefore do not lag. The first and last frames are smoothed
    too.

    Args:
        track (dict[int, dict]): frame number to the face.
        num_frames (int): T, the number of frames of the clip.
        window (int): how many frames a line is fitted to.

    Returns:
        np.ndarray: points (T, P, 2), in pixels.
    """
    numbers = sorted(track)
    known = np.array([track[n]['points'] for n in numbers], dtype=float)
    frames = np.arange(num_frames)
    points = np.stack([np.interp(frames, numbers, column)
                       for column in known.reshape(len(numbers), -1).T], 1)
    if num_frames >= 3:  # a line through two would be no smoothing
        points = savgol_filter(points, min(window, num_frames), polyorder=1, axis=0)
    return points.reshape(num_frames, -1, 2)
