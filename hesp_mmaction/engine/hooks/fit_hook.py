"""Fits the statistics of the training features that a head's score needs."""
import torch
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.logging import print_log

from ...models.labels import labels_of
from .averaged import saved_weights
from .common import plain_training_loader, unwrap


@HOOKS.register_module()
class FitHook(Hook):
    """Calls ``model.cls_head.fit`` after the last epoch, for heads that have it.

    ``fit(batches)`` may call ``batches()`` as often as it likes; each call iterates over the known
    training samples of this process, through the test pipeline, and yields outputs of the head and
    labels.
    What it fits are buffers, so they are in the checkpoint of that epoch. It is fitted with the
    weights that the checkpoint is used with (those of EMAHook, if there is one).
    """
    priority = 'NORMAL'  # before ThresholdHook, which the runner is given after it

    def after_train_epoch(self, runner):
        if (runner.epoch + 1 != runner.max_epochs
                or not hasattr(unwrap(runner.model).cls_head, 'fit')):
            return
        with saved_weights(runner) as model:
            self._fit(runner, model)
        print_log('fitted the score of the head on the known training samples', 'current')

    @staticmethod
    def _fit(runner, model):
        loader = plain_training_loader(runner.cfg)

        def batches():
            for batch in loader:
                data = model.data_preprocessor(batch, False)
                samples = data['data_samples']
                feats, kwargs = model.extract_feat(data['inputs'], data_samples=samples,
                                                   test_mode=True)
                outputs = model.cls_head(model.cls_head.pool(feats, len(samples)), **kwargs)
                yield outputs, labels_of(samples, outputs['logits'].device)

        model.eval()
        with torch.no_grad():
            model.cls_head.fit(batches)
        model.train()
