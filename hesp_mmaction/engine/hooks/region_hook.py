"""Decides the one window that all videos share."""
import torch
from mmaction.registry import HOOKS
from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.logging import print_log

from ...models.prompts.region import largest_window
from .common import plain_training_loader, unwrap


@HOOKS.register_module()
class RegionHook(Hook):
    """Chooses the window of the summed activation maps before training, for ``region='dataset'``.

    The maps are those of the first frames of the known training clips, each scaled to sum to one,
    so that every clip counts alike. A window that was loaded from a checkpoint is kept.
    """
    priority = 'NORMAL'

    def before_train(self, runner):
        model = unwrap(runner.model)
        prompt = getattr(model, 'visual_prompt', None)
        if prompt is None or prompt.region != 'dataset' or prompt.window[0] >= 0:
            return
        maps = {}
        model.eval()
        for batch in plain_training_loader(runner.cfg):
            data = model.data_preprocessor(batch, False)
            found = model.activation_map(data['inputs'][:, 0] / 255).double().cpu()
            found = found / found.sum((1, 2), keepdim=True).clamp_min(1e-12)
            maps.update(zip((s.sample_id for s in data['data_samples']), found, strict=True))
        for part in all_gather_object(maps):
            maps.update(part)
        total = torch.stack([maps[key] for key in sorted(maps)]).sum(0, keepdim=True)
        window = largest_window(total, prompt.image_size, prompt.size)[0]
        prompt.window.copy_(window)
        model.train()
        print_log(f'one region for all clips: top {window[0]}, left {window[1]}, '
                  f'{prompt.size} x {prompt.size} pixels', 'current')
