"""The open-set metric of a test run, and the raw material from which it can be recomputed."""
import os
from itertools import chain

import numpy as np
import torch
from mmaction.registry import METRICS
from mmengine.dist import all_gather_object, is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from ..errors import InputError
from .closed_set import closed_set_metrics
from .functional import auroc, openness, oscr


def metrics_from_dump(dump):
    """All metrics of a test run from its raw material.

    Args:
        dump (dict[str, np.ndarray]): of N samples: ``label`` (N,), ``pred`` (N,), ``score`` (N,)
            and ``emotion`` (N,); also ``classes`` (K,), the known names.

    Returns:
        dict: ``AUROC``, ``OSCR`` and ``ACC`` (of the known samples) in percent, ``num_known`` and
        ``num_unknown`` samples, and ``openness`` in [0, 1], from the K known classes and the
        unknown emotions that occur; ``AUROC_x`` and ``OSCR_x`` for every other score
        ``score_x`` (N,) in the dump.

    Raises:
        InputError: no known or no unknown sample, or a score that is not finite.
    """
    is_known = dump['label'] >= 0
    for what, there in (('known', is_known.any()), ('unknown', not is_known.all())):
        if not there:
            raise InputError(f'the test set has no {what} sample, so open-set metrics are '
                             'undefined; check `known` and the data set')
    known, unknown = dump['score'][is_known], dump['score'][~is_known]
    correct = (dump['pred'] == dump['label'])[is_known]
    num_unknown_classes = len(np.unique(dump['emotion'][~is_known]))
    metrics = dict(
        AUROC=100 * auroc(known, unknown), OSCR=100 * oscr(known, correct, unknown),
        ACC=100 * float(correct.mean()), num_known=len(known), num_unknown=len(unknown),
        openness=openness(len(dump['classes']), num_unknown_classes))
    for key in sorted(key for key in dump if key.startswith('score_')):
        name, known, unknown = key.removeprefix('score_'), dump[key][is_known], dump[key][~is_known]
        metrics[f'AUROC_{name}'] = 100 * auroc(known, unknown)
        metrics[f'OSCR_{name}'] = 100 * oscr(known, correct, unknown)
    return metrics


def save_dump(dump, path):
    """Writes arrays to ``path`` (.npz), whole or not at all."""
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(f'{path}.part', 'wb') as file:
        np.savez_compressed(file, **dump)
    os.replace(f'{path}.part', path)


def load_dump(path):
    """Reads what :class:`OpenSetMetric` dumped, as dict[str, np.ndarray]; nothing is unpickled."""
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


@METRICS.register_module()
class OpenSetMetric(BaseMetric):
    """AUROC, OSCR and closed-set accuracy; see :func:`metrics_from_dump`.

    A data set with ``closed_set=True`` gets :func:`closed_set_metrics` instead.

    Of each data sample it reads ``gt_label`` (-1: unknown), ``pred_label``, ``pred_knownness`` (one
    number, bigger is more known), optionally ``pred_feature`` (D,) and any ``logits_*`` (K,) and
    ``score_*`` (other scores), and the metainfo ``sample_id`` and ``emotion``. Samples are gathered
    from all processes, each id counts once and they are sorted by id, so N processes give the
    figures of one exactly.

    Args:
        dump (str, optional): ``.npz`` file for the raw material: ``sample_id``, ``label``,
            ``emotion``, ``score``, ``pred``, ``classes`` and, if there, ``logits_*`` (N, K) and
            ``feature`` (N, D). Defaults to None, no file.
    """
    default_prefix = ''

    def __init__(self, dump=None):
        super().__init__()
        self.dump = dump

    def process(self, data_batch, data_samples):
        """Keeps what is needed of a batch of data samples (dicts)."""
        for sample in data_samples:
            missing = [key for key in ('sample_id', 'emotion', 'gt_label', 'pred_label',
                                       'pred_knownness') if key not in sample]
            if missing:
                raise KeyError(f'a data sample has no {", ".join(missing)}; sample_id and emotion '
                               'belong in meta_keys of PackActionInputs, predictions come from '
                               'the head')
            row = dict(sample_id=sample['sample_id'], emotion=sample['emotion'],
                       label=int(sample['gt_label']), pred=int(sample['pred_label']),
                       score=float(sample['pred_knownness']))
            for key in sample:
                if key.startswith('logits_') or key == 'pred_feature':
                    row[key.removeprefix('pred_')] = _array(sample[key])
                elif key.startswith('score_'):
                    row[key] = float(sample[key])
            self.results.append(row)

    def evaluate(self, size):
        """Metrics of a data set of ``size`` samples, the same in every process.

        mmengine's own gathering cuts the list at ``size`` before duplicates can be told, and
        leaves the other processes waiting when the first one raises.
        """
        rows = list(chain.from_iterable(all_gather_object(self.results)))
        self.results.clear()
        num_ids = len({row['sample_id'] for row in rows})
        if num_ids != size:
            raise InputError(f'the test set has {size} samples but {num_ids} different sample_id '
                             'were evaluated; ids must be unique and every sample evaluated')
        return self.compute_metrics(rows)

    def compute_metrics(self, results):
        """Dumps (if asked) and computes from rows of :meth:`process`."""
        by_id = {row['sample_id']: row for row in reversed(results)}
        rows = [by_id[key] for key in sorted(by_id)]
        dump = {key: np.array([row[key] for row in rows]) for key in rows[0]}
        dump['classes'] = np.array(self.dataset_meta['classes'])
        if self.dump and is_main_process():
            save_dump(dump, self.dump)
        if self.dataset_meta.get('closed_set'):
            print_log('closed set: every class is known, so there is no AUROC and no OSCR',
                      'current')
            return closed_set_metrics(dump)
        return metrics_from_dump(dump)


def _array(values):
    return torch.as_tensor(values).detach().float().cpu().numpy()
