"""Windows over a clip: which frames each of them holds."""
import numpy as np

from ..errors import InputError


def spans(num_frames, fps, window=None, stride=None, times=None):
    """Divide a clip into windows.

    The last window ends with the clip, so every frame is in a window. A clip that is no longer than
    a window is one window.

    Args:
        num_frames (int): T, the number of frames.
        fps (float): frames per second.
        window (float, optional): seconds of a window. Defaults to None: the whole clip.
        stride (float, optional): seconds from one window to the next. Defaults to None: half a
            window.
        times (np.ndarray, optional): (T + 1,) seconds when each frame is shown, and the end. Needed
            if the frame rate varies. A window then holds the frames that are shown during its
            seconds. Defaults to None: an even rate.

    Returns:
        list[tuple[int, int]]: the first frame of each window, and the frame after its last.

    Raises:
        InputError: the window or the stride is not positive.
    """
    if window is None:
        if stride is not None:
            raise InputError('stride needs window: give both, or neither')
        return [(0, num_frames)]
    stride = window / 2 if stride is None else stride
    if not (window > 0 and stride > 0):
        raise InputError(f'window={window} and stride={stride} must be more than 0 seconds')
    if times is not None:
        return _uneven_spans(np.asarray(times), window, stride)
    length = max(1, round(window * fps))
    if length >= num_frames:
        return [(0, num_frames)]
    count = int((num_frames - length) / max(1, stride * fps) + 1e-9) + 1
    starts = [round(i * max(1, stride * fps)) for i in range(count)]
    if starts[-1] + length < num_frames:
        starts.append(num_frames - length)
    return [(start, start + length) for start in starts]


def _uneven_spans(times, window, stride):
    """The same for a varying rate. A border is put at the frame that begins nearest to it."""
    last = len(times) - 1
    if window >= times[-1]:
        return [(0, last)]
    starts = np.append(np.arange(0, times[-1] - window, stride), times[-1] - window)
    borders = [np.round(np.interp(at, times, np.arange(last + 1))).astype(int)
               for at in (starts, starts + window)]
    found = [(min(start, last - 1), max(stop, min(start, last - 1) + 1))
             for start, stop in zip(*(border.tolist() for border in borders), strict=True)]
    return sorted(set(found))
