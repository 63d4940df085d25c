"""Fits the threshold below which a sample is called unknown."""
import copy

import numpy as np
import torch
from mmaction.registry import HOOKS
from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from ...evaluation.ranking import fit_threshold
from .open_set_hook import unwrap


def plain_training_loader(cfg):
    """The known training samples through the test pipeline, each once, in order."""
    loader = copy.deepcopy(cfg.train_dataloader)
    loader.pop('batch_sampler', None)
    loader.persistent_workers = False
    loader.sampler = dict(type='DefaultSampler', shuffle=False)
    loader.dataset.pipeline = cfg.test_dataloader.dataset.pipeline
    loader.dataset.test_mode = True
    return Runner.build_dataloader(loader, seed=0)


@HOOKS.register_module()
class ThresholdHook(Hook):
    """After the last epoch: the threshold that keeps a share of the known training samples.

    The samples pass through the test pipeline. The threshold goes into the head, hence into the
    checkpoint of that epoch. No test sample takes part.

    Args:
        tpr (float): share of the known samples that stay known.
    """
    priority = 'NORMAL'  # before CheckpointHook saves the epoch

    def __init__(self, tpr=0.95):
        self.tpr = tpr

    def after_train_epoch(self, runner):
        if runner.epoch + 1 != runner.max_epochs:
            return
        loader = plain_training_loader(runner.cfg)
        model = unwrap(runner.model)
        model.eval()
        scores = {}
        with torch.no_grad():
            for batch in loader:
                for sample in model.test_step(batch):
                    scores[sample.sample_id] = float(sample.pred_knownness)
        for part in all_gather_object(scores):
            scores.update(part)
        threshold = fit_threshold(np.array([scores[key] for key in sorted(scores)]), self.tpr)
        model.cls_head.threshold.fill_(threshold)
        model.train()
        print_log(f'threshold {threshold:.6g} keeps {self.tpr:.0%} of {len(scores)} known '
                  'training samples', 'current')
