"""What a head says about clips: names and shapes of the fields of data samples and of dumps."""
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

LOGITS, SCORE = 'logits', 'score_'  # a head may have any number of fields that begin so
# Fields of a data sample that are arrays, as are all logits, and the key of each in a dump.
ARRAYS = dict(pred_score='probabilities', pred_feature='feature', class_text='class_text',
              frame_cosine='frame_cosine')
OF_ALL = ('threshold', 'class_text')  # the same for every clip, and kept once in a dump


@dataclass
class Prediction:
    """What a head says about the B clips of a batch, with K known classes.

    Attributes have the names of the fields of a data sample, which hold one row of them. A dump
    has the same fields of N clips. Its other names are given here.

    Attributes:
        pred_score (Tensor): (B, K), probabilities; ``probabilities`` in a dump.
        pred_label (Tensor): int (B, 1), the best known class; ``pred`` (N,) in a dump.
        pred_knownness (Tensor): (B, 1), bigger = more known; ``score`` (N,) in a dump.
        pred_feature (Tensor): (B, D), the video feature; ``feature`` in a dump.
        threshold (Tensor): (B, 1); a clip with a smaller ``pred_knownness`` is unknown. NaN until
            it is fitted. A scalar in a dump.
        logits (dict[str, Tensor]): (B, K) each, under ``logits`` and ``logits_*``.
        scores (dict[str, Tensor]): (B, 1) each, further scores, under ``score_*``; (N,) in a dump.
        class_text (Tensor, optional): (B, K, D), texts of the classes; (K, D) in a dump. Defaults
            to None, no texts.
        frame_cosine (Tensor, optional): (B, T, K), cosines of frame features with these texts.
            Defaults to None.
    """
    pred_score: Tensor
    pred_label: Tensor
    pred_knownness: Tensor
    pred_feature: Tensor
    threshold: Tensor
    logits: dict[str, Tensor]
    scores: dict[str, Tensor]
    class_text: Tensor | None = None
    frame_cosine: Tensor | None = None

    def write(self, data_samples: Sequence[Any], known: Sequence[str]) -> None:
        """Set the fields of data samples, on the CPU, and ``pred_emotion``.

        ``pred_emotion`` (str) is ``'unknown'`` if ``pred_knownness`` is below the threshold, else
        the name of the best known class.

        Args:
            data_samples (Sequence[ActionDataSample]): B of them; changed in place.
            known (Sequence[str]): the K names, in label order.
        """
        fields = {**vars(self), **self.logits, **self.scores}
        fields = on_cpu({name: values.detach() for name, values in fields.items()
                         if isinstance(values, Tensor)})
        # Nothing is below NaN.
        rejected = (fields['pred_knownness'].double() < fields['threshold']).flatten().tolist()
        best = fields['pred_label'].flatten().tolist()
        for name, values in fields.items():
            for sample, value in zip(data_samples, values.unbind(), strict=True):
                sample.set_field(value, name)
        for sample, label, unknown in zip(data_samples, best, rejected, strict=True):
            sample.set_field('unknown' if unknown else known[label], 'pred_emotion')


def on_cpu(fields: dict[str, Tensor]) -> dict[str, Tensor]:
    """Bring tensors to the CPU, in one copy for each type, because every copy waits for a GPU.

    Args:
        fields (dict[str, Tensor]): (B, ...) each, on one device.

    Returns:
        dict[str, Tensor]: the same on the CPU.
    """
    names_of: dict[torch.dtype, list[str]] = {}
    for name, values in fields.items():
        names_of.setdefault(values.dtype, []).append(name)
    found = {}
    for names in names_of.values():
        rows = torch.cat([fields[name].flatten(1) for name in names], 1).cpu()
        parts = rows.split([fields[name].shape[1:].numel() for name in names], 1)
        for name, part in zip(names, parts, strict=True):
            found[name] = part.unflatten(1, fields[name].shape[1:]).clone()
    return {name: found[name] for name in fields}
