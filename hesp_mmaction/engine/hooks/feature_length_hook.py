"""Reports the length of video features; warns if defaults were made for another length."""
import logging

import torch
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.logging import print_log

from ...models.heads import ARPLHead, HESPHead
from .common import unwrap

OPENAI = 10.0  # L2 length of a video feature of OpenAI's CLIP; of other CLIPs 1 to 160 was seen
FACTOR = 3.0


def expected_length(model):
    """The length of features that the settings of a model were made for.

    Args:
        model (nn.Module): a recognizer.

    Returns:
        float | None: the length, or None if it has no effect, for example if all logits are
        cosines.
    """
    head = model.cls_head
    if isinstance(head, HESPHead) and getattr(model, 'negatives', None) is not None:
        if head.feature_length > 0:  # it brings them to one length itself
            return None
        power = 1 if head.negative_kind == 'euclidean' else 2
        return OPENAI / head.negative_scale ** (1 / power) if head.negative_scale > 0 else None
    return OPENAI if isinstance(head, ARPLHead) else None


def remedy(head):
    """Say what to set if the features of a head have another length.

    Args:
        head (nn.Module): the head of the recognizer.

    Returns:
        str: a part of a sentence.
    """
    if isinstance(head, HESPHead):
        return f'set model.cls_head.feature_length={OPENAI:g}'
    return 'a smaller optim_wrapper.optimizer.lr, or a head that does not depend on the length'


@HOOKS.register_module()
class FeatureLengthHook(Hook):
    """Reports the mean L2 length of the first batch's video features, as the head receives them.

    Distances grow with this length, cosines do not. By default HESP scales features to one length
    itself, because negative logits that are too large dominate the known ones or become NaN.
    """
    _length = None

    def before_train(self, runner):
        neck = getattr(unwrap(runner.model), 'neck', None)
        if not isinstance(neck, torch.nn.Module):  # some of MMAction2's recognizers have none
            return

        def measure(module, inputs, output):
            features = output[0] if isinstance(output, tuple) else output
            if features.ndim == 2:
                self._length = float(features.detach().float().norm(dim=1).mean())
            handle.remove()
        handle = neck.register_forward_hook(measure)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if self._length is None:
            return
        length, self._length, model = self._length, None, unwrap(runner.model)
        print_log(f'mean length of the video features of the first batch: {length:.4g}', 'current')
        made_for = expected_length(model)
        if made_for and not made_for / FACTOR < length < made_for * FACTOR:
            print_log(f'features are {length:.4g} long and the settings of '
                      f'{type(model.cls_head).__name__} were made for {made_for:.4g}: '
                      f'{remedy(model.cls_head)}', 'current', logging.WARNING)
