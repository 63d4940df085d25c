"""Base of the heads: from the video feature to logits, losses and a knownness score."""
from abc import abstractmethod

import torch
from mmengine.model import BaseModule
from torch.nn.functional import normalize

from ...datasets.emotions import canonical
from ...errors import InputError
from ...evaluation.prediction import LOGITS, SCORE, Prediction


def _older_checkpoint(module, state_dict, prefix, *_):
    """Fill in what a checkpoint of an earlier version has no entry for."""
    if prefix + 'threshold' in state_dict:
        for name, value in module.older_state().items():
            state_dict.setdefault(prefix + name, value)


class OpenSetHead(BaseModule):
    """A head over K known classes.

    Subclasses write :meth:`forward` (features to a dict of outputs), :meth:`losses` and
    :meth:`score`. The dict holds at least ``feature`` (B, D), ``logits`` (B, K), whose largest
    entry is the predicted class, and ``probabilities`` (B, K); ``logits`` and every entry named
    ``logits_*`` are dumped for later analysis.

    Attributes:
        known (tuple[str]): names of the known emotions, in label order.
        threshold (Tensor): scalar; a sample with a smaller score is called unknown. NaN until it
            is fitted on known samples. Saved with the weights.
        temperature (Tensor): scalar; see :meth:`calibrated`. 1 until it is fitted on known samples,
            and in older checkpoints, which have none.
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
        """What the entries mean that checkpoints of earlier versions lack.

        Returns:
            dict[str, Tensor]: name in the state dict of this head to the value it had then.
        """
        return dict(temperature=torch.ones_like(self.temperature))

    @abstractmethod
    def forward(self, feats, **kwargs):
        """Features (B, C) to a dict of outputs."""

    @abstractmethod
    def losses(self, outputs, labels):
        """Outputs of :meth:`forward` and labels (B,) to a dict of scalar losses."""

    @abstractmethod
    def score(self, outputs):
        """Outputs of :meth:`forward` to knownness (B,): bigger = more known."""

    def pool(self, feats, num_videos):
        """What a neck or backbone gives to features (B, C) of B videos.

        MMAction2's own recognizers without a neck give maps (B, C, t, h, w), those on frames
        (B * T, C, h, w), several crops or clips of a video one after the other: the mean.
        """
        if isinstance(feats, (tuple, list)):
            feats = feats[-1]
        feats = feats.flatten(2).mean(2) if feats.ndim > 2 else feats
        if len(feats) == num_videos:
            return feats
        return feats.unflatten(0, (num_videos, -1)).mean(1)

    def scores(self, outputs):
        """Other scores worth reporting beside :meth:`score`: name to (B,)."""
        return {}

    def extra_logits(self, outputs):
        """Other logits worth dumping, which no loss needs: name to (B, K)."""
        return {}

    def class_vectors(self):
        """Texts (K, D) of the known classes in CLIP's space, None where there are none that are the
        same for every sample.

        ``logits_known`` is CLIP's scale times the product of them and the feature of length 1.
        """
        return None

    def fit_scores(self, dump):
        """Fit what the score needs on the known training clips, once, after the last epoch.

        Args:
            dump (dict[str, np.ndarray]): what :meth:`predict` made of all of them, in every
                process, as a training dump holds it.

        Returns:
            dict[str, np.ndarray]: fields of the dump that are others once the score is fitted, as
            a clip that took no part in the fit would have them. Empty by default.
        """
        return {}

    def calibrated(self, logits):
        """Probabilities that mean what they say, softmax(logits / temperature).

        They are another quantity than the ``probabilities`` of :meth:`forward`, which metrics,
        dumps and exported models have.

        Args:
            logits (Tensor): (..., K).

        Returns:
            Tensor: (..., K), in float64; None before a temperature is fitted, and where the
            probabilities are no softmax of the logits that it could scale.
        """
        if not self.softmax_probabilities or self.temperature == 1:
            return None
        return (logits.double() / self.temperature).softmax(-1)

    def loss(self, feats, data_samples, **kwargs):
        """Losses of a batch, as MMAction2's recognizers call them."""
        labels = torch.cat([sample.gt_label for sample in data_samples]).to(feats.device)
        outputs = self(self.pool(feats, len(data_samples)), **kwargs)
        losses = self.losses(outputs, labels)
        with torch.no_grad():
            losses['acc'] = (outputs['logits'].argmax(1) == labels).float().mean()
        return losses

    def predict(self, feats, data_samples, **kwargs):
        """Fill data samples with ``pred_emotion``, a known name or ``'unknown'`` where the score is
        below the ``threshold`` (1,), ``pred_label`` (1,), the best known class in any case,
        ``pred_score`` (K,) probabilities, ``pred_knownness`` (1,), ``pred_feature`` (D,),
        ``logits`` and every ``logits_*`` (K,) and every other score as ``score_*`` (1,); with
        :meth:`class_vectors` these as ``class_text`` (K, D) and the cosines of ``frames``
        (B, T, D), the features before the neck, as ``frame_cosine`` (T, K). The fields are on the
        CPU."""
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
