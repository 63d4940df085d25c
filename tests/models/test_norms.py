"""Batch norms learn from the frames, each once, and from nothing else."""
import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from torch import nn

from hesp_mmaction.models.norms import as_in_evaluation, running_statistics, statistics_kept

RESNET = dict(type='mmaction.ResNet', depth=18, pretrained=None, norm_eval=False)


def build(clips, **changes):
    torch.manual_seed(0)
    config = dict(
        type='HESPRecognizer', known=['anger', 'fear', 'happiness'], backbone=RESNET,
        negatives=dict(type='NegativeVisuals', image_size=32),
        cls_head=dict(type='HESPHead', clip=clips['vit'], in_channels=512))
    return MODELS.build(config | changes).train()


def batch(videos=3, frames=4):
    generator = torch.Generator().manual_seed(1)
    x = torch.randint(0, 256, (videos, frames, 3, 32, 32), generator=generator).float()
    return x, [ActionDataSample(metainfo=dict(sample_id=str(i))).set_gt_label(i % 3)
               for i in range(videos)]


def statistics(module):
    return {name: value.clone() for name, value in running_statistics(module).items()}


def of_frames_alone(model, frames):
    """What torch's own batch norms learn from one pass of these frames (N, 3, S, S)."""
    model.backbone.train()  # MMAction2's gives None
    model.backbone(frames)
    return statistics(model.backbone)


def equal(found, expected):
    assert set(found) == set(expected) and len(expected) == 60  # 20 norms of three buffers
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, msg=lambda m, name=name: f'{name}: {m}')


def test_negatives_are_no_frames_and_still_learn(clips):
    x, data = batch()
    model = build(clips)
    losses = model(x, data, mode='loss')
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    assert model.negatives.images.grad.abs().sum() > 0
    assert all(layer.training for layer in model.backbone.modules())
    other = build(clips)
    frames = other.normalise(x / 255).flatten(0, 1)
    equal(statistics(model.backbone), of_frames_alone(other, frames))


def test_the_frames_without_gradient_are_not_counted(clips, monkeypatch):
    x, data = batch()
    model = build(clips, grad_frames=1)
    monkeypatch.setattr(torch, 'randperm', lambda n: torch.arange(n - 1, -1, -1))  # frame 3
    model(x, data, mode='loss')
    other = build(clips)
    equal(statistics(model.backbone), of_frames_alone(other, other.normalise(x / 255)[:, 3]))


def test_neither_is_the_pass_of_the_activation_map(clips):
    """An unfrozen CLIP in its ResNet form, whose map of the first frames is a pass of its own."""
    clip = dict(type='CLIPImageTower', frozen=False, **clips['resnet'])
    model = build(clips, backbone=clip, visual_prompt=dict(
        type='VisualPrompt', image_size=64, size=16), negatives=None,
        cls_head=dict(type='HESPHead', clip=clips['resnet']))
    x = torch.rand(3, 2, 3, 64, 64)
    before = statistics(model.backbone)
    assert before
    alone = model.activation_map(x[:1, 0])
    together = model.activation_map(x[:, 0])
    torch.testing.assert_close(together[:1], alone, rtol=1e-4, atol=1e-6)
    assert all(torch.equal(value, before[name])
               for name, value in statistics(model.backbone).items())


def test_the_blocks_put_everything_back():
    torch.manual_seed(0)
    net = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.5), nn.BatchNorm1d(3)).train()
    net[2].eval()
    x = torch.randn(8, 3)
    before = statistics(net)
    with statistics_kept(net):
        with statistics_kept(net):
            pass
        kept = net[0](x)
        with as_in_evaluation(net):
            torch.testing.assert_close(net[0](x), x / (1 + 1e-5) ** 0.5)
            assert net[1].training
    torch.testing.assert_close(kept, (x - x.mean(0)) / (x.var(0, unbiased=False) + 1e-5).sqrt())
    assert all(torch.equal(value, before[name]) for name, value in statistics(net).items())
    assert net[0].training and net[0].track_running_stats and not net[2].training
    net[0](x)
    assert not torch.equal(net[0].running_mean, before['0.running_mean'])


@pytest.mark.parametrize('module', [nn.Linear(2, 2), nn.LayerNorm(2),
                                    nn.BatchNorm1d(2, track_running_stats=False)])
def test_nothing_to_keep(module):
    assert running_statistics(module) == {}
