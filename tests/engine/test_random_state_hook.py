"""Every process goes on with its own random numbers."""
import random
from types import SimpleNamespace

import numpy as np
import torch
import torch.distributed as dist

from hesp_mmaction.compat.mends import load_from_local
from hesp_mmaction.engine import RandomStateHook
from hesp_mmaction.engine.hooks import random_state_hook as module

SECOND = SimpleNamespace(epoch=1)


def draw():
    # normal numbers in odd count: both Python and numpy keep the second of a pair for later
    return [random.gauss(0, 1), np.random.normal(), float(torch.randn(1)), random.random(),
            np.random.random(), float(torch.rand(1))]


def seed(number):
    random.seed(number)
    np.random.seed(number)
    torch.manual_seed(number)


def saved(hook, path):
    checkpoint = {}
    hook.before_save_checkpoint(None, checkpoint)
    torch.save(checkpoint, path)
    return load_from_local(path, 'cpu')  # tensors and numbers only


def worker(rank, folder):
    dist.init_process_group('gloo', init_method=f'file://{folder}/rendezvous', rank=rank,
                            world_size=2)
    seed(rank)
    draw()
    hook = RandomStateHook()
    hook.after_train_epoch(None)
    expected = draw()
    if rank == 0:
        saved(hook, f'{folder}/states.pth')
    dist.barrier()
    seed(7)
    hook = RandomStateHook()
    hook.after_load_checkpoint(None, load_from_local(f'{folder}/states.pth', 'cpu'))
    hook.before_train_iter(SECOND, 0)
    torch.save((expected, draw()), f'{folder}/{rank}.pt')
    dist.destroy_process_group()


def test_two_processes_each_go_on_with_their_own(tmp_path, monkeypatch, in_processes):
    in_processes(worker, (str(tmp_path),), 2)
    (first, first_again), (second, second_again) = (
        torch.load(tmp_path / f'{rank}.pt') for rank in range(2))
    assert first == first_again and second == second_again and first != second

    said = []
    monkeypatch.setattr(module, 'print_log', lambda message, *args: said.append(message))
    hook = RandomStateHook()
    hook.after_load_checkpoint(None, load_from_local(tmp_path / 'states.pth', 'cpu'))
    seed(7)
    expected = draw()
    seed(7)
    hook.before_train_iter(SECOND, 0)  # one process instead of two: left alone, and said
    assert draw() == expected
    assert len(said) == 1 and '2 processes' in said[0]


def test_only_the_first_step_of_a_later_epoch_goes_back(tmp_path):
    hook = RandomStateHook()
    assert 'random_states' not in saved(hook, tmp_path / 'none.pth')
    seed(0)
    hook.before_train_iter(SECOND, 0)  # a checkpoint of before this hook: nothing to put back
    hook.after_train_epoch(None)
    checkpoint, expected = saved(hook, tmp_path / 'states.pth'), draw()
    for epoch, step, back in ((1, 0, True), (1, 1, False), (0, 0, False)):
        hook = RandomStateHook()
        hook.after_load_checkpoint(None, checkpoint)
        seed(7)
        hook.before_train_iter(SimpleNamespace(epoch=epoch), step)
        assert (draw() == expected) == back, (epoch, step)
