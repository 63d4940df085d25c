"""The pictures of the demo page: frames that are shown, and where the model looks."""
import cv2
import numpy as np
import torch

SHOWN = 8  # frames of a clip


def reduced(frame, side=640):
    """Shrink a frame, if need be.

    Args:
        frame (np.ndarray): (H, W, 3) uint8.
        side (int): the most pixels of its longer side. Defaults to 640.

    Returns:
        np.ndarray: (h, w, 3) uint8.
    """
    scale = side / max(frame.shape[:2])
    if scale >= 1:
        return frame
    size = tuple(max(1, round(scale * v)) for v in frame.shape[1::-1])
    return cv2.resize(frame, size, interpolation=cv2.INTER_AREA)


def spread(number, at_most):
    """Choose frames that are evenly spread.

    Args:
        number (int): how many frames there are.
        at_most (int): how many to choose at most.

    Returns:
        list[int]: their numbers, from 0.
    """
    count = min(number, at_most)
    return ((np.arange(count) + 0.5) * number / count).astype(int).tolist()


def shown_frames(inputs):
    """Turn the input of a model into at most 8 pictures.

    Args:
        inputs (Tensor): (T, 3, S, S) frames, or (N, 3, T, S, S) clips, pixels 0..255.

    Returns:
        np.ndarray: (T', S, S, 3) uint8, T' <= 8.
    """
    frames = inputs.permute(0, 2, 3, 4, 1).flatten(0, 1) if inputs.ndim == 5 \
        else inputs.permute(0, 2, 3, 1)
    return frames[spread(len(frames), SHOWN)].clamp(0, 255).byte().cpu().numpy()


def activation_maps(model, frames):
    """Show where frames look like the texts of the known emotions.

    Args:
        model (PromptedRecognizer): the model.
        frames (np.ndarray): (T, S, S, 3) uint8 RGB.

    Returns:
        np.ndarray | None: (T, h, w), one value per patch. None if the backbone has no texts, or if
        the texts of the head differ between clips.
    """
    text = getattr(model.cls_head, 'template_text', getattr(model.cls_head, 'class_text', None))
    if not isinstance(text, torch.Tensor) or not hasattr(model.backbone, 'activation_map'):
        return None
    pixels = torch.from_numpy(frames).permute(0, 3, 1, 2).float().to(text.device) / 255
    return model.backbone.activation_map(model.normalise(pixels), text).cpu().numpy()
