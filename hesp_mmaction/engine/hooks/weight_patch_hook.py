"""Averages a trained CLIP over epochs and mixes the original into it (Open-VCLIP, ICML 2023)."""
import torch
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.logging import print_log

from ...errors import InputError
from .averaged import ema_hooks
from .common import unwrap


@HOOKS.register_module()
class WeightPatchHook(Hook):
    """After the last epoch, the backbone becomes ``ratio`` CLIP + (1 - ratio) mean over epochs.

    For ``InterpolatedRecognizer``, which keeps CLIP's weights. The mean is in the checkpoints,
    so that a resumed run has the same one. A run that is extended after its end continues
    from the mixed weights.

    Args:
        ratio (float): share of CLIP's weights, in [0, 1].

    Raises:
        InputError: the run has an EMAHook too.
    """
    priority = 'ABOVE_NORMAL'  # before the hooks that fit the score and the threshold

    def __init__(self, ratio=0.5):
        self.ratio, self.count, self.mean = ratio, 0, {}

    def before_train(self, runner):
        if ema_hooks(runner):
            raise InputError('EMAHook and WeightPatchHook both average the weights, and the mean '
                             'over epochs would be lost: take EMAHook out of custom_hooks')

    def after_train_epoch(self, runner):
        model = unwrap(runner.model)
        self.count += 1
        ours = floats(model.backbone)
        for name, value in ours.items():
            mean = self.mean.setdefault(name, torch.zeros_like(value)).to(value.device)
            self.mean[name] = mean + (value - mean) / self.count
        if runner.epoch + 1 != runner.max_epochs:
            return
        theirs = floats(model.pretrained)
        for name, value in ours.items():
            value.copy_(self.ratio * theirs[name] + (1 - self.ratio) * self.mean[name])
        print_log(f'the backbone is {self.ratio:g} CLIP + {1 - self.ratio:g} the mean of '
                  f'{self.count} epochs', 'current')

    def before_save_checkpoint(self, runner, checkpoint):
        checkpoint['weight_mean'] = dict(count=self.count, mean=self.mean)

    def after_load_checkpoint(self, runner, checkpoint):
        saved = checkpoint.get('weight_mean')
        if saved is not None and runner._resume:
            self.count, self.mean = saved['count'], saved['mean']


def floats(module):
    """Collect the parameters and floating-point buffers of a module, without gradient.

    Args:
        module (nn.Module): the module.

    Returns:
        dict[str, Tensor]: by name in the state dict.
    """
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return {name: value.detach() for name, value in tensors.items() if value.is_floating_point()}
