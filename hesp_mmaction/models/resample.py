"""Crop, bilinear resize and flip of a batch in one operation."""
import torch
from torch.nn.functional import grid_sample


def resample(frames, rows, columns):
    """Pictures whose rows and columns lie at given places of their frames.

    Values between pixels are bilinear and not smoothed, as OpenCV's ``INTER_LINEAR``. Levels of
    uint8 frames stay whole numbers, as in pictures made on the CPU.

    Args:
        frames (Tensor): (B, ..., H, W) uint8, or float from a pipeline that has made them so.
        rows (Tensor): float32 (B, h), 0 to H - 1: where the rows are, 0 being the middle of the
            first.
        columns (Tensor): float32 (B, w), 0 to W - 1: where the columns are.

    Returns:
        Tensor: float32 (B, ..., h, w).
    """
    height, width = frames.shape[-2:]
    # grid_sample counts from -1 to 1, from edge to edge of the frame.
    y, x = (2 * rows + 1) / height - 1, (2 * columns + 1) / width - 1
    grid = torch.stack(torch.broadcast_tensors(x[:, None, :], y[:, :, None]), -1)
    pictures = grid_sample(frames.flatten(1, -3).float(), grid, mode='bilinear',
                           padding_mode='border', align_corners=False)
    if not frames.is_floating_point():
        pictures = pictures.round_()
    return pictures.reshape(*frames.shape[:-2], *pictures.shape[-2:])
