"""Only what is trained enters the optimizer."""
from mmengine.optim import DefaultOptimWrapperConstructor
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS, OPTIM_WRAPPERS, OPTIMIZERS
from torch import nn

from ..errors import InputError


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class TrainableOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """Build the groups of parameters for the optimizer, without frozen parameters.

    ``paramwise_cfg.custom_keys`` works as in mmengine: the longest key that occurs in a parameter's
    name sets its ``lr_mult``, ``decay_mult`` and any option of the optimizer for its group. A key
    of a part that is switched off (``visual_prompt.delta`` where ``model.visual_prompt`` is None,
    or a neck without parameters) is ignored.

    Raises:
        InputError: nothing is trainable, or a custom key fits no trainable parameter.
    """

    def __call__(self, model):
        model = getattr(model, 'module', model)
        keys = self.paramwise_cfg.get('custom_keys', {})
        groups = {key: [] for key in ('', *keys)}
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                best = max((key for key in groups if key in name), key=len)
                groups[best].append(parameter)
        if not any(groups.values()):
            raise InputError('the model has no trainable parameter: run it with tools/test.py')
        empty = [key for key in keys if not groups[key] and not self._is_off(model, key)]
        if empty:
            raise InputError(f'optim_wrapper.paramwise_cfg.custom_keys {empty} fit no trainable '
                             'parameter; take them out or correct them')
        cfg = self.optim_wrapper_cfg.copy()
        cfg.setdefault('type', 'OptimWrapper')
        optimizer = OPTIMIZERS.build(dict(
            self.optimizer_cfg,
            params=[self._group(parameters, dict(keys.get(key, {})))
                    for key, parameters in groups.items() if parameters]))
        return OPTIM_WRAPPERS.build(cfg, default_args=dict(optimizer=optimizer))

    @staticmethod
    def _is_off(model, key):
        """Whether the part of the model that a key names is None or has no parameters at all."""
        part = getattr(model, key.split('.')[0], key)
        return part is None or (isinstance(part, nn.Module) and not list(part.parameters()))

    def _group(self, parameters, options):
        group = dict(params=parameters)
        if 'lr_mult' in options:
            group['lr'] = self.base_lr * options.pop('lr_mult')
        if 'decay_mult' in options:
            group['weight_decay'] = self.base_wd * options.pop('decay_mult')
        return group | options
