"""Runs with EMAHook: what is fitted, saved, evaluated and tested are the same weights."""
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.registry import HOOKS, MODELS
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from test_interruptions import AskToStop
from test_tools import ROOT, WITHOUT_GPUS, command, config, metrics, run

from hesp_mmaction.compat.mends import load_from_local
from hesp_mmaction.engine.hooks.common import plain_training_loader
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
    return cfg


def train(*arguments, resume=False, **more):
    cfg = configured(*arguments, **more)
    cfg.resume = resume
    run(cfg, lambda runner: runner.train())
    return cfg


def test_of(cfg, checkpoint, folder):
    cfg = cfg.copy()
    cfg.resume, cfg.load_from, cfg.work_dir = False, str(checkpoint), str(folder)
    run(cfg, lambda runner: runner.test())
    return metrics(folder)


test_of.__test__ = False


def same_figures(trained, tested):
    assert np.isfinite(tested['threshold'])
    for key, value in tested.items():
        assert trained[key] == value, key


@pytest.mark.ci
@pytest.mark.parametrize('kind', [
    'ema', pytest.param('swa', marks=pytest.mark.ci),
    pytest.param('buffers', marks=pytest.mark.slow),
    pytest.param('annealed', marks=pytest.mark.slow)])
def test_figures_of_a_test_are_those_of_the_training(options, tmp_path, kind):
    cfg = train(options, tmp_path / 'run', KINDS[kind])
    tested = test_of(cfg, tmp_path / 'run/epoch_3.pth', tmp_path / 'test')
    same_figures(metrics(tmp_path / 'run'), tested)
    dumps = [load_dump(tmp_path / name / 'predictions.npz') for name in ('run', 'test')]
    for key in ('logits', 'pred_emotion', 'feature', 'threshold'):
        assert np.array_equal(dumps[0][key], dumps[1][key]), key
    assert (dumps[1]['pred_emotion'] == 'unknown').any()


@pytest.mark.ci
def test_the_threshold_is_of_the_averaged_weights(options, tmp_path):
    """By a fresh model with the checkpoint's weights, its scores sorted here.

    The own score, which is that of a new clip also for a clip of the training.
    """
    cfg = train(options | {'model.cls_head.score_kind': 'centred'}, tmp_path, EMA)
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
    for name in ('cls_head.threshold', 'cls_head.temperature', 'cls_head.joint.means',
                 'cls_head.joint.precision', 'cls_head.joint.centres'):
        assert torch.equal(saved['ema_state_dict'][f'module.{name}'], saved['state_dict'][name])
    contexts = 'cls_head.prompts.contexts'
    assert not torch.equal(saved['ema_state_dict'][f'module.{contexts}'],
                           saved['state_dict'][contexts])


@pytest.mark.slow
def test_fitted_statistics_are_of_the_averaged_weights_too(options, tmp_path):
    """CSSR's score is fitted before the threshold is."""
    clip = dict(arch=options['clip.arch'], pretrained=options['clip.pretrained'])
    cfg = configured(options, tmp_path / 'run', EMA)
    cfg.model.backbone = dict(type='CLIPImageTower', dense=True, **clip)
    cfg.model.neck, cfg.model.pool = dict(type='KeepPlaces'), False
    cfg.model.cls_head = dict(type='CSSRHead', in_channels=12)
    cfg.model.visual_prompt = cfg.model.negatives = None
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


BALANCED = """
_base_ = {base!r}
model = dict(backbone=dict(depth=18), cls_head=dict(in_channels=512))
train_dataloader = dict(dataset=dict(
    _delete_=True, type='ClassBalancedDataset', oversample_thr=1.0,
    dataset=_base_.train_dataloader.dataset))
custom_hooks = [*_base_.custom_hooks, dict(type='EMAHook', momentum=0.05)]
[each for each in custom_hooks if each['type'] == 'ThresholdHook'][0]['tpr'] = 0.3
"""


@pytest.mark.slow
@pytest.mark.parametrize('how', [signal.SIGTERM, signal.SIGKILL])
def test_two_processes_with_batch_norms_balanced_averaged_stopped_and_resumed(
        options, tmp_path, how):
    """With the tools, a ResNet that trains, each class of two clips twice an epoch."""
    config_file = tmp_path / 'balanced.py'
    config_file.write_text(BALANCED.format(base=str(ROOT / 'configs/hesp_tsn_r50_afew_o34.py')))
    options = options | {'train_cfg.max_epochs': 12, 'env_cfg.dist_cfg.backend': 'gloo',
                         'train_dataloader.batch_size': 2, 'optim_wrapper.optimizer.lr': 0.01}

    def start(tool, folder, *flags):
        words = [sys.executable, '-m', 'torch.distributed.run', '--nproc_per_node=2',
                 '--standalone', f'tools/{tool}.py', str(config_file), *flags, '--launcher',
                 'pytorch', '--work-dir', str(tmp_path / folder), *command(options)]
        return subprocess.Popen(words, cwd=ROOT, text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, env=WITHOUT_GPUS)

    def done(process):
        said, _ = process.communicate()
        assert process.returncode == 0, said[-3000:]
        return said
    said = done(start('train', 'straight', '--deterministic'))
    assert re.search(r'Epoch\(train\) +\[12\]\[3/3\]', said)  # 12 samples, not 6
    stopped = start('train', 'stopped', '--deterministic')
    while not (tmp_path / 'stopped/epoch_3.pth').exists():
        assert stopped.poll() is None, stopped.stdout.read()[-3000:]
        time.sleep(0.02)
    children = Path(f'/proc/{stopped.pid}/task/{stopped.pid}/children').read_text().split()
    stopped.send_signal(how)  # torchrun passes SIGTERM on
    for child in children if how == signal.SIGKILL else ():
        os.kill(int(child), how)
    stopped.communicate()
    assert not (tmp_path / 'stopped/epoch_12.pth').exists()
    done(start('train', 'stopped', '--deterministic', '--resume'))
    assert metrics(tmp_path / 'stopped') == metrics(tmp_path / 'straight')
    for folder in ('straight', 'stopped'):
        done(start('test', f'{folder}_tested', str(tmp_path / folder / 'epoch_12.pth')))
        same_figures(metrics(tmp_path / folder), metrics(tmp_path / f'{folder}_tested'))
        said = load_dump(tmp_path / f'{folder}_tested' / 'predictions.npz')['pred_emotion']
        assert (said == 'unknown').any()
    saved = load_from_local(tmp_path / 'straight/epoch_12.pth', 'cpu')
    assert any('running_var' in name for name in saved['state_dict'])
