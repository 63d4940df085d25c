"""The recognizer: backbone -> neck -> head."""
from functools import cached_property

import torch
from mmaction.models.recognizers.base import BaseRecognizer
from mmaction.registry import MODELS

from ...datasets.emotions import canonical
from ...errors import InputError
from ..clip import CLIP_MEAN, CLIP_STD, forget_weights
from ..eval_cache import caches_of, caches_trusted, forget_changed
from ..precision import at_least_float32, in_float32


def last_stage(x):
    """The last stage of what a backbone returns.

    Args:
        x (Tensor | Sequence[Tensor]): (N, C), (N, C, h, w) or a clip's (B, C, t, h, w), or a
            sequence of such.

    Returns:
        Tensor: the last of them; a clip's as (B, t, C, h, w).
    """
    if isinstance(x, (tuple, list)):
        x = x[-1]
    return x.transpose(1, 2) if x.ndim == 5 else x


def each_stage(x):
    """What a backbone returns, as a sequence of its stages.

    Args:
        x (Tensor | Sequence[Tensor]): one stage or several.

    Returns:
        Sequence[Tensor]: all of them.
    """
    return x if isinstance(x, (tuple, list)) else (x,)


def pool_grid(x):
    """Mean of maps over their places.

    Args:
        x (Tensor): (..., C, h, w), or features (N, C), which stay.

    Returns:
        Tensor: (..., C).
    """
    return x.mean((-2, -1)) if x.ndim > 2 else x


@MODELS.register_module()
class PromptedRecognizer(BaseRecognizer):
    """Open-set recognizer of clips: backbone, neck, head.

    Args:
        known (Sequence[str]): names of the known emotions in label order; head and negatives are
            built from it.
        backbone (dict): CLIP's image tower or any backbone of MMAction2.
        cls_head (dict): an open-set head.
        neck (dict): (B, T, C) to (B, C), or to a pair of that and a dict of losses, as MMAction2's
            necks return. Defaults to ``TemporalMean``.
        visual_prompt (None): refused, because it belongs to ``HESPRecognizer``.
        negatives (None): refused, because it belongs to ``HESPRecognizer``.
        mean (Sequence[float], optional): mean of the pixels that the backbone was trained with, 0
            to 255. Defaults to None, the mean of the CLIP (see ``pixel_statistics``), or CLIP's own
            for other backbones.
        std (Sequence[float], optional): standard deviation of these pixels, with the same default.
        clip_input (bool): True if the backbone takes clips (B, 3, T, S, S) in place of frames.
            Defaults to False.
        pool (bool): take the mean over the places of the backbone's maps. False hands the maps
            (B, T, C, h, w) to the neck, of several stages all. Defaults to True.
        grad_frames (None): refused, because it belongs to ``HESPRecognizer``.
        train_cfg (dict, optional): see MMAction2's ``BaseRecognizer``. Defaults to None.
        test_cfg (dict, optional): see MMAction2's ``BaseRecognizer``. Defaults to None.
        data_preprocessor (dict, optional): Defaults to None, ``ClipPreprocessor``.

    Raises:
        InputError: ``visual_prompt``, ``negatives`` or ``grad_frames`` is given.
    """

    def __init__(self, known, backbone, cls_head, neck=dict(type='TemporalMean'),  # noqa: B006
                 visual_prompt=None, negatives=None, mean=None, std=None,
                 clip_input=False, pool=True, grad_frames=None, train_cfg=None, test_cfg=None,
                 data_preprocessor=None):
        refused = dict(visual_prompt=visual_prompt, negatives=negatives, grad_frames=grad_frames)
        for key, value in refused.items():
            if value is not None:
                raise InputError(f'model.{key} means nothing to {type(self).__name__}: take it '
                                 "out, or set model.type to 'HESPRecognizer'")
        known = tuple(canonical(name) for name in known)
        super().__init__(backbone, dict(cls_head, known=known), neck, train_cfg, test_cfg,
                         data_preprocessor or dict(type='mmaction.ClipPreprocessor'))
        forget_weights()
        self.known, self.clip_input, self.pool = known, clip_input, pool
        mean = mean or getattr(self.backbone, 'pixel_mean', CLIP_MEAN)
        std = std or getattr(self.backbone, 'pixel_std', CLIP_STD)
        self.register_buffer('mean', torch.tensor(mean).view(3, 1, 1) / 255, persistent=False)
        self.register_buffer('std', torch.tensor(std).view(3, 1, 1) / 255, persistent=False)

    def run_backbone(self, x):
        """Call the backbone. Subclasses may call it in another way.

        Args:
            x (Tensor): normalised frames (N, 3, S, S), or clips (B, 3, T, S, S) with
                ``clip_input``.

        Returns:
            Tensor | Sequence[Tensor]: what the backbone returns.
        """
        return self.backbone(x)

    def encode(self, images):
        """Features of images.

        Args:
            images (Tensor): (N, 3, S, S), normalised.

        Returns:
            Tensor: (N, C), at least float32.
        """
        return pool_grid(last_stage(at_least_float32(self.run_backbone(images))))

    def frame_features(self, frames):
        """Features of the frames of clips.

        Args:
            frames (Tensor): (B, T, 3, S, S), normalised.

        Returns:
            Tensor | tuple[Tensor]: (B, T, C), at least float32. Without ``pool`` (B, T, C, h, w),
            and a tuple of these if the backbone returns several stages.
        """
        if self.clip_input:
            x = at_least_float32(self.run_backbone(frames.transpose(1, 2)))
            stages = [x[:, None] if x.ndim == 2 else x for x in map(last_stage, each_stage(x))]
        else:
            x = at_least_float32(self.run_backbone(frames.flatten(0, 1)))
            stages = [x.unflatten(0, frames.shape[:2]) for x in each_stage(x)]
        if self.pool:
            return pool_grid(stages[-1]) if stages[-1].ndim == 5 else stages[-1]
        return tuple(stages) if len(stages) > 1 else stages[0]

    def normalise(self, pixels):
        """Bring pixels to the range that the backbone was trained with.

        Args:
            pixels (Tensor): (..., 3, S, S), in [0, 1].

        Returns:
            Tensor: of the same shape.
        """
        return (pixels - self.mean).div_(self.std)

    def extract_feat(self, inputs, stage='neck', data_samples=None, test_mode=False):
        """Features of a stage, and the arguments of the head.

        Args:
            inputs (Tensor): clips (B, T, 3, S, S), pixels 0 to 255. Stored features (B, T, C) may
                take their place if nothing before the neck learns.
            stage (str): ``'backbone'``, ``'neck'`` or ``'head'``. Defaults to ``'neck'``.
            data_samples (list, optional): of the clips. Defaults to None.
            test_mode (bool): hand the features of frames to the head, for scores that look at
                frames. Defaults to False.

        Returns:
            tuple[Tensor | tuple | dict, dict]: for ``'backbone'`` what ``frame_features`` returns,
            for ``'neck'`` the video features (B, C), for ``'head'`` its outputs; and the arguments
            of the head by name, empty for ``'backbone'``.
        """
        x, found = (inputs, {}) if inputs.ndim == 3 else self.encode_clips(inputs, data_samples)
        if stage == 'backbone':
            return x, {}
        kwargs = self.head_arguments(found)
        if test_mode and isinstance(x, torch.Tensor) and x.ndim == 3:
            kwargs['frames'] = x  # for scores that look at frames
        with in_float32(inputs):
            x = self.neck(x, data_samples=data_samples)
            if isinstance(x, tuple):
                x, kwargs['loss_aux'] = x
            if stage == 'head':
                return self.cls_head(x, **kwargs), kwargs
        return x, kwargs

    def encode_clips(self, inputs, data_samples=None):
        """Clips to features of frames.

        Args:
            inputs (Tensor): (B, T, 3, S, S), pixels 0 to 255.
            data_samples (list, optional): of the clips. Defaults to None.

        Returns:
            tuple[Tensor, dict[str, Tensor]]: features as returned by ``frame_features``, and
            arguments of the head that were found on the way; none here.
        """
        return self.frame_features(self.normalise(inputs / 255)), {}

    def head_arguments(self, found):
        """Arguments of the head beside the features.

        Args:
            found (dict[str, Tensor]): as returned by ``encode_clips``.

        Returns:
            dict[str, Tensor]: by name of the argument; here ``found``.
        """
        return found

    def loss(self, inputs, data_samples, **kwargs):
        feats, head_kwargs = self.extract_feat(inputs, data_samples=data_samples)
        with in_float32(inputs):
            losses = self.cls_head.loss(feats, data_samples, **head_kwargs)
        return losses | head_kwargs.get('loss_aux', {})

    @cached_property
    def caches(self):
        """list[EvalCache]: what the model remembers in an evaluation."""
        return caches_of(self)

    def predict(self, inputs, data_samples, **kwargs):
        """Predict the emotions of clips.

        Args:
            inputs (Tensor): (B, T, 3, S, S), pixels 0 to 255, or stored features (B, T, C).
            data_samples (list): B data samples.
            **kwargs (Any): not used.

        Returns:
            list: ``data_samples`` with the fields of ``Prediction``.
        """
        return self._predict(inputs, data_samples)[0]

    def _predict(self, inputs, data_samples):
        """Predictions, and the arguments of the head. A GPU is waited for before the first frame,
        to look at the weights behind the caches, and after the last score, but not between.
        """
        forget_changed(self.caches)
        with caches_trusted(self.caches):
            feats, kwargs = self.extract_feat(inputs, data_samples=data_samples, test_mode=True)
            with in_float32(inputs):
                return self.cls_head.predict(feats, data_samples, **kwargs), kwargs
