"""Stops a training whose loss becomes NaN or infinite."""
import math

from mmaction.registry import HOOKS
from mmengine.hooks import Hook

from ...errors import InputError


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Raises InputError if a loss is NaN or infinite; names the losses and the batch's samples."""
    priority = 'VERY_HIGH'

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if math.isfinite(outputs['loss'].detach()):  # one look at the GPU in a good step
            return
        losses = {name: float(value.detach()) for name, value in outputs.items()
                  if 'loss' in name}
        wrong = [f'{name} is {value}' for name, value in losses.items()
                 if not math.isfinite(value)]
        if wrong:
            samples = [sample.get('sample_id', '?') for sample in data_batch['data_samples']]
            raise InputError(
                f'{", ".join(wrong)} in step {batch_idx + 1} of epoch {runner.epoch + 1}, with the '
                f'samples {", ".join(samples)}; nothing of it is saved: lower the learning rate, '
                'check these clips, and go on from the last checkpoint with --resume')
