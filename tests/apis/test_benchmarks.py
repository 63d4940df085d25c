"""The benchmarks: what they share, the table of all, and one that runs."""
import json
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
import torch
from test_tools import ROOT

NAMES = sorted(path.name for path in (ROOT / 'tools/benchmark').glob('*.py'))


@pytest.fixture(scope='module')
def common(tool_module):
    return tool_module('benchmark/common.py')


@pytest.fixture(scope='module')
def table(tool_module):
    return tool_module('benchmark/table.py')


def test_a_missing_card_becomes_the_cpu_and_is_said(common, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    assert common.device_of('cuda').type == 'cpu'
    assert 'measured on the CPU' in capsys.readouterr().out
    assert common.device_of('cpu').type == 'cpu' and not capsys.readouterr().out
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    assert common.device_of('cuda').type == 'cuda'


def test_times_are_medians_of_calls_in_turns(common):
    calls = []

    def slow():
        time.sleep(0.02 if 'slow' in calls else 0.2)
        calls.append('slow')
    rows = common.timed(dict(slow=slow, fast=lambda: calls.append('fast')),
                        torch.device('cpu'), 1)
    assert calls == ['slow', 'fast'] * 2  # one to warm up, which is not counted
    assert 20 <= rows['slow']['total'] < 100 and rows['fast']['total'] < 10
    assert rows['slow']['launch'] <= rows['slow']['total']
    assert set(common.measured(dict(slow=slow), torch.device('cpu'), 1)['slow']) == {
        'total', 'launch'}


def test_a_last_line_is_json_with_rounded_figures(common, capsys):
    common.last_line(ratio=1 / 3, rows=dict(step=dict(total=2 / 3, kernels=7)), name='x')
    assert json.loads(capsys.readouterr().out) == dict(
        ratio=0.3333, rows=dict(step=dict(total=0.6667, kernels=7)), name='x')


def test_the_machine_is_named_by_its_model(common):
    import platform
    name = common.name_of(torch.device('cpu'))
    assert name and platform.node() not in name


def test_the_table_has_a_row_for_every_result(table):
    lines = [
        'gpu_step.py --amp\t20\t' + json.dumps(dict(
            ratio=0.97, step=dict(total=63.8, launch=50.0, card=40.0, MiB=7424.0), amp=True)),
        'data.py --loader --clips 8\t9\t' + json.dumps(dict(ratio=11.2, raw_cpu_ms=2.04, clips=8)),
        'eval_pass.py\t5\t' + json.dumps(dict(
            ratio=1.5, ours=0.003, rows=dict(ours=dict(total=3.0, launch=2.0)), videos=8)),
        'epoch.py --amp\t30\t']
    rows = [[cell.strip() for cell in line.strip('|').split('|')]
            for line in table.markdown(lines, 'a card').splitlines() if line.startswith('| `')]
    assert rows == [
        ['`gpu_step.py --amp`', '0.97', 'step / bare tower',
         'step total 63.8 / launch 50.0 / card 40.0 / MiB 7,424.0', '20'],
        ['`data.py --loader --clips 8`', '11.20', 'raw store / decoding', 'raw_cpu_ms 2.04', '9'],
        ['`eval_pass.py`', '1.50', 'evaluation / bare tower', 'ours total 3.0 / launch 2.0', '5'],
        ['`epoch.py --amp`', '-', 'time in steps / epoch', 'failed', '30']]


def test_every_benchmark_of_the_script_is_there_and_named_in_the_table(table):
    script = (ROOT / 'tools/benchmark/all.sh').read_text(encoding='utf-8')
    commands = [line.split('measure ')[1] for line in script.splitlines()
                if line.strip().startswith('measure ')]
    assert len(commands) > 10
    for command in commands:
        assert command.split()[0] in NAMES and table.kind_of(command) in table.RATIOS


def test_the_clock_of_an_epoch_knows_steps_and_waiting(tool_module):
    module = tool_module('benchmark/epoch.py')

    def loader():
        for i in range(3):
            time.sleep(0.02)
            yield i

    class Loader(list):
        dataset = 'its own'

        def __iter__(self):
            return loader()
    runner = SimpleNamespace(train_loop=SimpleNamespace(dataloader=Loader([0, 1, 2])), epoch=0,
                             max_epochs=2)
    clock = module.Clock(torch.device('cpu'))
    clock.before_train(runner)
    clock.before_train_epoch(runner)
    assert len(clock.loader) == 3 and clock.loader.dataset == 'its own'
    for i in clock.loader:
        clock.before_train_iter(runner, i)
        time.sleep(0.03)
        clock.after_train_iter(runner, i)
    clock.after_train_epoch(runner)
    epoch, = clock.epochs
    assert 0.06 <= epoch['wait'] < 0.15 and 0.09 <= epoch['step'] < 0.2
    assert epoch['epoch'] >= epoch['wait'] + epoch['step'] and clock.kernels is None


@pytest.mark.ci
def test_a_benchmark_of_a_whole_model_runs_where_there_is_no_card():
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', 'tools/benchmark/eval_pass.py', '--videos', '1',
         '--frames', '1', '--repeats', '1', '--amp', '--device', 'cuda'], cwd=ROOT, text=True,
        capture_output=True, env=None)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found['ratio'] == pytest.approx(found['ours'] / found['theirs'], rel=0.01)
    assert found['amp'] and found['rows']['ours']['total'] == pytest.approx(1e3 * found['ours'],
                                                                            abs=0.1)
