"""What TensorBoard and Weights & Biases get to see, read back from their own files."""
import io
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from hesp_mmaction.apis.running import parser, read_config, run
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.engine import CurvesHook
from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation import OpenSetMetric

CONFIG = str(Path(__file__).parents[2] / 'configs/hesp_afew_o34.py')
CURVES = {'roc', 'oscr', 'scores'}


def config(options, work_dir, **more):
    args = parser('').parse_args([CONFIG, '--work-dir', str(work_dir)])
    args.cfg_options = options | more
    cfg = read_config(args)
    return cfg


def events(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    file, = folder.rglob('events.out.tfevents*')
    found = EventAccumulator(str(file), dict(scalars=0, images=0))
    found.Reload()
    return found


@pytest.mark.ci
def test_tensorboard_shows_curves_and_figures_of_training_and_test(tiny_options, tmp_path):
    pytest.importorskip('tensorboard')
    backends = dict(vis_backends=['LocalVisBackend', 'TensorboardVisBackend'])
    cfg = config(tiny_options, tmp_path / 'train', **backends,
                 **{'train_cfg.max_epochs': 2, 'train_cfg.val_interval': 1})
    run(cfg, lambda runner: runner.train())
    metrics = json.loads((tmp_path / 'train/metrics.json').read_text())
    found = events(tmp_path / 'train')
    assert set(found.Tags()['images']) == {f'val/{name}' for name in CURVES}
    for name in CURVES:
        shown = found.Images(f'val/{name}')
        assert [event.step for event in shown] == [1, 2]
        picture = np.asarray(Image.open(io.BytesIO(shown[-1].encoded_image_string)))
        assert picture.shape[2] == 3 and min(picture.shape[:2]) > 300
        assert (picture[-1, :5] == 255).all() and picture.min() < 50  # dark ink on white
    assert [event.step for event in found.Scalars('loss')]
    for name in ('AUROC', 'OSCR'):
        assert found.Scalars(name)[-1].value == pytest.approx(metrics[name], rel=1e-6)

    cfg = config(tiny_options, tmp_path / 'test', **backends)
    cfg.load_from = str(tmp_path / 'train/epoch_2.pth')
    run(cfg, lambda runner: runner.test())
    found = events(tmp_path / 'test')
    assert set(found.Tags()['images']) == {f'test/{name}' for name in CURVES}
    for name in ('AUROC', 'OSCR', 'ACC'):
        assert found.Scalars(f'test/{name}')[0].value == pytest.approx(metrics[name], rel=1e-6)


@pytest.mark.slow  # starts a service of its own
def test_wandb_without_network(tiny_options, tmp_path, monkeypatch):
    pytest.importorskip('wandb')
    monkeypatch.setenv('WANDB_MODE', 'offline')
    cfg = config(tiny_options, tmp_path, vis_backends='WandbVisBackend')
    run(cfg, lambda runner: runner.train())
    pictures = [path for path in tmp_path.rglob('files/media/images/val/*.png')]
    assert {path.name.split('_')[0] for path in pictures} == CURVES
    assert all(min(Image.open(path).size) > 300 for path in pictures)
    record, = tmp_path.rglob('*.wandb')
    assert b'OSCR' in record.read_bytes()


def test_nothing_is_drawn_for_the_local_backend_alone(tiny_options, tmp_path, monkeypatch):
    monkeypatch.setattr('hesp_mmaction.engine.hooks.curves_hook.draw_roc', None)
    run(config(tiny_options, tmp_path), lambda runner: runner.test())
    assert (tmp_path / 'metrics.json').exists() and not list(tmp_path.rglob('*.png'))


def test_curves_need_no_file(tmp_path):
    """The hook draws what the metric holds, where nothing was written."""
    rng = np.random.default_rng(0)
    metric, shown = OpenSetMetric(), []
    metric.last_dump = dict(score=rng.normal(size=20), label=np.arange(20) % 4 - 1,
                            pred=np.arange(20) % 3, emotion=np.array(['x'] * 20),
                            classes=np.array(['a', 'b', 'c']))
    visualizer = SimpleNamespace(_vis_backends=dict(other=None), add_scalars=lambda values: None,
                                 add_image=lambda name, picture, step: shown.append(name))
    runner = SimpleNamespace(visualizer=visualizer, test_evaluator=SimpleNamespace(
        metrics=[metric]))
    CurvesHook().after_test_epoch(runner, dict(AUROC=50.0))
    assert set(shown) == {f'test/{name}' for name in CURVES} and metric.dump is None


def test_a_closed_set_has_no_curves(tiny_options, tmp_path, monkeypatch):
    pytest.importorskip('tensorboard')
    monkeypatch.setattr('hesp_mmaction.engine.hooks.curves_hook.draw_roc', None)
    args = dict(vis_backends='TensorboardVisBackend')
    cfg = Config.fromfile(CONFIG)
    override(cfg, tiny_options | args, known=['anger', 'disgust', 'fear', 'happiness', 'neutral',
                                              'sadness', 'surprise'])
    cfg.work_dir = str(tmp_path)
    cfg.launcher, cfg.test_dataloader.dataset.closed_set = 'none', True
    run(cfg, lambda runner: runner.test())
    found = events(tmp_path)
    assert not found.Tags()['images'] and 'test/WAR' in found.Tags()['scalars']


def test_backends_are_given_by_name():
    cfg = Config.fromfile(CONFIG)
    override(cfg, dict(vis_backends=['LocalVisBackend', dict(type='AimVisBackend', repo='x')]))
    assert cfg.visualizer.vis_backends == [
        dict(type='LocalVisBackend'), dict(type='AimVisBackend', repo='x')]
    with pytest.raises(InputError, match="no 'TensorboardBackend'.*TensorboardVisBackend"):
        override(Config.fromfile(CONFIG), dict(vis_backends='TensorboardBackend'))


def test_a_backend_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr('hesp_mmaction.apis.variables.find_spec', lambda name: None)
    with pytest.raises(InputError, match='pip install tensorboard'):
        override(Config.fromfile(CONFIG), dict(vis_backends='TensorboardVisBackend'))
