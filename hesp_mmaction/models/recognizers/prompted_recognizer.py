"""The recognizer: visual prompt -> backbone -> neck -> head."""
import torch
from mmaction.models.recognizers.base import BaseRecognizer
from mmaction.registry import MODELS

from ...datasets.emotions import canonical
from ...errors import InputError
from ..clip import CLIP_MEAN, CLIP_STD, forget_weights
from ..eval_cache import EvalCache
from ..norms import as_in_evaluation, statistics_kept
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
        visual_prompt (dict, optional): :class:`VisualPrompt`, put on the frames before the
            backbone, in [0, 1] pixel units.
        negatives (dict, optional): :class:`NegativeVisuals` or :class:`NegativePoints`.
        mean (Sequence[float], optional): of the pixels the backbone was trained with, 0..255.
            Defaults to what a CLIP says (see :func:`~.clip.pixel_statistics`), else to CLIP's own.
        std (Sequence[float], optional): their standard deviation, likewise.
        clip_input (bool): the backbone takes clips (B, 3, T, S, S) instead of frames.
        pool (bool): mean over the places of the backbone's maps; False hands them to the neck,
            (B, T, C, h, w), of several stages all.
        grad_frames (int, optional): k; in training the gradient passes through k frames of each
            step, drawn at random, and is multiplied by T / k, which makes it right on average.
            The losses are those of all frames. Only for backbones that take frames.

    Attributes:
        region_text (Tensor): (K, D), the head's texts of the template, handed over once when the
            model is built. Only if ``visual_prompt.region`` is ``'cam'`` or ``'dataset'``.
    """

    def __init__(self, known, backbone, cls_head, neck=dict(type='TemporalMean'),  # noqa: B006
                 visual_prompt=None, negatives=None, mean=None, std=None,
                 clip_input=False, pool=True, grad_frames=None, train_cfg=None, test_cfg=None,
                 data_preprocessor=None):
        known = tuple(canonical(name) for name in known)
        super().__init__(backbone, dict(cls_head, known=known), neck, train_cfg, test_cfg,
                         data_preprocessor or dict(type='mmaction.ClipPreprocessor'))
        forget_weights()
        self.known, self.clip_input, self.pool = known, clip_input, pool
        if grad_frames is not None and (clip_input or not pool or grad_frames < 1):
            raise InputError(f'grad_frames={grad_frames!r} must be 1 or more, and needs a backbone '
                             'that takes frames (clip_input=False) and pool=True')
        self.grad_frames = grad_frames
        self.visual_prompt = None
        if visual_prompt is not None:
            self.visual_prompt = MODELS.build(visual_prompt)
            needs_map = self.visual_prompt.region in ('cam', 'dataset')
            if needs_map and not hasattr(self.backbone, 'activation_map'):
                raise InputError(f'{type(self.backbone).__name__} has no activation map against '
                                 "texts: set model.visual_prompt.region to 'centre'")
            if needs_map and not hasattr(self.cls_head, 'template_text'):
                raise InputError(f'{type(self.cls_head).__name__} has no texts that an activation '
                                 "map could be of: set model.visual_prompt.region to 'centre'")
            if needs_map:
                self.register_buffer('region_text', self.cls_head.template_text, persistent=False)
        self.negatives = None
        if negatives is not None:
            negatives = dict(negatives, num_classes=len(known))
            if negatives['type'] == 'NegativePoints' and hasattr(self.backbone, 'out_channels'):
                negatives.setdefault('dim', self.backbone.out_channels)  # CLIP's towers say it
            self.negatives = MODELS.build(negatives)
        mean = mean or getattr(self.backbone, 'pixel_mean', CLIP_MEAN)
        std = std or getattr(self.backbone, 'pixel_std', CLIP_STD)
        self.register_buffer('mean', torch.tensor(mean).view(3, 1, 1) / 255, persistent=False)
        self.register_buffer('std', torch.tensor(std).view(3, 1, 1) / 255, persistent=False)
        self._eval_points = EvalCache()

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

    def sparse_features(self, frames):
        """As :meth:`frame_features`, with gradient through ``grad_frames`` of the frames.

        Batch norms of the backbone learn their running statistics from these frames alone.
        """
        count = frames.shape[1]
        order = torch.randperm(count).to(frames.device, non_blocking=True)
        chosen, others = order[:self.grad_frames], order[self.grad_frames:]
        x = self.frame_features(frames[:, chosen])
        if not len(others):
            return x[:, chosen.argsort()]
        with torch.no_grad(), statistics_kept(self.backbone):
            rest = self.frame_features(frames[:, others])
        x = x.detach() + count / len(chosen) * (x - x.detach())
        return torch.cat([x, rest], 1)[:, order.argsort()]

    def points(self):
        """Negatives c (K, C), or None; computed once per evaluation.

        Batch norms of the backbone normalise negatives by the running statistics of the frames, in
        training as in evaluation, and learn nothing from them: a negative is an image that the
        backbone meets beside the frames, not one of them. Gradients flow.
        """
        if self.negatives is None:
            return None
        if self.training or torch.is_grad_enabled():
            return self._encode_negatives()
        return self._eval_points.get(self._encode_negatives, self.negatives, self.backbone)

    def _encode_negatives(self):
        with as_in_evaluation(self.backbone):
            return self.negatives(self.encode)

    def normalise(self, pixels):
        """Pixels in [0, 1] to what the backbone was trained on."""
        return (pixels - self.mean).div_(self.std)

    def activation_map(self, images):
        """Images (B, 3, S, S) in [0, 1] to maps (B, h, w) of the texts of the known emotions.

        Batch norms work as in evaluation, so that the map does not depend on the rest of the batch
        and the frames are not counted twice in the running statistics. The map is in float32 with
        the weights in float32, whatever the rest is computed in: rounding would move windows.
        """
        with as_in_evaluation(self.backbone), in_float32(images):
            return self.backbone.activation_map(self.normalise(images), self.region_text)

    def locate(self, frames, data_samples):
        """Window of the visual prompt per video: (B, 2), from the first frames."""
        return self.visual_prompt.locate(
            frames[:, 0],
            self.activation_map,
            [sample.get('sample_id', '') for sample in data_samples or [{}] * len(frames)])

    def extract_feat(self, inputs, stage='neck', data_samples=None, test_mode=False):
        """Clips (B, T, 3, S, S) to the features of a stage and the arguments of the head.

        Features (B, T, C) of a store take the place of clips where nothing before the neck learns.

        ``'backbone'``: as of :meth:`frame_features`. ``'neck'``: (B, C). ``'head'``: its dict of
        outputs. If the visual prompt acts in a window, the arguments hold ``region``, the top and
        left pixel (B, 2) of it.
        """
        x, windows = (inputs, None) if inputs.ndim == 3 else self.encode_clips(inputs, data_samples)
        if stage == 'backbone':
            return x, {}
        kwargs = dict(points=self.points())
        if windows is not None:
            kwargs['region'] = windows
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
        """Clips with the visual prompt to features of frames.

        Args:
            inputs (Tensor): (B, T, 3, S, S), pixels 0..255.
            data_samples (list, optional): of the clips. Defaults to None; ``region='random'`` reads
                their ids.

        Returns:
            tuple[Tensor, Tensor | None]: features as returned by :meth:`frame_features`, and the
            top and left pixel (B, 2) of the windows, None if the prompt acts in none.
        """
        frames, windows = inputs / 255, None
        if self.visual_prompt is not None:
            windows = self.locate(frames, data_samples)
            frames = self.visual_prompt(frames, windows)
            windows = windows if self.visual_prompt.has_window else None
        frames = self.normalise(frames)
        if self.grad_frames and self.training and torch.is_grad_enabled():
            return self.sparse_features(frames), windows
        return self.frame_features(frames), windows

    def loss(self, inputs, data_samples, **kwargs):
        feats, head_kwargs = self.extract_feat(inputs, data_samples=data_samples)
        with in_float32(inputs):
            losses = self.cls_head.loss(feats, data_samples, **head_kwargs)
        return losses | head_kwargs.get('loss_aux', {})

    def predict(self, inputs, data_samples, **kwargs):
        """Data samples with the fields of the head, and ``region``: top, left and size in pixels of
        the visual prompt's window, if it acts in one."""
        feats, head_kwargs = self.extract_feat(inputs, data_samples=data_samples, test_mode=True)
        with in_float32(inputs):
            data_samples = self.cls_head.predict(feats, data_samples, **head_kwargs)
        if 'region' in head_kwargs:
            windows = head_kwargs['region'].tolist()
            for sample, window in zip(data_samples, windows, strict=True):
                sample.set_metainfo(dict(region=(*window, self.visual_prompt.size)))
        return data_samples
