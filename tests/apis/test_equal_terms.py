"""One neck for every method: which take it, what it becomes, how tools use it, and the table."""
import json
import re
import statistics
from pathlib import Path

import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.registry import init_default_scope
from test_tools import ROOT, tool

from hesp_mmaction.apis.equal_terms import equal_runs, refusal, terms_table
from hesp_mmaction.apis.protocol import split_config
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.errors import InputError

REFUSED = {
    'clip_zeroshot_afew_o34': 'nothing is trained', 'cssr_afew_o34': 'CSSRHead reads maps',
    'clip_zeroshot_ensemble_afew_o34': 'nothing is trained',
    'rcssr_afew_o34': 'CSSRHead reads maps',
    'arpl_slowonly_afew_o34': 'Recognizer3D has no features of frames',
    'evidential_swin_afew_o34': 'Recognizer3D has no features of frames',
    'hesp_slowonly_afew_o34': 'ResNet3dSlowOnly has no features of frames',
    'm3dfel_afew_o34': 'Instances has no features of frames'}
LARGE = 'hesp_tsn', 'former_dfer', 'm3dfel', 'arpl_slowonly'  # seconds to build
PATHS = sorted((ROOT / 'configs').glob('*_afew_o34.py'))


def config(name, **options):
    cfg = Config.fromfile(ROOT / f'configs/{name}.py')
    override(cfg, options)
    return cfg


@pytest.mark.parametrize('path', [
    pytest.param(path, marks=[pytest.mark.ci] * path.stem.startswith(LARGE), id=path.stem)
    for path in PATHS])
def test_a_method_trains_with_the_neck_or_says_why_not(path, options):
    """Two necks: one that needs the width of the features, one that needs the number of frames."""
    cfg = Config.fromfile(path)
    few = {k: v for k, v in options.items() if not k.startswith('clip.') or 'clip' in cfg}
    if path.stem in REFUSED:
        assert REFUSED[path.stem] in refusal(cfg)
        said = f'neck=TemporalFilter: {path.name} takes no other neck .*{REFUSED[path.stem]}'
        with pytest.raises(InputError, match=said):
            override(cfg, {'neck': 'TemporalFilter'})
        return
    assert refusal(cfg) is None
    size = 64 if cfg.model.backbone.type in ('ResNet', 'SpatialFormer') else 32
    few |= {'num_frames': 3, 'image_size': size}
    if (cfg.model.get('visual_prompt') or {}).get('region') == 'dataset':
        few['model.visual_prompt.region'] = 'centre'  # a run decides it before its first step
    for name in ('TemporalConvolution', 'TemporalFilter'):
        override(cfg, few | {'neck': name})
        init_default_scope('mmaction')
        model = MODELS.build(cfg.model).train()
        samples = [ActionDataSample(metainfo=dict(sample_id=f'{i}.avi')).set_gt_label(i)
                   for i in range(2)]
        clips = 255 * torch.rand(2, 3, 3, size, size)
        losses = model(clips, samples, mode='loss')
        sum(v for k, v in losses.items() if 'loss' in k).backward()
        place = 'neck.temporal.' if path.stem == 'dear_afew_o34' else 'neck.'
        learned = {n for n, p in model.named_parameters() if p.grad is not None and p.grad.any()}
        first = dict(TemporalConvolution='convolution.weight', TemporalFilter='weights')[name]
        assert place + first in learned


def test_frames_width_and_options_are_filled_in_and_follow_later_changes():
    cfg = config('coop_afew_o34', **{'neck.type': 'TemporalTransformer', 'neck.depth': 2,
                                     'num_frames': 4, 'clip.arch': 'small_face_clip'})
    expected = dict(type='TemporalTransformer', depth=2, num_frames=4,
                    clip=dict(arch='small_face_clip', pretrained='openai'))
    assert cfg.model.neck.to_dict() == expected
    override(cfg, {'num_frames': 6, 'clip.arch': 'ViT-B-16'})
    assert cfg.model.neck.num_frames == 6 and cfg.model.neck.clip.arch == 'ViT-B-16'
    cfg = config('dear_afew_o34', neck='TemporalFilter')
    assert cfg.model.neck.type == 'DebiasNeck'
    override(cfg, {'num_frames': 6}, split=2)
    assert cfg.model.neck.temporal.to_dict() == dict(type='TemporalFilter', num_frames=6)
    assert cfg.model.neck.num_classes == 3
    cfg = config('former_dfer_afew_o34', neck='AttentionPooling')  # no CLIP
    assert cfg.model.neck.to_dict() == dict(type='AttentionPooling', in_channels=512)
    cfg = config('hesp_afew_o34', neck='TemporalMean')  # nothing of the filter is left
    assert cfg.model.neck.to_dict() == dict(type='TemporalMean', num_frames=8)


@pytest.mark.parametrize('options, said', [
    ({'neck': 'TemporalFiltre'}, 'neck=TemporalFiltre: give the name of a neck over frames: Temp'),
    ({'neck': 'KeepPlaces'}, 'neck=KeepPlaces: give the name of a neck over frames'),
    ({'neck.channels': 8}, 'neck=None: give the name'),
    ({'neck': 'TemporalFilter', 'model.neck.type': 'TemporalMean'},
     'give neck or model.neck.type, not both')])
def test_what_cannot_be_a_neck_is_said(options, said):
    with pytest.raises(InputError, match=re.escape(said)):
        config('coop_afew_o34', **options)


def test_a_method_that_is_not_trained_keeps_the_mean_among_others():
    path = str(ROOT / 'configs/clip_zeroshot_afew_o34.py')
    for options in ({'neck': 'TemporalFilter'}, {'neck.type': 'TemporalFilter'}):
        assert split_config(path, 0, options).model.neck.to_dict() == dict(type='TemporalMean')
    path = str(ROOT / 'configs/coop_afew_o34.py')
    found = split_config(path, 0, {'neck': 'TemporalFilter'}, '5:2', 'afew')
    assert found.model.neck.to_dict() == dict(type='TemporalFilter', num_frames=8)


def test_equal_terms_are_runs_of_their_own(capsys):
    runs = {name: [dict(config=str(ROOT / f'configs/{name}.py'), split=split,
                        cfg_options={'a': 1}, work_dir=f'out/{name}/o34_split{split}')
                   for split in (0, 1)]
            for name in ('coop_afew_o34', 'cssr_afew_o34', 'clip_zeroshot_afew_o34')}
    found = equal_runs(runs, 'TemporalFilter')
    assert found == {'coop_afew_o34_TemporalFilter': [dict(
        runs['coop_afew_o34'][i], cfg_options={'a': 1, 'neck': 'TemporalFilter'},
        work_dir=str(Path(f'out/coop_afew_o34_TemporalFilter/o34_split{i}'))) for i in (0, 1)]}
    assert 'neck' not in runs['coop_afew_o34'][0]['cfg_options']
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2 and said[0].startswith('cssr_afew_o34 runs on its own terms alone: CSSR')


def test_own_and_equal_terms_stand_side_by_side():
    def runs(values):
        return [dict(AUROC=v, OSCR=v / 2, ACC=80.0) for v in values]

    own = dict(a=runs([60.0, 70.0, 80.0]), b=runs([50.0, 51.0, 52.0]))
    text = terms_table(own, dict(a=runs([61.0, 73.0, 88.0])))
    head, _, a, b = [[cell.strip() for cell in line.split('|')[1:-1]]
                     for line in text.splitlines()]
    a, b = (dict(zip(head, row, strict=True)) for row in (a, b))
    assert a['AUROC own'] == '70.0 +- 10.0'
    assert a['AUROC equal terms'] == f'74.0 +- {statistics.stdev([61, 73, 88]):.1f}'
    error = statistics.stdev([1, 3, 8]) / 3 ** 0.5
    assert a['AUROC difference'] == f'+4.0 ({error:.1f})' and a['OSCR difference'][:4] == '+2.0'
    assert b['AUROC own'] == '51.0 +- 1.0' and b['AUROC equal terms'] == '' == b['ACC difference']


@pytest.mark.ci
def test_the_command_runs_both_and_writes_the_table(options, tmp_path):
    few = options | {'train_cfg.max_epochs': 1}
    words = ['tools/run_protocol.py', 'configs/linear_probe_afew_o34.py',
             'configs/clip_zeroshot_afew_o34.py', '--task', 'afew', '--openness', '3:4', '--splits',
             '0', '1', '--out', tmp_path, '--equal-terms', 'TemporalConvolution', '--cfg-options',
             *(f'{k}={v}' for k, v in few.items())]
    done = tool(*words)
    assert 'clip_zeroshot_afew_o34 runs on its own terms alone: nothing is trained' in done.stdout
    found = json.loads((tmp_path / 'results.json').read_text())['results']
    assert {name: len(runs) for name, runs in found.items()} == {
        'linear_probe_afew_o34': 2, 'clip_zeroshot_afew_o34': 2,
        'linear_probe_afew_o34_TemporalConvolution': 2}
    own, equal = (found[f'linear_probe_afew_o34{end}'][0]['trainable']
                  for end in ('', '_TemporalConvolution'))
    assert equal > own
    table = (tmp_path / 'terms.md').read_text()
    assert table in done.stdout and '| AUROC equal terms' in table
    assert [line.split('|')[1].strip() for line in table.splitlines()] == [
        'method', '-' * (len('clip_zeroshot_afew_o34') + 2), 'linear_probe_afew_o34',
        'clip_zeroshot_afew_o34']
    both = tool(*words, 'neck=TemporalFilter', check=False)
    assert both.stderr.startswith('error: give --equal-terms or neck, not both')
