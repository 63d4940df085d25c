"""Fits the threshold below which a sample is called unknown, and the temperature."""
import logging
import os
from itertools import chain

import numpy as np
import torch
from mmaction.registry import HOOKS
from mmengine.dist import all_gather_object, is_main_process
from mmengine.hooks import Hook
from mmengine.logging import print_log

from ...evaluation.calibration import fit_temperature
from ...evaluation.dumps import dump_of_rows, dump_row, save_dump
from ...evaluation.ranking import fit_threshold
from .averaged import saved_weights
from .common import plain_training_loader


@HOOKS.register_module()
class ThresholdHook(Hook):
    """After the last epoch, fits the threshold that keeps a share of the known training samples.

    The samples pass through the test pipeline, with the weights that the checkpoint is used with
    (those of EMAHook, if there is one). The threshold is stored in the head and so in
    the checkpoint of that epoch, and so is the temperature of ``fit_temperature``. A head whose
    score is fitted on these samples is fitted first (``OpenSetHead.fit_scores``); threshold and
    temperature are then those of samples that took no part in the fit. No test sample takes part.
    What the model returns for the samples is written to ``train_features.npz``, like the raw
    material of a test run, for the scores that are fitted on training features.

    Args:
        tpr (float): share of the known samples that stay known, in (0, 1].
    """
    priority = 'NORMAL'  # before CheckpointHook saves the epoch

    def __init__(self, tpr=0.95):
        self.tpr = tpr

    def after_train_epoch(self, runner):
        if runner.epoch + 1 != runner.max_epochs:
            return
        with saved_weights(runner) as model:
            self._fit(runner, model)

    def _fit(self, runner, model):
        loader = plain_training_loader(runner.cfg)
        model.eval()
        rows = []
        with torch.no_grad():
            for batch in loader:
                rows += [dump_row(sample.to_dict()) for sample in model.test_step(batch)]
        rows = list(chain.from_iterable(all_gather_object(rows)))
        dump = dump_of_rows(rows, model.cls_head.known)
        wrong = int((~np.isfinite(dump['score'])).sum())
        threshold, temperature = float('nan'), 1.0
        if not wrong:
            dump |= model.cls_head.fit_scores(dump)
            threshold = fit_threshold(dump['score'], self.tpr)
            temperature = fit_temperature(dump['logits'], dump['label'])
        model.cls_head.threshold.fill_(threshold)
        model.cls_head.temperature.fill_(temperature)
        model.train()
        if is_main_process():
            dump['threshold'] = threshold
            dump.pop('pred_emotion')  # was said without the threshold
            save_dump(dump, os.path.join(runner.work_dir, 'train_features.npz'))
        if wrong:  # no error: the checkpoint of this epoch is not saved yet
            print_log(f'no threshold: the scores of {wrong} of {len(dump["score"])} known training '
                      'samples are NaN or infinite (train_features.npz has all), so nothing will '
                      'be called unknown; the checkpoint is saved', 'current', logging.WARNING)
            return
        print_log(f'threshold {threshold:.6g} keeps {self.tpr:.0%} of {len(dump["score"])} known '
                  f'training samples; temperature {temperature:.4g}', 'current')
