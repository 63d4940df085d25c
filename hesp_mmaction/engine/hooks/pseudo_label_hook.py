"""Labels the test set with the model, and trains a new one on that (Open-set FER, AAAI 2024)."""
import copy

import torch
from mmaction.registry import HOOKS
from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from ...datasets.wrappers import leaf_configs, pipeline_of
from ...models.norms import running_statistics
from ..lasting_workers import outlast_sigterm
from ..portion_loader import in_portions
from .averaged import ema_hooks, saved_weights
from .common import tell, unwrap


@HOOKS.register_module()
class PseudoLabelHook(Hook):
    """Two trainings in one run, for ``PseudoLabelHead``.

    The first ``share`` of the epochs are an ordinary training on the known emotions. Then the
    model names the emotion of every test sample, its weights (with running statistics and the loss
    scale of mixed precision) go back to where they started, and the remaining epochs train it on
    the test samples with these names: **transductive**. No label of the test set is looked at. The
    names are in the checkpoint.

    Args:
        share (float): share of the epochs for the first training, in (0, 1).
    """
    priority = 'HIGH'

    def __init__(self, share=0.5):
        self.share, self.start, self.start_scale, self.switched = share, None, None, False

    def before_train(self, runner):
        if self.start is None and not self.switched:
            self.start = learned(runner, to='cpu')
            self.start_scale = scale_state(runner)
        if self.switched:  # resumed
            self._use_test_samples(runner)

    def before_train_epoch(self, runner):
        if self.switched or runner.epoch < max(1, round(self.share * runner.max_epochs)):
            return
        self.switched = True
        head = unwrap(runner.model).cls_head
        head.pseudo_labels = self._predict(runner)
        counts = [list(head.pseudo_labels.values()).count(k) for k in range(len(head.known))]
        print_log('transductive from here on: pseudo labels for the test samples: ' + ', '.join(
            f'{name} {n}' for name, n in zip(head.known, counts, strict=True)), 'current')
        for name, value in learned(runner).items():
            if name in self.start:  # older checkpoints have no running statistics
                value.copy_(self.start[name])
        if self.start_scale:
            runner.optim_wrapper.loss_scaler.load_state_dict(self.start_scale)
        self.start = self.start_scale = None
        runner.optim_wrapper.optimizer.state.clear()
        for hook in ema_hooks(runner):  # its mean begins anew with the next step
            hook.ema_model.steps.zero_()
        self._use_test_samples(runner)

    @staticmethod
    def _predict(runner):
        with saved_weights(runner) as model:
            return PseudoLabelHook._labels(runner, model)

    @staticmethod
    def _labels(runner, model):
        loader = Runner.build_dataloader(copy.deepcopy(runner.cfg.test_dataloader), seed=0)
        model.eval()
        pairs = []
        with torch.no_grad():
            for batch in loader:
                pairs += [(sample.sample_id, int(sample.pred_label))
                          for sample in model.test_step(batch)]
        model.train()
        return {name: label for part in all_gather_object(pairs) for name, label in part}

    @staticmethod
    def _use_test_samples(runner):
        cfg = copy.deepcopy(runner.cfg.train_dataloader)
        pipeline = pipeline_of(cfg.dataset)
        cfg.dataset = copy.deepcopy(runner.cfg.test_dataloader.dataset)
        for dataset in leaf_configs(cfg.dataset):
            dataset.update(pipeline=pipeline, test_mode=False)
        loop = runner.train_loop
        loader = outlast_sigterm(Runner.build_dataloader(cfg, seed=runner.seed))
        loop.dataloader = in_portions(loader)
        # OpenSetHook has told the other data set which epoch begins, before this hook's turn.
        tell(loop.dataloader.dataset, seed=runner.seed, epoch=runner.epoch)
        loop._max_iters = loop._iter + (loop.max_epochs - loop._epoch) * len(loop.dataloader)

    def before_save_checkpoint(self, runner, checkpoint):
        head = unwrap(runner.model).cls_head
        checkpoint['pseudo_labels'] = dict(labels=head.pseudo_labels, start=self.start,
                                           start_scale=self.start_scale)

    def after_load_checkpoint(self, runner, checkpoint):
        saved = checkpoint.get('pseudo_labels')
        if saved is not None:
            unwrap(runner.model).cls_head.pseudo_labels = saved['labels']
            self.start, self.switched = saved['start'], bool(saved['labels'])
            self.start_scale = saved.get('start_scale')


def learned(runner, to=None):
    """What a training changes: trainable parameters and running statistics.

    Args:
        runner (Runner): the runner of the training.
        to (str, optional): device of a copy. Defaults to None: the tensors themselves.

    Returns:
        dict[str, Tensor]: name to tensor, without gradient.
    """
    model = unwrap(runner.model)
    found = {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}
    found |= running_statistics(model)
    return found if to is None else {name: p.to(to, copy=True) for name, p in found.items()}


def scale_state(runner):
    """Read the state of the loss scaler of mixed precision.

    Args:
        runner (mmengine.runner.Runner): the runner.

    Returns:
        dict | None: the state. None if there is no loss scaler.
    """
    scaler = getattr(runner.optim_wrapper, 'loss_scaler', None)
    return scaler.state_dict() if scaler is not None else None
