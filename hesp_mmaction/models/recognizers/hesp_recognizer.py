"""HESP's recognizer: visual prompt -> backbone -> neck -> head, with negatives."""
import torch
from mmaction.registry import MODELS

from ...errors import InputError
from ..backbones import CLIPImageTower
from ..eval_cache import EvalCache
from ..norms import as_in_evaluation, statistics_kept
from ..precision import in_float32
from ..prompts import NegativeVisuals
from .prompted_recognizer import PromptedRecognizer


@MODELS.register_module()
class HESPRecognizer(PromptedRecognizer):
    """``PromptedRecognizer`` with a visual prompt, negatives, and gradients of some frames.

    Args:
        *args (Any): see ``PromptedRecognizer``.
        visual_prompt (dict, optional): ``VisualPrompt``, put on the frames before the backbone, in
            [0, 1] pixel units. Its ``image_size`` defaults to that of a CLIP tower. Defaults to
            None.
        negatives (dict, optional): ``NegativeVisuals``, with the same default, or
            ``NegativePoints``. Defaults to None.
        grad_frames (int, optional): k. In training the gradient passes through k frames of each
            step, drawn at random, and is multiplied by T / k, which makes it right on average. The
            losses are those of all frames. Only for backbones that take frames. Defaults to None,
            all frames.
        **kwargs (Any): see ``PromptedRecognizer``.

    Attributes:
        region_text (Tensor): (K, D), the head's texts of the template, handed over once when the
            model is built. Only if ``visual_prompt.region`` is ``'cam'`` or ``'dataset'``.

    Raises:
        InputError: the visual prompt needs an activation map and backbone or head have none, or
            ``grad_frames`` does not fit the backbone.
    """

    def __init__(self, *args, visual_prompt=None, negatives=None, grad_frames=None, **kwargs):
        super().__init__(*args, **kwargs)
        if grad_frames is not None and (self.clip_input or not self.pool or grad_frames < 1):
            raise InputError(f'grad_frames={grad_frames!r} must be 1 or more, and needs a backbone '
                             'that takes frames (clip_input=False) and pool=True')
        self.grad_frames = grad_frames
        self.visual_prompt = None
        if visual_prompt is not None:
            self.visual_prompt = MODELS.build(self._sized('visual_prompt', visual_prompt))
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
            negatives = dict(negatives, num_classes=len(self.known))
            if negatives['type'] == 'NegativePoints' and hasattr(self.backbone, 'out_channels'):
                negatives.setdefault('dim', self.backbone.out_channels)  # CLIP's towers have it
            if negatives['type'] == 'NegativeVisuals':
                negatives = self._sized('negatives', negatives)
            self.negatives = MODELS.build(negatives)
        self._eval_points = EvalCache()

    def _sized(self, name, part):
        """A part that is as large as the frames, by default those of the backbone."""
        if 'image_size' in part:
            return part
        if not hasattr(self.backbone, 'image_size'):
            raise InputError(f'{type(self.backbone).__name__} does not say how large its frames '
                             f'are: set model.{name}.image_size')
        return dict(part, image_size=self.backbone.image_size)

    def encode_clips(self, inputs, data_samples=None):
        """Clips with the visual prompt to features of frames.

        Args:
            inputs (Tensor): (B, T, 3, S, S), pixels 0 to 255.
            data_samples (list, optional): of the clips; ``region='random'`` reads their ids.
                Defaults to None.

        Returns:
            tuple[Tensor, dict[str, Tensor]]: features as returned by ``frame_features``, and
            ``region``, the top and left pixel (B, 2) of the windows, if the prompt acts in one. In
            training also the negatives, ``points`` (K, C), if one pass gives both.
        """
        frames, found = inputs / 255, {}
        if self.visual_prompt is not None:
            windows = self.locate(frames, data_samples)
            frames = self.visual_prompt(frames, windows)
            if self.visual_prompt.has_window:
                found['region'] = windows
        frames = self.normalise(frames)
        if not (self.training and torch.is_grad_enabled()):
            return self.frame_features(frames), found
        if self.grad_frames:
            return self.sparse_features(frames), found
        if self._one_pass():
            clips, images = frames.shape[:2], self.negatives.images
            frames = torch.cat([frames.flatten(0, 1), images])
            x, found['points'] = self.encode(frames).split([clips.numel(), len(images)])
            return x.unflatten(0, clips), found
        return self.frame_features(frames), found

    def _one_pass(self):
        """Whether negatives can go through the backbone together with the frames, at half the
        launches on a GPU: if no image changes what the backbone makes of another.
        """
        tower = self.backbone
        return (isinstance(self.negatives, NegativeVisuals) and isinstance(tower, CLIPImageTower)
                and tower.frozen and not tower.dense and not self.clip_input)

    def head_arguments(self, found):
        """Arguments of the head beside the features.

        Args:
            found (dict[str, Tensor]): as returned by ``encode_clips``.

        Returns:
            dict[str, Tensor | None]: ``found`` with ``points`` (K, C), the negatives.
        """
        return found if 'points' in found else dict(found, points=self.points())

    def sparse_features(self, frames):
        """As ``frame_features``, with gradient through ``grad_frames`` of the frames.

        Batch norms of the backbone learn their running statistics from these frames alone.

        Args:
            frames (Tensor): (B, T, 3, S, S), normalised.

        Returns:
            Tensor: (B, T, C).
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
        """The negatives, computed once per evaluation.

        Batch norms of the backbone normalise negatives by the running statistics of the frames, in
        training as in evaluation, and learn nothing from them. A negative is an image that the
        backbone meets beside the frames, and not one of them. Gradients flow.

        Returns:
            Tensor | None: c (K, C).
        """
        if self.negatives is None:
            return None
        if self.training or torch.is_grad_enabled():
            return self._encode_negatives()
        return self._eval_points.get(self._encode_negatives, self.negatives, self.backbone)

    def _encode_negatives(self):
        with as_in_evaluation(self.backbone):
            return self.negatives(self.encode)

    def activation_map(self, images):
        """Activation maps of the texts of the known emotions.

        Batch norms work as in evaluation. The map then does not depend on the rest of the batch,
        and the frames are not counted twice in the running statistics. The map is computed in
        float32 with weights in float32, whatever the type of the rest is, because rounding would
        move windows.

        Args:
            images (Tensor): (B, 3, S, S), pixels in [0, 1].

        Returns:
            Tensor: (B, h, w), not negative.
        """
        with as_in_evaluation(self.backbone), in_float32(images):
            return self.backbone.activation_map(self.normalise(images), self.region_text)

    def locate(self, frames, data_samples):
        """Find the window of the visual prompt for each video.

        Args:
            frames (Tensor): (B, T, 3, S, S), pixels in [0, 1], of which the first ones are looked
                at.
            data_samples (list, optional): with ``sample_id``. None stands for empty ids.

        Returns:
            Tensor: (B, 2), top and left pixel.
        """
        return self.visual_prompt.locate(
            frames[:, 0],
            self.activation_map,
            [sample.get('sample_id', '') for sample in data_samples or [{}] * len(frames)])

    def predict(self, inputs, data_samples, **kwargs):
        """Predict the emotions of clips.

        Args:
            inputs (Tensor): (B, T, 3, S, S), pixels 0 to 255, or stored features (B, T, C).
            data_samples (list): B data samples.
            **kwargs (Any): not used.

        Returns:
            list: ``data_samples`` with the fields of ``Prediction``. If the visual prompt acts in a
            window also ``region``: its top, left and size in pixels.
        """
        data_samples, head_kwargs = self._predict(inputs, data_samples)
        if 'region' in head_kwargs:
            windows = head_kwargs['region'].tolist()
            for sample, window in zip(data_samples, windows, strict=True):
                sample.set_metainfo(dict(region=(*window, self.visual_prompt.size)))
        return data_samples
