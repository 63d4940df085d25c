"""Two real processes (gloo) against one with the same global batch."""
import socket

import pytest
import torch
import torch.distributed as dist
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from torch.nn.parallel import DistributedDataParallel

from hesp_mmaction.models.losses import gather, global_mean

LABELS = [0, 1, 0, 2, 1]


def build(clip):
    torch.manual_seed(0)
    model = MODELS.build(dict(
        type='HESPRecognizer', known=['anger', 'fear', 'happiness'],
        backbone=dict(type='CLIPImageTower', **clip),
        visual_prompt=dict(type='VisualPrompt', image_size=32, size=8),
        negatives=dict(type='NegativeVisuals', image_size=32),
        cls_head=dict(type='HESPHead', clip=clip, negative_kind='arpl',
                      learn_negative_text=True, loss_weights=dict(margin=0.1)))).train()
    model.visual_prompt.delta.data += 0.05 * torch.randn_like(model.visual_prompt.delta)
    return model.double()


def batch(rows):
    generator = torch.Generator().manual_seed(3)
    x = 255 * torch.rand(5, 2, 3, 32, 32, generator=generator, dtype=torch.float64)
    samples = [ActionDataSample(metainfo=dict(sample_id=str(i))).set_gt_label(LABELS[i])
               for i in rows]
    return x[list(rows)], samples


def gradients(model, rows):
    losses = model(*batch(rows), mode='loss')
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    inner = getattr(model, 'module', model)
    return ({n: p.grad.clone() for n, p in inner.named_parameters() if p.requires_grad},
            {k: v.detach() for k, v in losses.items()})


def worker(rank, clip, port, folder):
    dist.init_process_group('gloo', init_method=f'tcp://127.0.0.1:{port}', rank=rank, world_size=2)
    torch.set_num_threads(1)
    found = gradients(DistributedDataParallel(build(clip)), range(rank, 5, 2))  # 3 and 2 samples
    values = torch.arange(3.0 - rank) + 10 * rank  # 0, 1, 2 and 10, 11
    features = torch.full((3 - rank, 2), float(rank), requires_grad=True)
    both, labels = gather(features, torch.full((3 - rank,), rank))
    half = global_mean(torch.full((1001 + rank,), 2.0, dtype=torch.bfloat16))  # 2003 in all
    torch.save(dict(found=found, mean=global_mean(values), half=float(half), both=both.detach(),
                    labels=labels),
               f'{folder}/{rank}.pt')
    dist.destroy_process_group()


@pytest.fixture(scope='module')
def two(clips, tmp_path_factory, in_processes):
    folder = tmp_path_factory.mktemp('two')
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    in_processes(worker, (clips['vit'], port, str(folder)), 2)
    return [torch.load(folder / f'{rank}.pt', weights_only=False) for rank in range(2)]


def test_gradients_of_two_processes_equal_one(two, clips):
    expected, losses = gradients(build(clips['vit']), range(5))
    assert set(expected) == {'cls_head.prompts.contexts', 'cls_head.negative_prompts.contexts',
                             'cls_head.radius', 'visual_prompt.delta', 'negatives.images'}
    for rank in range(2):
        for name, value in expected.items():
            torch.testing.assert_close(two[rank]['found'][0][name], value, rtol=1e-9, atol=1e-12,
                                       msg=lambda m, name=name: f'{name}: {m}')
    for name in losses:  # the mean over processes is the loss of the global batch
        if name != 'acc':
            mean = (two[0]['found'][1][name] + two[1]['found'][1][name]) / 2
            torch.testing.assert_close(mean, losses[name], rtol=1e-9, atol=1e-12)


def test_global_mean_of_unequal_shards(two):
    assert float(two[0]['mean'] + two[1]['mean']) / 2 == pytest.approx((0 + 1 + 2 + 10 + 11) / 5)


def test_global_mean_counts_in_full_precision(two):
    assert two[0]['half'] == pytest.approx(2 * 1001 * 2 / 2003, rel=1e-6)
    assert two[1]['half'] == pytest.approx(2 * 1002 * 2 / 2003, rel=1e-6)


def test_gather_of_unequal_shards(two):
    for rank in range(2):
        assert two[rank]['both'][:, 0].tolist() == [0, 0, 0, 1, 1]
        assert two[rank]['labels'].tolist() == [0, 0, 0, 1, 1]


SIZES = (8, 7, 8, 6, 9)  # of global batches: uneven over 2 and over 4 processes


def five_steps(model, rank=0, processes=1):
    """SGD with momentum on five batches; gives the trained parameters."""
    inner = getattr(model, 'module', model)
    trained = {n: p for n, p in inner.named_parameters() if p.requires_grad}
    optimizer = torch.optim.SGD(trained.values(), lr=0.01, momentum=0.9)
    generator = torch.Generator().manual_seed(5)
    for size in SIZES:
        x = 255 * torch.rand(size, 2, 3, 32, 32, generator=generator, dtype=torch.float64)
        rows = list(range(rank, size, processes))
        samples = [ActionDataSample(metainfo=dict(sample_id=str(i))).set_gt_label(i % 3)
                   for i in rows]
        losses = model(x[rows], samples, mode='loss')
        optimizer.zero_grad()
        sum(v for k, v in losses.items() if 'loss' in k).backward()
        optimizer.step()
    return {n: p.detach().clone() for n, p in trained.items()}


def step_worker(rank, clip, port, folder, processes):
    dist.init_process_group('gloo', init_method=f'tcp://127.0.0.1:{port}', rank=rank,
                            world_size=processes)
    torch.set_num_threads(1)
    found = five_steps(DistributedDataParallel(build(clip)), rank, processes)
    torch.save(found, f'{folder}/steps{rank}.pt')
    dist.destroy_process_group()


@pytest.mark.parametrize('processes', [2, 4])
def test_five_steps_of_several_processes_equal_one(clips, tmp_path, processes, in_processes):
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    in_processes(step_worker, (clips['vit'], port, str(tmp_path), processes), processes)
    start = {n: p.detach().clone() for n, p in build(clips['vit']).named_parameters()}
    expected = five_steps(build(clips['vit']))
    for rank in range(processes):
        found = torch.load(tmp_path / f'steps{rank}.pt', weights_only=True)
        assert set(found) == set(expected)
        for name, value in expected.items():
            assert not torch.equal(value, start[name]), name
            torch.testing.assert_close(found[name], value, rtol=1e-7, atol=1e-10)
