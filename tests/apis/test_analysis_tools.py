"""tools/analysis under MMAction2's names: logs, operations, who was taken for whom, configs."""
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from PIL import Image

from hesp_mmaction.apis.configs import config_word, find_config, our_config, our_names
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.datasets import known_names
from hesp_mmaction.errors import InputError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tool(tool_module, monkeypatch, capsys):
    """A function (name, arguments) that runs a tool here: what it printed."""
    def call(name, *arguments):
        module = tool_module(f'analysis/{name}.py')
        monkeypatch.setattr(sys, 'argv', [name, *map(str, arguments)])
        capsys.readouterr()
        module.main()
        return capsys.readouterr().out
    return call


def write_log(folder, lines):
    path = folder / 'vis_data/scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text('\n'.join(map(json.dumps, lines)))


def step(number, loss, epoch):
    return dict(loss=loss, epoch=epoch, iter=number, step=number, time=0.2, data_time=0.1)


@pytest.fixture
def resumed(tmp_path):
    """Two epochs of three steps, cut off after the fifth and resumed from the first epoch."""
    write_log(tmp_path / 'run/20260101_000000', [
        step(3, 1.0, 1), dict(AUROC=60.0, step=1), step(5, 9.0, 2)])
    write_log(tmp_path / 'run/20260101_000100', [step(5, 0.5, 2), step(6, 0.4, 2),
                                                 dict(AUROC=70.0, step=2)])
    return tmp_path / 'run'


def test_curves_of_a_resumed_run_are_one(tool_module, resumed):
    analyze_logs = tool_module('analysis/analyze_logs.py')
    log = analyze_logs.read_log(resumed)
    assert analyze_logs.curve(log, 'loss') == ([1, pytest.approx(5 / 3), 2], [1.0, 0.5, 0.4])
    assert analyze_logs.curve(log, 'AUROC') == ([1, 2], [60.0, 70.0])
    figure = analyze_logs.draw_curves(dict(run=log), ['loss', 'AUROC'])
    assert [len(line.get_xdata()) for line in figure.axes[0].lines] == [3, 2]
    with pytest.raises(InputError, match='logged no lr; it has AUROC, data_time'):
        analyze_logs.draw_curves(dict(run=log), ['lr'])
    cells = analyze_logs.time_table(dict(run=log)).splitlines()[2].replace(' ', '').split('|')
    assert cells[1:6] == ['run', '2', '6', '0.200', '0.100']


def test_analyze_logs_from_the_command_line(tool, resumed, tmp_path):
    out = tool('analyze_logs', 'plot_curve', resumed, '--out', tmp_path / 'a.png')
    assert out.strip() == str(tmp_path / 'a.png')
    assert min(Image.open(tmp_path / 'a.png').size) > 300
    assert '| 6 ' in tool('analyze_logs', 'cal_train_time', resumed)
    with pytest.raises(InputError, match='has no scalars.json'):
        tool('analyze_logs', 'plot_curve', tmp_path / 'nowhere')


def test_operations_are_those_of_a_hand_count(tool_module, tiny_options):
    """Zero-shot CLIP with the tiny ViT: 2 layers of width 16, 17 tokens, 8 frames of 32 px."""
    get_flops = tool_module('analysis/get_flops.py')
    cfg = Config.fromfile(ROOT / 'configs/clip_zeroshot_afew_o34.py')
    override(cfg, {key: value for key, value in tiny_options.items()
                   if not key.startswith(('train', 'val'))})
    tokens, width = 17, 16

    def layer(queries):  # the last one works for the class token alone
        return 2 * width * ((queries + 2 * tokens) * width + 2 * queries * tokens
                            + queries * width + 2 * queries * 4 * width)
    frame = 2 * 16 * width * 3 * 8 * 8 + layer(tokens) + layer(1) + 2 * width * 12
    texts = (2 + 8) * 12 * 3  # cosines of the clip, for two scores, and of each frame
    found = get_flops.count_flops(MODELS.build(cfg.model).eval(), torch.rand(1, 8, 3, 32, 32))
    assert found == 8 * frame + 2 * texts


def test_operations_of_a_gradient_within_are_counted(tool_module):
    x = torch.rand(5, 7, requires_grad=True)
    weights = torch.rand(7, 3)
    with tool_module('analysis/get_flops.py').CountFlops() as counter:
        torch.autograd.grad((x @ weights).sum(), x)
    assert counter.total == 2 * (2 * 5 * 7 * 3)


def test_confusion_matrix_of_a_run(tool, tmp_path):
    np.savez(tmp_path / 'predictions.npz', classes=np.array(['fear', 'anger']),
             emotion=np.array(['fear', 'fear', 'anger', 'sadness']),
             pred_emotion=np.array(['fear', 'unknown', 'anger', 'anger']))
    out = tool('confusion_matrix', tmp_path)
    rows = [line.replace(' ', '') for line in out.splitlines()]
    assert rows[0] == '|trueemotion|fear|anger|unknown|'
    assert rows[2:5] == ['|fear|1|0|1|', '|anger|0|1|0|', '|sadness(unknown)|0|1|0|']
    assert (tmp_path / 'confusion.png').exists()


def test_print_config_shows_what_the_flags_change(tool):
    out = tool('print_config', 'hesp_afew_o34.py', '--split', '1', '--cfg-options',
               'image_size=64')
    cfg = Config.fromstring(out, '.py')
    assert cfg.model.known == cfg.known == list(known_names('AFEW', '3:4', 1))
    assert cfg.model.visual_prompt['size'] == 16


def test_a_config_is_found_by_its_name_unless_there_is_a_file(tmp_path, monkeypatch):
    ours = str(ROOT / 'configs/hesp_afew_o34.py')
    assert find_config('hesp_afew_o34.py') == config_word('hesp_afew_o34.py') == ours
    assert config_word('nothing.py') == 'nothing.py'
    with pytest.raises(InputError, match='no config nothing.py: give the path of a file'):
        find_config('nothing.py')
    monkeypatch.chdir(tmp_path)
    Path('hesp_afew_o34.py').touch()
    assert find_config('hesp_afew_o34.py') == config_word('hesp_afew_o34.py') == 'hesp_afew_o34.py'
    assert our_config('hesp_afew_o34.py') == ours


def test_our_ablations_are_listed():
    assert {'parts', 'table5'} < set(our_names('ablations'))
    assert our_names('nowhere') == []
