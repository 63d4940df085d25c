"""Base of the heads: from the video feature to logits, losses and a knownness score."""
from abc import abstractmethod

import torch
from mmengine.model import BaseModule
from torch.nn.functional import normalize

from ...datasets.emotions import canonical
from ...errors import InputError
from ...evaluation.prediction import LOGITS, SCORE, Prediction
from ..labels import labels_of


def _older_checkpoint(module, state_dict, prefix, *_):
    """Add the entries that a checkpoint of an earlier version lacks."""
    if prefix + 'threshold' in state_dict:
        for name, value in module.older_state().items():
            state_dict.setdefault(prefix + name, value)


class OpenSetHead(BaseModule):
    """Base of the heads over K known classes.

    Subclasses write ``forward`` (features to a dict of outputs), ``losses`` and ``score``. The dict
    holds at least ``feature`` (B, D), ``logits`` (B, K), whose largest entry is the predicted
    class, and ``probabilities`` (B, K). A dump keeps ``logits`` and every entry named ``logits_*``.

    Args:
        known (Sequence[str]): names of the known emotions, in label order.
        init_cfg (dict, optional): see mmengine's ``BaseModule``. Defaults to None.

    Attributes:
        known (tuple[str]): canonical names of the known emotions, in label order.
        threshold (Tensor): scalar; a sample with a smaller score is called unknown. NaN until it is
            fitted on known samples. Saved with the weights.
        temperature (Tensor): scalar, see ``calibrated``. 1 until it is fitted on known samples, and
            for checkpoints that hold none.

    Raises:
        InputError: fewer than two known emotions.
    """
    softmax_probabilities = True  # the probabilities are softmax(logits)

    def __init__(self, known, init_cfg=None):
        super().__init__(init_cfg)
        if len(known) < 2:
            raise InputError(f'an open-set head needs two known classes or more, got {list(known)}')
        self.known = tuple(canonical(name) for name in known)
        self.register_buffer('threshold', torch.tensor(float('nan'), dtype=torch.float64))
        self.register_buffer('temperature', torch.tensor(1.0, dtype=torch.float64))
        self.register_load_state_dict_pre_hook(_older_checkpoint)

    def older_state(self):
        """The entries that checkpoints of earlier versions lack, with the values that they imply.

        Returns:
            dict[str, Tensor]: by name in the state dict of this head.
        """
        return dict(temperature=torch.ones_like(self.temperature))

    @abstractmethod
    def forward(self, feats, **kwargs):
        """Compute the outputs of a batch.

        Args:
            feats (Tensor): video features (B, C).
            **kwargs (Any): what the recognizer knows of the batch, such as negatives.

        Returns:
            dict[str, Tensor]: see ``OpenSetHead``.
        """

    @abstractmethod
    def losses(self, outputs, labels):
        """Compute the losses of a batch.

        Args:
            outputs (dict[str, Tensor]): as returned by ``forward``.
            labels (Tensor): int (B,), 0 to K - 1.

        Returns:
            dict[str, Tensor]: scalars; names with ``loss`` are added up.
        """

    @abstractmethod
    def score(self, outputs):
        """Compute the knownness of a batch.

        Args:
            outputs (dict[str, Tensor]): as returned by ``forward``.

        Returns:
            Tensor: (B,), bigger = more known.
        """

    def pool(self, feats, num_videos):
        """Bring the output of a neck or backbone to one feature per video.

        MMAction2's own recognizers without a neck return maps: (B, C, t, h, w) for clips,
        (B * T, C, h, w) for frames. Several crops or clips of a video follow each other. The
        feature is the mean over all of these.

        Args:
            feats (Tensor | Sequence[Tensor]): features or maps; of several stages the last is
                taken.
            num_videos (int): B.

        Returns:
            Tensor: (B, C).
        """
        if isinstance(feats, (tuple, list)):
            feats = feats[-1]
        feats = feats.flatten(2).mean(2) if feats.ndim > 2 else feats
        if len(feats) == num_videos:
            return feats
        return feats.unflatten(0, (num_videos, -1)).mean(1)

    def scores(self, outputs):
        """Other scores to report beside ``score``.

        Args:
            outputs (dict[str, Tensor]): as returned by ``forward``.

        Returns:
            dict[str, Tensor]: (B,) each, by name. Empty by default.
        """
        return {}

    def extra_logits(self, outputs):
        """Other logits to dump, which no loss needs.

        Args:
            outputs (dict[str, Tensor]): as returned by ``forward``.

        Returns:
            dict[str, Tensor]: (B, K) each, by name. Empty by default.
        """
        return {}

    def class_vectors(self):
        """Texts of the known classes in CLIP's space.

        ``logits_known`` is CLIP's scale times the product of them and the feature of length 1.

        Returns:
            Tensor | None: (K, D); None if the head has no texts, or none that all samples share.
        """
        return None

    def fit_scores(self, dump):
        """Fit what the score needs on the known training clips, once, after the last epoch.

        Args:
            dump (dict[str, np.ndarray]): a training dump: what ``predict`` made of all clips, in
                every process.

        Returns:
            dict[str, np.ndarray]: fields of the dump that change once the score is fitted. For each
            clip they come from a fit without that clip. Empty by default.
        """
        return {}

    def calibrated(self, logits):
        """Calibrated probabilities, softmax(logits / temperature).

        These are not the ``probabilities`` of ``forward``, which metrics, dumps and exported models
        use.

        Args:
            logits (Tensor): (..., K).

        Returns:
            Tensor | None: (..., K) in float64. None before a temperature is fitted, and for heads
            whose probabilities are not the softmax of their logits.
        """
        if not self.softmax_probabilities or self.temperature == 1:
            return None
        return (logits.double() / self.temperature).softmax(-1)

    def loss(self, feats, data_samples, **kwargs):
        """Losses of a batch, as MMAction2's recognizers call them.

        Args:
            feats (Tensor | Sequence[Tensor]): see ``pool``.
            data_samples (list): B data samples with ``gt_label``.
            **kwargs (Any): for ``forward``.

        Returns:
            dict[str, Tensor]: scalars of ``losses``, and the accuracy ``acc`` in [0, 1].
        """
        outputs = self(self.pool(feats, len(data_samples)), **kwargs)
        labels = labels_of(data_samples, outputs['logits'].device)
        losses = self.losses(outputs, labels)
        with torch.no_grad():
            losses['acc'] = (outputs['logits'].argmax(1) == labels).float().mean()
        return losses

    def predict(self, feats, data_samples, **kwargs):
        """Write the prediction of a batch into its data samples.

        Args:
            feats (Tensor | Sequence[Tensor]): see ``pool``.
            data_samples (list): B data samples; they get the fields of ``Prediction``, on the CPU.
            **kwargs (Any): for ``forward``. ``frames`` (B, T, D), the features before the neck,
                make the cosines of frames with the texts of the classes.

        Returns:
            list: ``data_samples``.
        """
        outputs, count = self(self.pool(feats, len(data_samples)), **kwargs), len(data_samples)
        logits = {key: value for key, value in outputs.items() if key.startswith(LOGITS)}
        logits |= {f'{LOGITS}_{key}': value for key, value in self.extra_logits(outputs).items()}
        class_text, frame_cosine = self._texts(count, kwargs.get('frames'))
        Prediction(
            pred_score=outputs['probabilities'],
            pred_label=outputs['logits'].argmax(1, keepdim=True),
            pred_knownness=self.score(outputs)[:, None],
            pred_feature=outputs['feature'],
            threshold=self.threshold.expand(count, 1),
            logits=logits,
            scores={f'{SCORE}{key}': value[:, None]
                    for key, value in self.scores(outputs).items()},
            class_text=class_text, frame_cosine=frame_cosine).write(data_samples, self.known)
        return data_samples

    def _texts(self, num_videos, frames):
        """Texts (B, K, D) and cosines (B, T, K) of frames with them; None if there are none."""
        vectors = self.class_vectors()
        if vectors is None:
            return None, None
        fits = frames is not None and frames.shape[2] == vectors.shape[1]
        cosine = normalize(frames, dim=2) @ vectors.T if fits else None
        return vectors.expand(num_videos, -1, -1), cosine
