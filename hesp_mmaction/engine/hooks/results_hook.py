"""Writes metrics.json and the raw material of every evaluation into the work dir."""
import os

from mmaction.registry import HOOKS
from mmengine.dist import is_main_process
from mmengine.hooks import Hook

from ...evaluation.openset_metric import OpenSetMetric
from ...files import write_json
from .common import unwrap


@HOOKS.register_module()
class ResultsHook(Hook):
    """Writes ``metrics.json`` and ``predictions.npz`` of the last epoch of a training or of a test.

    The result is that of the last epoch. With a smaller ``train_cfg.val_interval`` the test set is
    evaluated in other epochs, too. The best of these figures is then kept as
    ``best_on_test_AUROC`` and ``best_on_test_OSCR``. Do not report it as the result.
    """
    priority = 'LOW'

    def __init__(self):
        self._best = {}

    def before_val(self, runner):
        self._dump(runner, runner.val_evaluator)

    def before_test(self, runner):
        self._dump(runner, runner.test_evaluator)

    def after_val_epoch(self, runner, metrics=None):
        for name in {'AUROC', 'OSCR'} & set(metrics):  # a closed set has neither
            best = self._best.setdefault(name, [])
            best.append(metrics[name])
        if runner.epoch < runner.max_epochs:
            return
        extra = {}
        if any(len(values) > 1 for values in self._best.values()):
            extra = {f'best_on_test_{name}': max(values) for name, values in self._best.items()}
        self._write(runner, metrics, dict(epoch=runner.epoch, **extra))

    def after_test_epoch(self, runner, metrics=None):
        self._write(runner, metrics, {})

    @staticmethod
    def _dump(runner, evaluator):
        for metric in evaluator.metrics:
            if isinstance(metric, OpenSetMetric):
                metric.dump_into(runner.work_dir)  # also what it cannot make figures of

    @staticmethod
    def _write(runner, metrics, extra):
        if is_main_process():
            head = unwrap(runner.model).cls_head
            if getattr(head, 'transductive', False):  # tables mark it
                extra = dict(extra, transductive=True)
            write_json(dict(metrics, known=list(head.known), threshold=float(head.threshold),
                            **extra),
                       os.path.join(runner.work_dir, 'metrics.json'))
