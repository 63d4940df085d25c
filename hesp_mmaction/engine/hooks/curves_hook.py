"""Shows the open-set curves in TensorBoard, Weights & Biases and other backends."""
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.visualization import LocalVisBackend

from ...evaluation.openset_metric import OpenSetMetric
from ...visualization.canvas import pixels
from ...visualization.figures import draw_oscr, draw_roc, draw_scores


@HOOKS.register_module()
class CurvesHook(Hook):
    """Draws ROC and OSCR curves and the densities of the scores after every evaluation.

    They go to the backends of the visualizer, named ``val/roc`` or ``test/roc`` and so on; those
    of a test also get its metrics (``test/AUROC``), which mmengine only sends for a
    validation. The hook does nothing on a closed set. It also does nothing if mmengine's local
    backend is the only one, because its folder has the raw material (``predictions.npz``).
    """
    priority = 'VERY_LOW'  # after ResultsHook and the log

    def after_val_epoch(self, runner, metrics=None):
        self._show(runner, 'val', runner.val_evaluator, metrics, runner.epoch)

    def after_test_epoch(self, runner, metrics=None):
        if self._show(runner, 'test', runner.test_evaluator, metrics, 0):
            runner.visualizer.add_scalars({f'test/{name}': value for name, value in metrics.items()
                                           if isinstance(value, (int, float))})

    @staticmethod
    def _show(runner, mode, evaluator, metrics, step):
        backends = runner.visualizer._vis_backends.values()  # empty in all processes but the first
        if all(isinstance(backend, LocalVisBackend) for backend in backends):
            return False
        dumps = [m.last_dump for m in evaluator.metrics if isinstance(m, OpenSetMetric)]
        if 'AUROC' in metrics and dumps:
            dump = dumps[0]
            figures = dict(roc=draw_roc({'ROC': dump}), oscr=draw_oscr({'OSCR': dump}),
                           scores=draw_scores(dump, dump.get('threshold')))
            for name, figure in figures.items():
                runner.visualizer.add_image(f'{mode}/{name}', pixels(figure), step)
        return True
