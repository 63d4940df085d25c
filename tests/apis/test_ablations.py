"""Ablations: every row of every file can be built; the command runs one and prints its table."""
import json
import statistics
import sys
from pathlib import Path

import pytest
from mmaction.registry import MODELS
from mmengine.config import Config

from hesp_mmaction.apis.report import summary
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.errors import InputError

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / 'tools'))
from run_ablation import read_ablation, row_options  # noqa: E402
from test_tools import tool  # noqa: E402

NAMES = sorted(path.stem for path in (ROOT / 'configs/ablations').glob('*.py'))


@pytest.mark.parametrize('name', NAMES)
def test_every_row_changes_the_model_it_names(name, options):
    rows, _ = read_ablation(name)
    seen = set()
    for row in rows:
        path = ROOT / 'configs' / row.get('config', 'hesp_afew_o34.py')
        cfg = Config.fromfile(path)
        split = 1 if 'protocol' in cfg else None  # a closed set has none
        override(cfg, row_options(row, cfg, options), split=split)
        MODELS.build(cfg.model)
        seen.add(json.dumps([cfg.model.to_dict(), cfg.optim_wrapper.to_dict()], default=str))
    assert len(seen) == len(rows)  # no two rows are the same run


def test_prompt_sizes_follow_the_image():
    rows, _ = read_ablation('fig3c')
    base = Config(dict(image_size=224))
    assert [row_options(row, base, None)['prompt_size'] for row in rows] == [14, 28, 56, 112]
    sizes = [row_options(row, base, dict(image_size=96))['prompt_size'] for row in rows]
    assert sizes == [6, 12, 24, 48]


def test_an_unknown_ablation_lists_those_there_are():
    with pytest.raises(InputError, match='fig3a, fig3b, fig3c, parts, switches, table5, table6'):
        read_ablation('table7')


def test_summary_is_of_the_splits_and_of_their_differences():
    a = [dict(protocol=o, AUROC=x, OSCR=x / 2, ACC=50.0, seconds=10)
         for o, x in (('5:2', 60.0), ('5:2', 70.0), ('3:4', 80.0))]
    b = [dict(row, AUROC=row['AUROC'] - d, seconds=20) for row, d in zip(a, (1, 2, 6), strict=True)]
    lines = [[cell.strip() for cell in line.split('|')[1:-1]]
             for line in summary(dict(a=a, b=b)).splitlines()]
    head, _, first, second = lines
    cell = dict(zip(head, first, strict=True))
    assert cell['O(5:2) AUROC'] == f'65.0 +- {statistics.stdev([60, 70]):.1f}'
    assert cell['O(3:4) AUROC'] == '80.0'
    assert cell['all AUROC'] == '70.0 +- 10.0' and cell['AUROC difference'] == ''
    cell = dict(zip(head, second, strict=True))
    error = statistics.stdev([1, 2, 6]) / 3 ** 0.5
    assert cell['AUROC difference'] == f'-3.0 ({error:.1f})' and cell['seconds'] == '20'


@pytest.mark.slow  # .ci/run runs it all the same
def test_the_command_runs_a_named_ablation_and_takes_over_what_is_done(options, tmp_path):
    few = options | {'train_cfg.max_epochs': 1}
    flags = ['--splits', 0, 3, '--work-dir', tmp_path, '--resume', '--cfg-options',
             *(f'{key}={value}' for key, value in few.items())]
    done = tool('tools/run_ablation.py', 'fig3a', *flags)
    assert '| fixed negative texts ' in done.stdout and '| learned negative texts' in done.stdout
    results = json.loads((tmp_path / 'fig3a.json').read_text())
    assert [row['split'] for row in results['learned negative texts']] == [0, 3]
    again = tool('tools/run_ablation.py', 'fig3a', '--rows', 'learned negative texts', *flags)
    assert 'fixed' not in again.stdout.split('published')[0]
    taken = json.loads((tmp_path / 'fig3a.json').read_text())
    assert taken['learned negative texts'] == results['learned negative texts']  # seconds, too
