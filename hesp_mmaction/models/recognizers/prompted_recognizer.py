"""The recognizer: backbone -> neck -> head."""
import torch
from mmaction.models.recognizers.base import BaseRecognizer
from mmaction.registry import MODELS

from ...datasets.emotions import canonical
from ...errors import InputError
from ..clip import CLIP_MEAN, CLIP_STD, forget_weights
from ..precision import at_least_float32, in_float32


def last_stage(x):
    """Backbone output (N, C), (N, C, h, w) or the last of a tuple of such.

    A clip's (B, C, t, h, w) becomes (B, t, C, h, w).
    """
    if isinstance(x, (tuple, list)):
        x = x[-1]
    return x.transpose(1, 2) if x.ndim == 5 else x


def each_stage(x):
    """Backbone output as a sequence of its stages."""
    return x if isinstance(x, (tuple, list)) else (x,)


def pool_grid(x):
    """Maps (..., C, h, w) of more than two dimensions to their mean (..., C)."""
    return x.mean((-2, -1)) if x.ndim > 2 else x


@MODELS.register_module()
class PromptedRecognizer(BaseRecognizer):
    """Open-set recognizer of clips (B, T, 3, S, S), pixels 0..255.

    Args:
        known (Sequence[str]): names of the known emotions in label order; head and negatives are
            built from it.
        backbone (dict): CLIP's image tower or any backbone of MMAction2.
        cls_head (dict): an open-set head. neck (dict): (B, T, C) to (B, C), or a pair of that
            and a dict of losses, as MMAction2's necks give.
        mean (Sequence[float], optional): of the pixels the backbone was trained with, 0..255.
            Defaults to what a CLIP says (see :func:`~.clip.pixel_statistics`), else to CLIP's own.
        std (Sequence[float], optional): their standard deviation, likewise.
        clip_input (bool): the backbone takes clips (B, 3, T, S, S) instead of frames.
        pool (bool): mean over the places of the backbone's maps; False hands them to the neck,
            (B, T, C, h, w), of several stages all.
        visual_prompt (None): refused, as ``negatives`` and ``grad_frames`` are: they belong to
            :class:`HESPRecognizer`.

    Raises:
        InputError: one of these three is given.
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
        """What the backbone gives; subclasses may run it otherwise."""
        return self.backbone(x)

    def encode(self, images):
        """Normalised images (N, 3, S, S) to features (N, C)."""
        return pool_grid(last_stage(at_least_float32(self.run_backbone(images))))

    def frame_features(self, frames):
        """Normalised frames (B, T, 3, S, S) to (B, T, C), or (B, T, C, h, w) without ``pool``.

        Without ``pool`` a backbone that gives several stages makes a tuple of these.
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
        """Pixels in [0, 1] to what the backbone was trained on."""
        return (pixels - self.mean).div_(self.std)

    def extract_feat(self, inputs, stage='neck', data_samples=None, test_mode=False):
        """Clips (B, T, 3, S, S) to the features of a stage and the arguments of the head.

        Features (B, T, C) of a store take the place of clips where nothing before the neck learns.

        ``'backbone'``: as of :meth:`frame_features`. ``'neck'``: (B, C). ``'head'``: its dict of
        outputs.
        """
        x, windows = (inputs, None) if inputs.ndim == 3 else self.encode_clips(inputs, data_samples)
        if stage == 'backbone':
            return x, {}
        kwargs = self.head_arguments(windows)
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
            inputs (Tensor): (B, T, 3, S, S), pixels 0..255.
            data_samples (list, optional): of the clips. Defaults to None.

        Returns:
            tuple[Tensor, Tensor | None]: features as returned by :meth:`frame_features`, and the
            windows of a visual prompt, here None.
        """
        return self.frame_features(self.normalise(inputs / 255)), None

    def head_arguments(self, windows):
        """What the head gets beside the features.

        Args:
            windows (Tensor, optional): as returned by :meth:`encode_clips`.

        Returns:
            dict[str, Tensor]: by name of the argument.
        """
        return {}

    def loss(self, inputs, data_samples, **kwargs):
        feats, head_kwargs = self.extract_feat(inputs, data_samples=data_samples)
        with in_float32(inputs):
            losses = self.cls_head.loss(feats, data_samples, **head_kwargs)
        return losses | head_kwargs.get('loss_aux', {})

    def predict(self, inputs, data_samples, **kwargs):
        feats, head_kwargs = self.extract_feat(inputs, data_samples=data_samples, test_mode=True)
        with in_float32(inputs):
            return self.cls_head.predict(feats, data_samples, **head_kwargs)
