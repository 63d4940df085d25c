"""Sets the types a run is computed in: TF32, mixed precision, and torch.compile."""
import torch
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.logging import print_log

from ...models.backbones import CLIPImageTower
from ...models.eval_cache import EvalCache
from ...models.frozen import FrozenTower
from ...models.precision import compute_type, under_autocast
from .open_set_hook import unwrap


def set_precision(model, tf32=True, amp=False, compile=False):
    """Say in which types a model is computed; its weights and checkpoints stay as they are.

    Args:
        model (nn.Module): a recognizer with a ``backbone``, on the device where it stays.
        tf32 (bool): matrices and convolutions in float32 are multiplied as TF32, on GPUs that have
            it. Defaults to True.
        amp (bool): mixed precision. The backbone and frozen text towers compute in
            :func:`.compute_type`, all else in float32. Defaults to False.
        compile (bool): the frozen image tower is compiled. Defaults to False.

    Returns:
        str: what was set, for a log; empty where all is plain float32.
    """
    device, said = next(model.parameters()).device, []
    if device.type == 'cuda':
        torch.set_float32_matmul_precision('high' if tf32 else 'highest')
        torch.backends.cudnn.allow_tf32 = tf32
        said.append('float32 is multiplied ' + ('as TF32' if tf32 else 'in full'))
    towers = [module for module in model.modules()
              if isinstance(module, FrozenTower) and module.frozen]
    if amp:
        dtype = compute_type(device)
        for tower in towers:
            tower.compute_dtype = dtype
        if model.backbone not in towers:
            under_autocast(model.backbone, dtype)
        said.append(f'backbone and text tower in {str(dtype).removeprefix("torch.")}, all else in '
                    'float32')
    if compile:
        found = [tower for tower in towers if isinstance(tower, CLIPImageTower)]
        for tower in found:
            tower.compiled = True
        said.append('image tower compiled' if found else 'no frozen image tower to compile')
    for module in model.modules():  # texts of another type
        for value in vars(module).values():
            if isinstance(value, EvalCache):
                value.forget()
    return '; '.join(said)


@HOOKS.register_module()
class PrecisionHook(Hook):
    """:func:`set_precision` with the ``precision`` of the config, before a run begins.

    ``--amp`` and ``--compile`` set ``precision.amp`` and ``precision.compile``;
    ``--cfg-options precision.tf32=False`` switches TF32 off.
    """
    priority = 'VERY_HIGH'

    def before_run(self, runner):
        said = set_precision(unwrap(runner.model), **runner.cfg.get('precision', {}))
        if said:
            print_log(f'precision: {said}', 'current')
