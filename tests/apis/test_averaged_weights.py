"""Runs with mmengine's EMAHook: what is fitted, saved, evaluated and tested are the same weights."""
import signal

import numpy as np
import pytest
import torch
from mmaction.registry import HOOKS, MODELS
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from test_interruptions import AskToStop
from test_tools import config, metrics, run

from hesp_mmaction.compat import load_from_local
from hesp_mmaction.engine.hooks.threshold_hook import plain_training_loader
from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation import load_dump

EMA = dict(type='EMAHook', ema_type='ExponentialMovingAverage', momentum=0.05)
KINDS = dict(
    ema=EMA, buffers=dict(EMA, update_buffers=True),
    annealed=dict(type='EMAHook', ema_type='MomentumAnnealingEMA', gamma=2),
    swa=dict(type='EMAHook', ema_type='StochasticWeightAverage', interval=2, begin_epoch=2))


def configured(options, folder, hook, stop=None, **more):
    """Three epochs of two steps, with few enough samples kept that some are unknown."""
    cfg = config(options, folder, '--deterministic', **{
        'train_cfg.max_epochs': 3, 'train_dataloader.batch_size': 3, **more})
    for each in cfg.custom_hooks:
        if each['type'] == 'ThresholdHook':
            each['tpr'] = 0.3
    cfg.custom_hooks.append(dict(hook))
    if stop is not None:
        cfg.custom_hooks.append(dict(type='AskToStop', step=stop))
    cfg.experiment_name += str(stop)
    return cfg


def train(*arguments, resume=False, **more):
    cfg = configured(*arguments, **more)
    cfg.resume = resume
    run(cfg, lambda runner: runner.train())
    return cfg


def test_of(cfg, checkpoint, folder):
    cfg = cfg.copy()
    cfg.resume, cfg.load_from, cfg.work_dir = False, str(checkpoint), str(folder)
    cfg.experiment_name = f'{cfg.experiment_name}_test'
    run(cfg, lambda runner: runner.test())
    return metrics(folder)


test_of.__test__ = False


def same_figures(trained, tested):
    assert np.isfinite(tested['threshold'])
    for key, value in tested.items():
        assert trained[key] == value, key


@pytest.mark.parametrize('kind', [
    'ema', 'swa', *(pytest.param(kind, marks=pytest.mark.slow) for kind in ('buffers', 'annealed'))])
def test_figures_of_a_test_are_those_of_the_training(options, tmp_path, kind):
    cfg = train(options, tmp_path / 'run', KINDS[kind])
    tested = test_of(cfg, tmp_path / 'run/epoch_3.pth', tmp_path / 'test')
    same_figures(metrics(tmp_path / 'run'), tested)
    dumps = [load_dump(tmp_path / name / 'predictions.npz') for name in ('run', 'test')]
    for key in ('logits', 'pred_emotion', 'feature', 'threshold'):
        assert np.array_equal(dumps[0][key], dumps[1][key]), key
    assert (dumps[1]['pred_emotion'] == 'unknown').any()


def test_the_threshold_is_of_the_averaged_weights(options, tmp_path):
    """By a fresh model with the checkpoint's weights, its scores sorted here."""
    cfg = train(options, tmp_path, EMA)
    saved = load_from_local(tmp_path / 'epoch_3.pth', 'cpu')
    init_default_scope('mmaction')
    model = MODELS.build(cfg.model).eval()
    model.load_state_dict(saved['state_dict'])
    with torch.no_grad():
        scores = np.sort([float(sample.pred_knownness) for batch in plain_training_loader(cfg)
                          for sample in model.test_step(batch)])
    assert len(scores) == 6
    threshold = float(saved['state_dict']['cls_head.threshold'])
    assert threshold == scores[4] == saved['hesp']['threshold']  # two of six are 30 % or more
    assert saved['state_dict']['cls_head.temperature'] != 1
    for name in ('cls_head.threshold', 'cls_head.temperature'):
        assert torch.equal(saved['ema_state_dict'][f'module.{name}'], saved['state_dict'][name])
    contexts = 'cls_head.prompts.contexts'
    assert not torch.equal(saved['ema_state_dict'][f'module.{contexts}'],
                           saved['state_dict'][contexts])


@pytest.mark.slow
def test_fitted_statistics_are_of_the_averaged_weights_too(options, tmp_path):
    """CSSR's score is fitted before the threshold is."""
    clip = dict(arch=options['clip.arch'], pretrained=options['clip.pretrained'])
    cfg = configured(options, tmp_path / 'run', EMA)
    cfg.model.update(
        backbone=dict(type='CLIPImageTower', dense=True, **clip), pool=False,
        neck=dict(type='KeepPlaces'), cls_head=dict(type='CSSRHead', in_channels=12),
        visual_prompt=None, negatives=None)
    cfg.optim_wrapper.paramwise_cfg = None
    run(cfg, lambda runner: runner.train())
    same_figures(metrics(tmp_path / 'run'),
                 test_of(cfg, tmp_path / 'run/epoch_3.pth', tmp_path / 'test'))
    state = load_from_local(tmp_path / 'run/epoch_3.pth', 'cpu')['state_dict']
    assert not state['cls_head.terms_mean'].isnan().any()


@pytest.mark.slow
@pytest.mark.parametrize('step', [3, 4])
def test_a_run_that_was_stopped_ends_with_the_same_averages(options, tmp_path, monkeypatch, step):
    monkeypatch.setitem(HOOKS.module_dict, 'AskToStop', AskToStop)
    train(options, tmp_path / 'straight', EMA)
    with pytest.raises(SystemExit) as ended:
        train(options, tmp_path / 'stopped', EMA, stop=step)
    assert ended.value.code == 128 + signal.SIGTERM
    train(options, tmp_path / 'stopped', EMA, resume=True)
    assert metrics(tmp_path / 'stopped') == metrics(tmp_path / 'straight')
    ours, theirs = (load_from_local(tmp_path / name / 'epoch_3.pth', 'cpu')
                    for name in ('stopped', 'straight'))
    for part in ('state_dict', 'ema_state_dict'):
        assert set(ours[part]) == set(theirs[part])
        for name, value in theirs[part].items():
            assert torch.equal(ours[part][name], value), name


def test_two_averages_of_one_training_are_refused(options, tmp_path):
    cfg = configured(options, tmp_path, EMA)
    cfg.custom_hooks.append(dict(type='WeightPatchHook'))
    with pytest.raises(InputError, match='EMAHook and WeightPatchHook both average'):
        Runner.from_cfg(cfg).call_hook('before_train')
