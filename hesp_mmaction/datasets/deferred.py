"""Crop, resize and flip that are drawn with the sample and done later, for a batch on the device.

MMAction2's own transforms draw, from the same random numbers as in a pipeline on the CPU. The
result is kept as the positions that the rows and columns of the picture have in the frames;
``resample`` reads the frames there.
"""
from collections.abc import Mapping
from itertools import chain

import numpy as np
import torch
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import FUNCTIONS

from ..errors import InputError

CROPS = ('RandomResizedCrop', 'RandomCrop', 'CenterCrop')
LAST = ('FormatShape', 'PackActionInputs')  # how a pipeline must end


def resized(places, size):
    """Where the rows (or columns) of a resized picture are, bilinear as OpenCV does it.

    The n rows are n intervals of equal length, and so are those after: the middle of row i is at
    (i + 1/2) n / size - 1/2, and never outside the first and the last middle.

    Args:
        places (np.ndarray): positions (n,) of the rows before, in pixels of the frame.
        size (int): number of rows after.

    Returns:
        np.ndarray: positions (size,) of the rows after, in pixels, float64.
    """
    n = len(places)
    middles = (np.arange(size) + 0.5) * n / size - 0.5
    return np.interp(middles, np.arange(n), places)  # beyond the ends it returns the ends


def deferrable(step):
    """Whether a transform can be done later: crop, bilinear resize or flip.

    Args:
        step (dict | Callable): a step of a pipeline's config.

    Returns:
        bool: whether it can.
    """
    return (isinstance(step, Mapping) and step.get('type') in ('Resize', 'Flip', *CROPS)
            and not step.get('lazy') and step.get('interpolation', 'bilinear') == 'bilinear')


def defer(pipeline):
    """A pipeline whose last crops, flips and the resize between them are left to the device.

    A ``Resize`` before them stays in the pipeline, as all else does: large frames are made small
    before they are copied, and a picture that is resized twice is no bilinear look at the frame.
    Of a pipeline that only resizes, as those of tests do, nothing is left to the device.

    Args:
        pipeline (list[dict]): a pipeline of a config, with ``FormatShape`` and ``PackActionInputs``
            at its end; not changed.

    Returns:
        list[dict]: the steps before, and one ``DeferredTransforms``.

    Raises:
        InputError: the pipeline ends otherwise.
    """
    types = [step['type'] if isinstance(step, Mapping) else type(step).__name__
             for step in pipeline]
    if tuple(types[-2:]) != LAST:
        raise InputError(f'device_transforms needs a pipeline with {" and ".join(LAST)} at its '
                         f'end, not {", ".join(types)}: take device_transforms=True out')
    start = end = len(pipeline) - len(LAST)
    while (start > 0 and deferrable(pipeline[start - 1])
           and types[start - 1:end].count('Resize') < 2):
        start -= 1
    if types[start] == 'Resize':
        start += 1
    return [*pipeline[:start], dict(type='DeferredTransforms', steps=pipeline[start:end],
                                    last=pipeline[end:])]


@TRANSFORMS.register_module()
class DeferredTransforms(BaseTransform):
    """Draws crop, resize and flip and packs the frames as they were before; see ``defer``.

    The sample gets ``rows`` (h,) and ``columns`` (w,), float32: where in the frames the rows and
    columns of the picture are, in pixels from the middle of the first one.

    Args:
        steps (list[dict]): crops, flips and at most one ``Resize`` of MMAction2. Of none, the
            picture is the frame.
        last (list[dict]): ``FormatShape`` and ``PackActionInputs``.
    """

    def __init__(self, steps, last):
        self.steps = Compose(steps).transforms
        self.names = [step['type'] for step in steps]
        self.last = Compose(last)

    def transform(self, results):
        results = dict(results)
        frames = results.pop('imgs')  # the transforms draw without them
        rows, columns = (np.arange(size, dtype=float) for size in frames[0].shape[:2])
        for name, step in zip(self.names, self.steps, strict=True):
            results = step(results)
            if name in CROPS:
                left, top, right, bottom = results['crop_bbox']
                rows, columns = rows[top:bottom], columns[left:right]
            elif name == 'Resize':
                height, width = results['img_shape']
                rows, columns = resized(rows, height), resized(columns, width)
            elif results['flip'] and results['flip_direction'] == 'horizontal':
                columns = columns[::-1]
            elif results['flip']:
                rows = rows[::-1]
        packed = self.last(dict(results, imgs=frames))
        return dict(packed, rows=torch.from_numpy(rows.astype(np.float32)),
                    columns=torch.from_numpy(columns.astype(np.float32)))


def join(batch):
    """Join lists of the frames, rows and columns of a batch to one tensor each.

    Frames of different sizes are padded with zeros, below and at the right. No row or column of
    the picture lies in the padding.

    Args:
        batch (dict): lists ``inputs`` (B of (..., H, W) uint8), ``rows`` (B of (h,)) and
            ``columns`` (B of (w,)), or each a list of portions (n, ...) of ``join_portions``.

    Returns:
        dict: the same with ``inputs`` (B, ..., max H, max W), ``rows`` (B, h), ``columns`` (B, w).
    """
    if batch['rows'][0].ndim == 2:
        batch = dict(batch, **{key: [clip for portion in batch[key] for clip in portion]
                               for key in ('inputs', 'rows', 'columns')})
    frames = batch['inputs']
    shapes = [clip.shape for clip in frames]
    if len(set(shapes)) == 1:
        joined = torch.stack(frames)
    else:
        joined = frames[0].new_zeros(len(frames), *map(max, zip(*shapes, strict=True)))
        for clip, place in zip(frames, joined, strict=True):
            place[..., :clip.shape[-2], :clip.shape[-1]] = clip
    return dict(batch, inputs=joined, rows=torch.stack(batch['rows']),
                columns=torch.stack(batch['columns']))


@FUNCTIONS.register_module()
def collate_deferred(samples):
    """Collate samples of ``DeferredTransforms`` to a batch whose frames are one tensor. It
    can be pinned and copied to the device at once.

    Args:
        samples (list[dict]): with ``inputs``, ``data_samples``, ``rows`` and ``columns``.

    Returns:
        dict: as returned by ``join``. ``data_samples`` is a list, and so is everything if the
        samples have no ``rows``.
    """
    batch = pseudo_collate(samples)
    return join(batch) if 'rows' in batch else batch


def join_portions(portions):
    """Join portions of a batch, each made by ``collate_deferred``, to one batch.

    Tensors stay as they are, in a list for each key. They may be pinned, and ``join`` puts
    them together on the device in far less time.

    Args:
        portions (list[dict]): the portions in order.

    Returns:
        dict: for each key a list, of portions (n, ...) or of samples.
    """
    return {key: [portion[key] for portion in portions] if isinstance(first, torch.Tensor)
            else list(chain.from_iterable(portion[key] for portion in portions))
            for key, first in portions[0].items()}
