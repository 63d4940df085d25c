"""Gives all processes the same running statistics."""
from mmaction.registry import HOOKS
from mmengine.dist import all_reduce, get_world_size
from mmengine.hooks import Hook

from ...models.norms import running_statistics
from .averaged import ema_hooks
from .common import unwrap


@HOOKS.register_module()
class SyncStatisticsHook(Hook):
    """Averages the running statistics of batch norms over processes after every epoch.

    Every process has seen other samples, and the wrapper of the model does not share buffers while
    it trains. Without this each process would evaluate and fit with statistics of its own, and the
    checkpoint would hold those of the first. mmengine's SyncBuffersHook averages all buffers, fixed
    texts included, and runs after the hooks that fit and save. This hook averages only the
    statistics of norms, runs before those hooks, and includes EMAHook's model.
    """
    priority = 'HIGH'  # before the hooks that average, fit, save and evaluate

    def after_train_epoch(self, runner):
        if get_world_size() == 1:
            return
        models = [unwrap(runner.model)] + [hook.ema_model.module for hook in ema_hooks(runner)]
        for model in models:
            for value in running_statistics(model).values():
                if value.is_floating_point():  # the others count steps, alike in all processes
                    all_reduce(value, 'mean')
