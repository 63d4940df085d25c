"""Where the visual prompt acts: the expression-sensitive window of each video."""
from zlib import crc32

import torch
import torch.nn.functional as F


def largest_window(maps, image_size, size):
    """The square window with the largest sum of an activation map.

    Args:
        maps (Tensor): (B, h, w), not negative, over the whole image.
        image_size (int): S, side of the image in pixels.
        size (int): P, side of the window in pixels, at most S.

    Returns:
        Tensor: int64 (B, 2), top and left pixel of the windows. Of equal windows the one nearest
        the centre of the image is taken (an empty map returns the centre), then the first in
        reading order.
    """
    pixels = F.interpolate(maps[:, None].double(), size=(image_size, image_size),
                           mode='bilinear', align_corners=False)[:, 0]
    # Sums are two products with a band of ones. cumsum is not deterministic in every PyTorch.
    steps = torch.arange(image_size, device=maps.device)
    place = steps - steps[:image_size - size + 1, None]
    band = ((place >= 0) & (place < size)).to(pixels)
    sums = band @ pixels @ band.T
    largest = sums.amax((1, 2), keepdim=True)
    tied = largest - sums <= largest * 1e-9  # in ONNX a factor 1 - 1e-9 would be rounded to 1
    offset = (torch.arange(sums.shape[1], device=maps.device) - (image_size - size) / 2) ** 2
    distance = offset[:, None] + offset[None]
    best = torch.where(tied, distance, torch.inf).flatten(1).argmin(1)
    return torch.stack([best // sums.shape[2], best % sums.shape[2]], 1)


def border_width(image_size, size):
    """Width w of a border that has as many pixels as a square patch.

    It is the smaller root of 4 w (S - w) = P^2, (S - sqrt(S^2 - P^2)) / 2, rounded to the whole
    number whose border has the nearest number of pixels.

    Args:
        image_size (int): S, side of the image in pixels.
        size (int): P, side of the patch in pixels, at most S.

    Returns:
        int: 1 or more; about P^2 / (4 S), which is P / 16 for P = S / 4.
    """
    below = int((image_size - (image_size ** 2 - size ** 2) ** 0.5) / 2)
    return min((max(1, below), below + 1),
               key=lambda width: abs(4 * width * (image_size - width) - size ** 2))


def centre_window(image_size, size):
    """The window in the middle of the image.

    Args:
        image_size (int): S, side of the image in pixels.
        size (int): P, side of the window in pixels.

    Returns:
        tuple[int, int]: top and left pixel.
    """
    return (image_size - size) // 2, (image_size - size) // 2


def random_windows(ids, image_size, size):
    """A window per video, drawn from its sample id: the same in every epoch and process.

    Args:
        ids (Sequence[str]): B sample ids.
        image_size (int): S, side of the image in pixels.
        size (int): P, side of the window in pixels.

    Returns:
        Tensor: int64 (B, 2), top and left pixel.
    """
    draws = []
    for sample_id in ids:
        name = str(sample_id).encode('utf-8', 'surrogateescape')  # a file's name may be anything
        generator = torch.Generator().manual_seed(crc32(name))
        draws.append(torch.randint(image_size - size + 1, (2,), generator=generator))
    return torch.stack(draws)
