"""A training loop that can go on in the middle of an epoch."""
import signal
from itertools import islice

from mmengine.registry import LOOPS
from mmengine.runner import EpochBasedTrainLoop


@LOOPS.register_module()
class ResumableTrainLoop(EpochBasedTrainLoop):
    """mmengine's loop over epochs; of the first epoch ``skip`` batches are left out.

    :class:`PreemptionHook` sets ``skip`` when it resumes a run that was stopped within an epoch,
    and ``evaluate_first`` for one that was stopped between an epoch and its evaluation. A
    run that was stopped after its last checkpoint was saved is evaluated when it is resumed.
    """
    skip = 0
    evaluate_first = False

    def run(self):
        due = self._epoch >= self.val_begin and self._epoch % self.val_interval == 0
        if (self.runner.val_loop is not None
                and (self._epoch >= self._max_epochs or (self.evaluate_first and due))):
            self.runner.val_loop.run()
        before = signal.getsignal(signal.SIGTERM)
        try:
            return super().run()
        finally:  # a run that ends by an error leaves no handler of the hook behind
            if signal.getsignal(signal.SIGTERM) is not before:
                signal.signal(signal.SIGTERM, before)

    def run_epoch(self):
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        for idx, data_batch in islice(enumerate(self.dataloader), self.skip, None):
            self.run_iter(idx, data_batch)
        self.skip = 0
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1
