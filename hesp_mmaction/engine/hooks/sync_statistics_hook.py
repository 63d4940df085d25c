"""Gives all processes the same running statistics."""
from mmaction.registry import HOOKS
from mmengine.dist import all_reduce, get_world_size
from mmengine.hooks import Hook

from ...models.norms import running_statistics
from .averaged import ema_hooks
from .common import unwrap


@HOOKS.register_module()
class SyncStatisticsHook(Hook):
    """After every epoch: the running statistics of batch norms become their mean over processes.

    Every process has seen other samples, and the wrapper of the model does not share buffers while
    it trains. Without this each process would evaluate and fit with statistics of its own, and the
    checkpoint would hold those of the first. mmengine's SyncBuffersHook averages all buffers, fixed
    texts included, and after the hooks that fit and save; this one only what a norm has learned,
    before them, and in EMAHook's model too.
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
