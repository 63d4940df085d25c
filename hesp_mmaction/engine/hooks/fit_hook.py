"""Statistics of the training features that a head's score needs."""
import torch
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.logging import print_log

from .open_set_hook import unwrap
from .threshold_hook import plain_training_loader


@HOOKS.register_module()
class FitHook(Hook):
    """After the last epoch: ``model.cls_head.fit``, for heads that have it.

    ``fit(batches)`` may call ``batches()`` as often as it likes; each call iterates over the known
    training samples of this process, through the test pipeline: outputs of the head and labels.
    What it fits are buffers, hence in the checkpoint of that epoch.
    """
    priority = 'NORMAL'  # before ThresholdHook, which the runner is given after it

    def after_train_epoch(self, runner):
        model = unwrap(runner.model)
        if runner.epoch + 1 != runner.max_epochs or not hasattr(model.cls_head, 'fit'):
            return
        loader = plain_training_loader(runner.cfg)

        def batches():
            for batch in loader:
                data = model.data_preprocessor(batch, False)
                samples = data['data_samples']
                feats, kwargs = model.extract_feat(data['inputs'], data_samples=samples,
                                                   test_mode=True)
                labels = torch.cat([sample.gt_label for sample in samples])
                outputs = model.cls_head(model.cls_head.pool(feats, len(samples)), **kwargs)
                yield outputs, labels.to(outputs['logits'].device)

        model.eval()
        with torch.no_grad():
            model.cls_head.fit(batches)
        model.train()
        print_log('fitted the score of the head on the known training samples', 'current')
