"""A training loop that can go on in the middle of an epoch, and has workers load ahead of it."""
import signal
from itertools import islice

from mmengine.registry import LOOPS
from mmengine.runner import EpochBasedTrainLoop

from .hooks.open_set_hook import tell
from .lasting_workers import outlast_sigterm
from .portion_loader import in_portions


@LOOPS.register_module()
class ResumableTrainLoop(EpochBasedTrainLoop):
    """mmengine's loop over epochs. It leaves out the first ``skip`` batches of its first epoch.

    ``PreemptionHook`` sets ``skip`` when it resumes a run that was stopped within an epoch,
    and ``evaluate_first`` for one that was stopped between an epoch and its evaluation. A
    run that was stopped after its last checkpoint was saved is evaluated when it is resumed.

    Two or more workers share every batch (``portion_loader``). Persistent ones are given the
    first batches of the next epoch before the last step of an epoch, so that they load during that
    step, the hooks and the evaluation. Samples and batches are the same.

    Args:
        *args (Any): see mmengine's ``EpochBasedTrainLoop``.
        **kwargs (Any): see mmengine's ``EpochBasedTrainLoop``.
    """
    skip = 0
    evaluate_first = False
    _begun = None, None  # a loader and the iterator over its next epoch

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.dataloader = in_portions(outlast_sigterm(self.dataloader))

    def run(self):
        due = self._epoch >= self.val_begin and self._epoch % self.val_interval == 0
        if self.runner.val_loop is not None:
            outlast_sigterm(self.runner.val_loop.dataloader)
        if (self.runner.val_loop is not None
                and (self._epoch >= self._max_epochs or (self.evaluate_first and due))):
            self.runner.val_loop.run()
        before = signal.getsignal(signal.SIGTERM)
        try:
            return super().run()
        finally:  # no handler of the hook remains after an error
            self._begun = None, None
            if signal.getsignal(signal.SIGTERM) is not before:
                signal.signal(signal.SIGTERM, before)

    def run_epoch(self):
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        for idx, data_batch in islice(enumerate(self._batches()), self.skip, None):
            self.run_iter(idx, data_batch)
        self.skip = 0
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1

    def _batches(self):
        """The batches of this epoch; with the last one the next epoch begins for the workers."""
        loader, begun = self.dataloader, self._begun
        self._begun = None, None
        # A hook may have put another loader in the place of the one whose epoch has begun.
        batches = begun[1] if begun[0] is loader else iter(loader)
        last = len(loader) - 1 if self._can_begin(loader) else None
        for idx, batch in enumerate(batches):
            if idx == last:  # workers have nothing to do, so no sample of this epoch sees the next
                _sampler(loader).set_epoch(self._epoch + 1)
                tell(loader.dataset, epoch=self._epoch + 1)
                self._begun = loader, iter(loader)
            yield batch
            if idx == last:
                return  # one iterator serves all epochs of persistent workers

    def _can_begin(self, loader):
        """Whether there is another epoch, and workers that live on and can be told of it."""
        return (loader.num_workers > 0 and loader.persistent_workers
                and self._epoch + 1 < self._max_epochs and hasattr(_sampler(loader), 'set_epoch'))


def _sampler(loader):
    """The sampler that mmengine's ``DistSamplerSeedHook`` tells the epoch."""
    direct = hasattr(loader.sampler, 'set_epoch')
    return loader.sampler if direct else getattr(loader.batch_sampler, 'sampler', None)
