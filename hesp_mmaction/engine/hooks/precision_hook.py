"""Sets the types a run is computed in: TF32, mixed precision, and torch.compile."""
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.logging import print_log

from .common import set_precision, unwrap


@HOOKS.register_module()
class PrecisionHook(Hook):
    """Call ``set_precision`` with the ``precision`` of the config before a run begins.

    ``--amp`` and ``--compile`` set ``precision.amp`` and ``precision.compile``.
    ``--cfg-options precision.tf32=False`` switches TF32 off.
    """
    priority = 'VERY_HIGH'

    def before_run(self, runner):
        said = set_precision(unwrap(runner.model), **runner.cfg.get('precision', {}))
        if said:
            print_log(f'precision: {said}', 'current')
