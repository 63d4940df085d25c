"""The open-set metric of a test run, and the raw material from which it can be recomputed."""
import logging
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from mmaction.registry import METRICS
from mmengine.dist import all_gather_object, is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from numpy.typing import ArrayLike

from ..errors import InputError
from .closed_set import closed_set_metrics
from .decision import calibration_error, open_set_f1, openness, uar
from .dumps import Dump, dump_of_rows, dump_row, save_dump
from .finite import check_finite, named, not_finite
from .prediction import SCORE
from .ranking import aupr, auroc, ccr_at_fpr, detection_accuracy, fpr_at_tpr, oscr
from .uncertainty import bootstrap_interval


def open_set_figures(known: ArrayLike, correct: ArrayLike,
                     unknown: ArrayLike) -> dict[str, float]:
    """Compute how well a score separates known from unknown samples, in percent.

    Args:
        known (np.ndarray): scores (N_k,) of known samples.
        correct (np.ndarray): bool (N_k,), whether the predicted known class is right.
        unknown (np.ndarray): scores (N_u,) of unknown samples.

    Returns:
        dict[str, float]: ``AUROC``, ``OSCR``, ``AUPR_known``, ``AUPR_unknown``, ``FPR95_known``
        (unknown accepted at 95 % of the known), ``FPR95_unknown`` (known rejected at 95 % of the
        unknown), ``CCR10`` (at 10 % of the unknown accepted) and ``DTACC``.
    """
    figures = dict(
        AUROC=auroc(known, unknown), OSCR=oscr(known, correct, unknown),
        AUPR_known=aupr(known, unknown), AUPR_unknown=aupr(known, unknown, 'unknown'),
        FPR95_known=fpr_at_tpr(known, unknown),
        FPR95_unknown=fpr_at_tpr(known, unknown, positive='unknown'),
        CCR10=ccr_at_fpr(known, correct, unknown, 0.1),
        DTACC=detection_accuracy(known, unknown))
    return {name: 100 * value for name, value in figures.items()}


def split_dump(dump: Dump, score: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Divide the scores of a dump into those of known and of unknown samples.

    Args:
        dump (dict[str, np.ndarray]): raw material of a test run.
        score (np.ndarray): (N,), bigger = more known.

    Returns:
        tuple[np.ndarray]: scores (N_k,) of the known, whether their predictions are right (N_k,),
        and scores (N_u,) of the unknown.

    Raises:
        InputError: no known or no unknown sample.
    """
    is_known = dump['label'] >= 0
    for what, there in (('known', is_known.any()), ('unknown', not is_known.all())):
        if not there:
            raise InputError(f'the test set has no {what} sample, so open-set metrics are '
                             'undefined; check `known` and the data set')
    return score[is_known], (dump['pred'] == dump['label'])[is_known], score[~is_known]


def metrics_from_dump(dump: Dump) -> dict[str, float]:
    """All metrics of a test run from its raw material.

    Args:
        dump (dict[str, np.ndarray]): arrays of N samples: ``label`` (N,), ``pred`` (N,), ``score``
            (N,) and ``emotion`` (N,); also ``classes`` (K,), the known names, and optionally
            ``probabilities`` (N, K) and the ``threshold`` ().

    Returns:
        dict: in percent those of ``open_set_figures``, ``ACC`` (WAR) and ``UAR`` of the known
        samples, ``ECE`` of them if there are probabilities, ``open_F1`` (macro, the unknown being
        one class) if there is a threshold; ``num_known`` and ``num_unknown`` samples, and
        ``openness`` in [0, 1], from the K known classes and the unknown emotions that occur;
        ``AUROC_x`` and ``OSCR_x`` for every other score ``score_x`` (N,) in the dump; one that is
        not finite everywhere is left out, with a warning.

    Raises:
        InputError: no known or no unknown sample, or the model returned a score or a probability
            that is NaN or infinite; the message names the clips.
    """
    check_finite(dump)
    known, correct, unknown = split_dump(dump, dump['score'])
    is_known = dump['label'] >= 0
    num_unknown_classes = len(np.unique(dump['emotion'][~is_known]))
    metrics = dict(
        open_set_figures(known, correct, unknown), ACC=100 * float(correct.mean()),
        UAR=100 * uar(dump['label'][is_known], dump['pred'][is_known]),
        num_known=len(known), num_unknown=len(unknown),
        openness=openness(len(dump['classes']), num_unknown_classes))
    if 'probabilities' in dump:
        confidence = dump['probabilities'][is_known].max(1).clip(0, 1)  # float32 ends above 1
        metrics['ECE'] = 100 * calibration_error(confidence, correct)
    if np.isfinite(dump.get('threshold', np.nan)):
        metrics['open_F1'] = 100 * open_set_f1(dump['label'], dump['pred'], dump['score'],
                                               float(dump['threshold']))
    for key in sorted(key for key in dump if key.startswith(SCORE)):
        name = key.removeprefix(SCORE)
        wrong = not_finite(dump, key)
        if wrong.any():
            print_log(f'no AUROC_{name} and OSCR_{name}: {key} is NaN or infinite for '
                      f'{named(dump, wrong)}', 'current', logging.WARNING)
            continue
        known, correct, unknown = split_dump(dump, dump[key])
        metrics[f'AUROC_{name}'] = 100 * auroc(known, unknown)
        metrics[f'OSCR_{name}'] = 100 * oscr(known, correct, unknown)
    return metrics


def intervals_from_dump(dump: Dump) -> dict[str, list[float] | None]:
    """95 % intervals (low, high) in percent of ``AUROC`` and ``OSCR``, over the test samples.

    By stratified bootstrap, see ``uncertainty.bootstrap_interval``.

    Args:
        dump (dict[str, np.ndarray]): see ``metrics_from_dump``.

    Returns:
        dict: the two ends for each name; None if there are fewer than two known or two unknown
        samples, which a bootstrap needs.

    Raises:
        InputError: no known or no unknown sample.
    """
    known, correct, unknown = split_dump(dump, dump['score'])
    if min(len(known), len(unknown)) < 2:
        return dict(AUROC=None, OSCR=None)
    found = dict(AUROC=bootstrap_interval(auroc, (known,), (unknown,)),
                 OSCR=bootstrap_interval(oscr, (known, correct), (unknown,)))
    return {name: [100 * end for end in ends] for name, ends in found.items()}


@METRICS.register_module()
class OpenSetMetric(BaseMetric):
    """AUROC, OSCR, closed-set accuracy and others; see ``metrics_from_dump``.

    A data set with ``closed_set=True`` gets ``closed_set_metrics`` instead.

    Of each data sample it reads the fields of ``Prediction``, of which ``pred_label`` and
    ``pred_knownness`` must be there, ``gt_label`` (-1: unknown), and the metainfo ``sample_id`` and
    ``emotion``. Samples are gathered from all processes, each id counts once and they are sorted by
    id, so N processes return exactly the figures of one.

    Args:
        dump (str, optional): ``.npz`` file for the raw material: ``sample_id``, ``label``,
            ``emotion``, ``classes``, ``pred_emotion`` and the fields of ``Prediction`` under
            the names that a dump has for them. Defaults to None, no file, unless
            ``dump_into`` names one.

    Attributes:
        last_dump (dict[str, np.ndarray] | None): the same of the last evaluation, in every process;
            None before the first.
    """
    default_prefix = ''

    def __init__(self, dump: str | None = None) -> None:
        super().__init__()
        self.dump = dump
        self.last_dump: dict[str, np.ndarray] | None = None

    def dump_into(self, folder: str | Path) -> None:
        """The raw material goes into ``predictions.npz`` of a folder, unless ``dump`` was given.

        Args:
            folder (str | Path): the folder, such as the work dir of a run.
        """
        if self.dump is None:
            self.dump = str(Path(folder) / 'predictions.npz')

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep what is needed of a batch.

        Args:
            data_batch (Any): not used.
            data_samples (Sequence[dict]): predictions of the recognizer.
        """
        self.results.extend(dump_row(sample) for sample in data_samples)

    def evaluate(self, size: int) -> dict[str, float]:
        """Compute the metrics of a data set, the same in every process.

        mmengine's own gathering cuts the list at ``size`` before duplicates can be told, and leaves
        the other processes waiting when the first one raises.

        Args:
            size (int): number of samples of the data set.

        Returns:
            dict[str, float]: see ``compute_metrics``.

        Raises:
            InputError: not as many different sample ids as samples; see also ``compute_metrics``.
        """
        rows = list(chain.from_iterable(all_gather_object(self.results)))
        self.results.clear()
        num_ids = len({row['sample_id'] for row in rows})
        if num_ids != size:
            raise InputError(f'the test set has {size} samples but {num_ids} different sample_id '
                             'were evaluated; ids must be unique and every sample evaluated')
        return self.compute_metrics(rows)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Compute the metrics, and write the dump if asked.

        Args:
            results (list[dict]): rows of ``process``.

        Returns:
            dict[str, float]: the metrics of docs/metrics.md.

        Raises:
            InputError: the metrics are undefined; the message names the dump if there is one.
        """
        dump = self.last_dump = dump_of_rows(results, self.dataset_meta['classes'])
        if self.dump and is_main_process():
            save_dump(dump, self.dump)
        try:
            if self.dataset_meta.get('closed_set'):
                print_log('closed set: every class is known, so there is no AUROC and no OSCR',
                          'current')
                return closed_set_metrics(dump)
            return metrics_from_dump(dump)
        except InputError as error:
            where = f'; all that was computed is in {self.dump}' if self.dump else ''
            raise InputError(f'{error}{where}') from error
