"""Runs of one process keep to their own folders, however fast they follow each other."""
from types import SimpleNamespace

import mmengine.runner.runner
from mmengine.config import Config

from hesp_mmaction.engine import QuietRunner


def test_runs_of_one_second_have_logs_of_their_own(tmp_path, monkeypatch):
    clock = SimpleNamespace(time=lambda: 0., localtime=lambda seconds: None,
                            strftime=lambda form, at: '19700101_000000')
    monkeypatch.setattr(mmengine.runner.runner, 'time', clock)
    runners = []
    for name in ('first', 'second', 'third'):
        runner = QuietRunner.from_cfg(Config(dict(
            model=dict(type='MobileNetV2'), default_scope='mmaction', default_hooks={},
            work_dir=str(tmp_path / name),
            visualizer=dict(type='ActionVisualizer', vis_backends=[dict(type='LocalVisBackend')]))))
        runner.logger.info(f'this is the {name}')
        runner.visualizer.add_scalar('loss', len(runners))
        runners.append(runner)
    for name, runner in zip(('first', 'second', 'third'), runners, strict=True):
        log, = (tmp_path / name).glob('*/*.log')
        assert [part for part in ('first', 'second', 'third')
                if f'this is the {part}' in log.read_text()] == [name]
        scalars, = (tmp_path / name).glob('*/vis_data/*.json')
        assert f'"loss": {runners.index(runner)}' in scalars.read_text()
        assert list((tmp_path / name).glob('*/vis_data/config.py'))
    assert len({id(runner.message_hub) for runner in runners}) == 3
    assert len({runner.experiment_name for runner in runners}) == 3
