import pytest
import torch
from mmengine.dataset import DefaultSampler
from torch import nn

from hesp_mmaction.engine import EvenBatchSampler, TrainableOptimWrapperConstructor
from hesp_mmaction.engine import batch_sampler as module
from hesp_mmaction.errors import InputError


@pytest.mark.parametrize('total', [1, 7, 8, 9, 31, 32, 33, 95])
@pytest.mark.parametrize('processes', [1, 2, 3])
def test_processes_share_the_batches_of_one(total, processes, monkeypatch):
    def batches(rank, count, size):
        monkeypatch.setattr(module, 'get_world_size', lambda: count)
        sampler = DefaultSampler(list(range(total)), shuffle=True, seed=5, round_up=False)
        sampler.rank, sampler.world_size = rank, count
        sampler.num_samples = len(range(rank, total, count))
        result = EvenBatchSampler(sampler, size)
        assert len(list(result)) == len(result)
        return list(result)

    whole = batches(0, 1, 4 * processes)
    parts = [batches(rank, processes, 4) for rank in range(processes)]
    assert len({len(part) for part in parts}) == 1
    if len(whole) > len(parts[0]):  # only a last batch with fewer samples than processes is lost
        assert len(whole) == len(parts[0]) + 1 and len(whole[-1]) < processes
    for i, step in enumerate(zip(*parts, strict=True)):
        assert sorted(sum(step, [])) == sorted(whole[i])


class Toy(nn.Module):
    def __init__(self):
        super().__init__()
        self.frozen = nn.Linear(2, 2).requires_grad_(False)
        self.text, self.pixels, self.other = nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2)


def construct(model, **paramwise):
    return TrainableOptimWrapperConstructor(
        dict(optimizer=dict(type='SGD', lr=0.1, weight_decay=0.2)), paramwise)(model).optimizer


def test_groups_hold_what_is_trained_with_its_own_options():
    model = Toy()
    optimizer = construct(model, custom_keys={
        'pixels': dict(lr_mult=10, decay_mult=0), 'pixels.bias': dict(momentum=0.5)})
    found = {id(p): group for group in optimizer.param_groups for p in group['params']}
    assert len(found) == 6 and id(model.frozen.weight) not in found
    assert found[id(model.text.weight)]['lr'] == 0.1
    weight, bias = found[id(model.pixels.weight)], found[id(model.pixels.bias)]
    assert (weight['lr'], weight['weight_decay'], weight['momentum']) == (1.0, 0, 0)
    assert (bias['lr'], bias['momentum']) == (0.1, 0.5)


def test_nothing_to_train_and_keys_that_fit_nothing_are_named():
    with pytest.raises(InputError, match='tools/test.py'):
        construct(Toy().requires_grad_(False))
    with pytest.raises(InputError, match='pixel_values'):
        construct(Toy(), custom_keys=dict(pixel_values=dict(lr_mult=2)))


def test_a_key_of_a_part_that_is_switched_off_is_passed_over():
    model = Toy()
    model.visual_prompt = None
    keys = {'visual_prompt.delta': dict(lr_mult=2), 'pixels': dict(lr_mult=10)}
    assert len(construct(model, custom_keys=keys).param_groups) == 2


def test_parameters_do_move_by_their_rates():
    model = Toy()
    optimizer = construct(model, custom_keys={'pixels': dict(lr_mult=10)})
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    for group in optimizer.param_groups:
        group['weight_decay'] = 0
    optimizer.step()
    moved = {n: float((before[n] - p.detach()).mean()) for n, p in model.named_parameters()}
    assert moved['text.weight'] == pytest.approx(0.1)
    assert moved['pixels.weight'] == pytest.approx(1.0) and moved['frozen.weight'] == 0
