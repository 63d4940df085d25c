"""The learnable visual prompt on the expression-sensitive region (HESP Eq. 6-7)."""
import torch
from mmaction.registry import MODELS
from torch import nn

from ...errors import InputError
from .region import border_width, centre_window, largest_window, random_windows


def place(patch, windows, image_size):
    """Put a patch into an empty image at one window per video.

    Args:
        patch (Tensor): (t, 3, P, P) with t = 1 (shared by all frames) or T.
        windows (Tensor): (B, 2), top and left pixel.
        image_size (int): S, side of the image in pixels.

    Returns:
        tuple[Tensor, Tensor]: the images (B, t, 3, S, S), zero outside the windows, and the mask M
        (B, 1, 1, S, S), one inside them.
    """
    frames, channels, side, _ = patch.shape
    videos = len(windows)
    steps = torch.arange(side, device=patch.device)
    video = torch.arange(videos, device=patch.device)[:, None, None]
    rows = (windows[:, :1] + steps)[:, :, None]
    columns = (windows[:, 1:] + steps)[:, None, :]
    canvas = patch.new_zeros(videos, image_size, image_size, frames, channels)
    # Deterministic kernels of PyTorch before 2.8 do not spread a value over the videos themselves.
    canvas[video, rows, columns] = patch.permute(2, 3, 0, 1).expand(videos, -1, -1, -1, -1)
    # The mask is made by comparison. Writing a number at indices would make the GPU wait.
    offset = torch.arange(image_size, device=patch.device) - windows[:, :, None]
    inside = (offset >= 0) & (offset < side)
    mask = (inside[:, 0, :, None] & inside[:, 1, None]).to(patch.dtype)
    return canvas.permute(0, 3, 4, 1, 2), mask[:, None, None]


@MODELS.register_module()
class VisualPrompt(nn.Module):
    """A learned patch on the frames: ``V + M * delta`` or ``(1 - M) * V + M * delta``.

    Frames V and patch delta have pixels in [0, 1]. M is one inside the window of the patch.

    Source: HESP Eq. 6-7.

    Regions are

    * ``'cam'``: for each video the window with the largest sum of the backbone's activation map of
      the first frame (the paper),
    * ``'centre'``: the window in the middle of the frame,
    * ``'random'``: a window drawn from the sample id,
    * ``'border'``: a border around the image with as many pixels as the patch has, as near as whole
      pixels come to it ("padding" in the paper's Fig. 3b). ``border_width`` is its width, about P /
      16 for small P,
    * ``'dataset'``: one window for all, that of the summed maps of the training clips.
      ``RegionHook`` finds it once, and checkpoints hold it,
    * ``(top, left)``: one fixed window.

    Args:
        image_size (int): S, side of the frames in pixels.
        size (int): P, side of the patch in pixels (56 of 224 in the paper). A border has as many
            pixels as a patch of this side.
        mode (str): ``'add'`` (the first formula) starts at zero, ``'replace'`` (the second) at
            middle grey. Defaults to ``'add'``.
        region (str | tuple[int, int]): where the prompt acts, see above. Defaults to ``'cam'``.
        num_frames (int): T for a patch of its own per frame, 1 for one that all frames share.
            Defaults to 1.

    Attributes:
        width (int | None): width of the border in pixels, None for other regions.

    Raises:
        InputError: a setting has a value that does not exist, the patch does not fit the frame, or
            the border leaves no middle.
    """
    REGIONS = ('cam', 'dataset', 'centre', 'random', 'border')

    def __init__(self, image_size, size, mode='add', region='cam', num_frames=1):
        super().__init__()
        if mode not in ('add', 'replace'):
            raise InputError(f"visual prompt mode {mode!r}: 'add' or 'replace'")
        if region not in self.REGIONS and isinstance(region, str):
            raise InputError(f'visual prompt region {region!r}: one of {", ".join(self.REGIONS)} '
                             'or a pair (top, left)')
        if not 0 < size <= image_size:
            raise InputError(f'a prompt of {size} pixels does not fit frames of {image_size}')
        self.image_size, self.size, self.mode, self.region = image_size, size, mode, region
        if not isinstance(region, str):
            self.region = tuple(int(x) for x in region)
            if not all(0 <= x <= image_size - size for x in self.region):
                raise InputError(f'the window {self.region} of {size} pixels leaves the frame')
        self.width = border_width(image_size, size) if region == 'border' else None
        if region == 'border' and 2 * self.width >= image_size:
            raise InputError(
                f"region='border' with as many pixels as a patch of {size} leaves no middle of "
                f'frames of {image_size}: choose a smaller prompt_size (148 of 224 is a border of '
                "an eighth of the side, VP's)")
        if region == 'dataset':
            self.register_buffer('window', torch.full((2,), -1))
            self._looked_at = None
        side = image_size if region == 'border' else size
        start = 0.0 if mode == 'add' else 0.5
        self.delta = nn.Parameter(torch.full((num_frames, 3, side, side), start))

    def extra_repr(self):
        return f'size={self.size}, mode={self.mode}, region={self.region}'

    @property
    def has_window(self):
        """bool: whether it acts in a window of the frame. A border has none."""
        return self.region != 'border'

    def locate(self, first_frames, activation_map, sample_ids):
        """Find one window per video.

        Args:
            first_frames (Tensor): (B, 3, S, S), the first frame of each video.
            activation_map (Callable[[Tensor], Tensor]): these frames to maps (B, h, w). Only called
                if the region is ``'cam'``.
            sample_ids (Sequence[str]): B sample ids.

        Returns:
            Tensor: int64 (B, 2), top and left pixel.

        Raises:
            InputError: the window of ``region='dataset'`` has not been found yet.
        """
        if self.region == 'cam':
            return largest_window(activation_map(first_frames), self.image_size, self.size)
        if self.region == 'random':
            windows = random_windows(sample_ids, self.image_size, self.size)
            return windows.to(first_frames.device, non_blocking=True)
        window = self.region
        if self.region == 'dataset':
            self._check_decided()
            return self.window.expand(len(first_frames), 2)
        if self.region == 'centre':
            window = centre_window(self.image_size, self.size)
        elif self.region == 'border':
            window = (0, 0)
        return torch.stack([torch.full((len(first_frames),), place, device=first_frames.device)
                            for place in window], 1)

    def _check_decided(self):
        """Read the window only when it has changed, because reading makes a GPU wait."""
        state = self.window.data_ptr(), self.window._version
        if state != self._looked_at:
            if self.window[0] < 0:
                raise InputError("the window of region='dataset' is not decided yet: train first, "
                                 'or load a checkpoint')
            self._looked_at = state

    def forward(self, frames, windows):
        """Put the prompt on frames.

        Args:
            frames (Tensor): (B, T, 3, S, S), pixels in [0, 1].
            windows (Tensor): (B, 2), top and left pixel.

        Returns:
            Tensor: (B, T, 3, S, S).
        """
        canvas, mask = place(self.delta, windows, self.image_size)
        if self.region == 'border':
            mask[..., self.width:-self.width, self.width:-self.width] = 0
            canvas = canvas * mask
        kept = frames if self.mode == 'add' else (1 - mask) * frames
        return kept + canvas
