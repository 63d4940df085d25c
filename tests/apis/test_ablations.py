"""Ablations: every row of every file can be built; the command runs one and prints its table."""
import json
import re
import statistics
from pathlib import Path

import pytest
from mmaction.registry import MODELS
from mmengine.config import Config
from test_tools import tool

from hesp_mmaction.apis.ablations import read_ablation, row_options
from hesp_mmaction.apis.report import summary
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.errors import InputError

ROOT = Path(__file__).parents[2]

NAMES = sorted(path.stem for path in (ROOT / 'configs/ablations').glob('*.py'))


@pytest.mark.parametrize('name', NAMES)
def test_every_row_changes_the_model_it_names(name, options):
    ablation = read_ablation(name)
    rows, seen = ablation.rows, set()
    for row in rows:
        base = ablation.get('config', 'hesp_afew_o34.py')
        path = ROOT / 'configs' / row.get('config', base)
        cfg = Config.fromfile(path)
        split = 1 if 'protocol' in cfg else None  # a closed set has none
        override(cfg, row_options(row, cfg, options), split=split)
        MODELS.build(cfg.model)
        seen.add(json.dumps([cfg.model.to_dict(), cfg.optim_wrapper.to_dict(),
                             cfg.train_cfg.to_dict()], default=str))
    assert len(seen) == len(rows)  # no two rows are the same run


def test_prompt_sizes_follow_the_image():
    rows = read_ablation('fig3c').rows
    base = Config(dict(image_size=224))
    assert [row_options(row, base, None)['prompt_size'] for row in rows] == [14, 28, 56, 112]
    sizes = [row_options(row, base, dict(image_size=96))['prompt_size'] for row in rows]
    assert sizes == [6, 12, 24, 48]


def test_the_page_of_choices_lists_the_rows_of_the_study_of_the_visual_prompt():
    page = (ROOT / 'docs/choices.md').read_text(encoding='utf-8')
    rows, = re.findall(r'^\| visual prompt \|.*\n\|[-|]+\n((?:\|.*\n)+)', page, re.M)
    listed = [line.split('|')[1].strip() for line in rows.splitlines()]
    assert listed == [row.name for row in read_ablation('visual_prompt').rows]


def test_the_rows_of_that_study_differ_in_the_visual_prompt_and_its_steps_alone():
    ablation = read_ablation('visual_prompt')
    seen = []
    for row in ablation.rows:
        cfg = Config.fromfile(ROOT / 'configs' / ablation.config)
        override(cfg, row_options(row, cfg, None), split=1)
        prompt = cfg.model.pop('visual_prompt')
        steps = cfg.optim_wrapper.paramwise_cfg.custom_keys.pop('visual_prompt.delta')
        kind = cfg.optim_wrapper.optimizer.pop('type')
        cfg = json.dumps(cfg.to_dict(), default=str, sort_keys=True)
        seen.append((prompt and (prompt.mode, prompt.region), steps.to_dict(), kind, cfg))
    assert len({cfg for *_, cfg in seen}) == 1
    patch, full = ('add', 'cam'), dict(lr_mult=1.0)
    assert [row[:3] for row in seen[1:]] == [
        (patch, dict(lr_mult=0.1), 'SGD'), (patch, full, 'SGD'), (patch, dict(lr_mult=10.0), 'SGD'),
        (('replace', 'cam'), full, 'SGD'),
        (patch, dict(lr_mult=0.1, step_length=0.3, scheduled=True), 'NormalisedSGD'),
        (('add', 'random'), full, 'SGD'), (('add', 'border'), full, 'SGD')]
    assert seen[0][0] is None


def test_an_unknown_ablation_lists_those_there_are():
    with pytest.raises(InputError, match='fig3a, fig3b, fig3c, parts, switches, table5, table6, '
                                         'visual_prompt'):
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
    flags = ['--splits', 0, 3, '--out', tmp_path, '--cfg-options',
             *(f'{key}={value}' for key, value in few.items())]
    done = tool('tools/run_ablation.py', 'fig3a', *flags)
    assert '| fixed negative texts ' in done.stdout and '| learned negative texts' in done.stdout
    results = json.loads((tmp_path / 'fig3a.json').read_text())
    assert [row['split'] for row in results['learned negative texts']] == [0, 3]
    again = tool('tools/run_ablation.py', 'fig3a', '--rows', 'learned negative texts', *flags)
    assert 'fixed' not in again.stdout.split('published')[0]
    taken = json.loads((tmp_path / 'fig3a.json').read_text())
    assert taken['learned negative texts'] == results['learned negative texts']  # seconds, too
