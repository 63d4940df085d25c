"""Our heads on MMAction2's own Recognizer3D, through configs, tools and hooks."""
import json

import pytest
import torch
from leaves import CONFIGS, KNOWN, build, samples
from mmengine.config import Config

from hesp_mmaction.apis.protocol import run_split
from hesp_mmaction.apis.tasks import find_task, set_task
from hesp_mmaction.apis.wiring import override


@pytest.mark.parametrize('name, losses', [
    ('arpl_slowonly_afew_o34.py', {'loss_known', 'loss_margin', 'acc'}),
    ('evidential_swin_afew_o34.py', {'loss_evidence', 'loss_calibration', 'acc'})])
def test_the_leaf_trains_all_of_it(name, losses):
    model, _ = build(name)
    clips = torch.randn(3, 1, 3, 8, 64, 64)
    found = model.train()(clips, samples(3), mode='loss')
    assert set(found) == losses
    sum(v for k, v in found.items() if 'loss' in k).backward()
    missing = [n for n, p in model.named_parameters() if p.grad is None]
    assert not missing


def test_overrides_reach_them():
    cfg = Config.fromfile(CONFIGS / 'arpl_slowonly_afew_o34.py')
    override(cfg, dict(num_frames=4, image_size=48), known=['sad', 'happy'])
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        transforms = {t.type: t for t in loader.dataset.pipeline}
        assert transforms['UniformSample'].clip_len == 4
        assert transforms['Resize'].scale == (48, 48)
        assert loader.dataset.known == ['sadness', 'happiness'] == cfg.model.cls_head.known
    set_task(cfg, find_task('mafw'))
    assert cfg.test_dataloader.dataset.type == 'MAFWDataset'
    assert cfg.test_dataloader.dataset.pipeline[1].type == 'UniformSample'  # the method's own


@pytest.mark.ci
def test_a_split_runs_to_its_metrics(tiny_afew, tmp_path):
    options = {f'{part}_dataloader.{key}': value for part in ('train', 'val', 'test')
               for key, value in (('num_workers', 0), ('persistent_workers', False))}
    found = run_split(str(CONFIGS / 'arpl_slowonly_afew_o34.py'), 0, tmp_path, options | {
        'data_root': str(tiny_afew), 'image_size': 32, 'train_cfg.max_epochs': 1})
    assert 0 <= found['OSCR'] <= found['ACC'] and found['threshold'] == found['threshold']
    assert found['known'] != KNOWN and len(found['known']) == 3
    checkpoint = torch.load(tmp_path / 'epoch_1.pth', weights_only=False)
    assert checkpoint['hesp']['known'] == found['known']
    assert json.loads((tmp_path / 'metrics.json').read_text())['num_known'] == 6
