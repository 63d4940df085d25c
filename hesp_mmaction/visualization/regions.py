"""Pictures of where the visual prompt acts."""
import cv2
import numpy as np

WINDOW = (255, 60, 0)  # RGB


def under_heat(frame, activation, highest=None):
    """Overlay an activation map on a frame.

    Args:
        frame (np.ndarray): RGB (S, S, 3), uint8.
        activation (np.ndarray): (h, w), not negative.
        highest (float, optional): the value shown brightest. Defaults to None, the largest of this
            map.

    Returns:
        np.ndarray: RGB (S, S, 3), uint8.
    """
    size = frame.shape[0]
    heat = cv2.resize(activation.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR)
    highest = float(heat.max() if highest is None else highest)
    heat = (255 * heat / max(highest, 1e-12)).astype(np.uint8)
    colours = cv2.applyColorMap(heat, cv2.COLORMAP_INFERNO)[..., ::-1]
    return (0.45 * frame + 0.55 * colours).astype(np.uint8)


def draw_region(frame, activation, window):
    """Draw side by side a frame, its activation map on it, and the window on it.

    Args:
        frame (np.ndarray): (S, S, 3) uint8, RGB.
        activation (np.ndarray): (h, w), not negative.
        window (tuple[int, int, int]): top, left and side in pixels.

    Returns:
        np.ndarray: (S, 3 S, 3) uint8, RGB.
    """
    size = frame.shape[0]
    under = under_heat(frame, activation)
    boxed = frame.copy()
    top, left, side = window
    cv2.rectangle(boxed, (left, top), (left + side - 1, top + side - 1), WINDOW, max(1, size // 96))
    return np.concatenate([frame, under, boxed], axis=1)
