"""Two processes and a backbone with batch norms: what they evaluate and save is the same."""
from pathlib import Path
from types import SimpleNamespace

import torch
import torch.distributed as dist
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.hooks import EMAHook
from mmengine.registry import HOOKS, MODEL_WRAPPERS, init_default_scope
from torch import nn
from torch.utils.data import DataLoader

from hesp_mmaction.compat.launching import ddp_wrapper_cfg
from hesp_mmaction.engine.hooks import PreemptionHook, SyncStatisticsHook
from hesp_mmaction.models.norms import running_statistics

ROOT = Path(__file__).parents[2]


class Small(nn.Module):
    """Convolution and batch norm; the text would change by rounding if it were averaged."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
        self.register_buffer('text', torch.full((4,), 0.1))

    def forward(self, x):
        return self.norm(self.conv(x)).square().mean()


def worker(rank, folder):
    dist.init_process_group('gloo', init_method=f'file://{folder}/rendezvous', rank=rank,
                            world_size=2)
    torch.set_num_threads(1)
    model = MODEL_WRAPPERS.build(dict(ddp_wrapper_cfg(), module=Small())).train()
    ema = EMAHook()
    ema.src_model = model.module
    ema.ema_model = MODELS.build(dict(type='ExponentialMovingAverage'),
                                 default_args=dict(model=model.module))
    torch.manual_seed(rank)
    for _ in range(3):
        model(torch.randn(2, 3, 8, 8) * (1 + rank)).backward()
        ema.ema_model.update_parameters(model.module)
    loop = SimpleNamespace(dataloader=DataLoader(range(40), 2))
    runner = SimpleNamespace(model=model, hooks=[ema], iter=9, work_dir=folder, train_loop=loop)

    def state():
        return {name: value.clone() for name, value in running_statistics(model.module).items()}
    own = state()
    hook = PreemptionHook()  # asked to stop in the middle of the epoch, in one process only
    hook._asked = rank == 1
    hook._save_and_stop = lambda *args, **kwargs: None
    hook.after_train_iter(runner, 2)
    running_statistics(model.module)['norm.running_mean'].zero_()
    hook = PreemptionHook()
    hook.after_load_checkpoint(SimpleNamespace(_resume=True, train_loop=loop),
                               dict(preempted=runner.preempted))
    assert loop.skip == 3 and runner.preempted['clips_per_step'] == 4
    hook.before_train(runner)
    hook._restore_signal()
    resumed = state()
    SyncStatisticsHook().after_train_epoch(runner)
    averaged = {name: value.clone() for name, value in running_statistics(
        ema.ema_model.module).items()}
    torch.save(dict(own=own, resumed=resumed, synced=state(), averaged=averaged,
                    text=model.module.text), f'{folder}/{rank}.pt')
    dist.destroy_process_group()


def test_two_processes_end_an_epoch_with_the_same_statistics(tmp_path, in_processes):
    in_processes(worker, (str(tmp_path),), 2)
    first, second = (torch.load(tmp_path / f'{rank}.pt', weights_only=True) for rank in range(2))
    assert set(first['own']) == {'norm.running_mean', 'norm.running_var',
                                 'norm.num_batches_tracked'}
    for name in ('norm.running_mean', 'norm.running_var'):
        assert not torch.equal(first['own'][name], second['own'][name])
        mean = (first['own'][name] + second['own'][name]) / 2
        for found in (first, second):
            assert torch.equal(found['resumed'][name], found['own'][name])
            torch.testing.assert_close(found['synced'][name], mean)
            assert torch.equal(found['averaged'][name], first['synced'][name])
    assert first['synced']['norm.num_batches_tracked'] == 3
    assert torch.equal(first['text'], torch.full((4,), 0.1))


def test_statistics_are_shared_before_anything_is_fitted_or_saved():
    """By the priorities with which a runner of the default configuration sorts its hooks."""
    init_default_scope('mmaction')
    cfg = Config.fromfile(ROOT / 'configs/_base_/default_runtime.py')
    hooks = [HOOKS.build(hook) for hook in [
        *cfg.custom_hooks, dict(type='WeightPatchHook'), dict(type='EMAHook'),
        cfg.default_hooks.checkpoint]]
    numbers = dict(HIGHEST=0, VERY_HIGH=10, HIGH=30, ABOVE_NORMAL=40, NORMAL=50, BELOW_NORMAL=60,
                   LOW=70, VERY_LOW=90, LOWEST=100)
    order = [type(hook).__name__ for hook in sorted(hooks, key=lambda h: numbers[h.priority])]
    place = order.index('SyncStatisticsHook')
    for later in ('WeightPatchHook', 'FitHook', 'ThresholdHook', 'AtomicCheckpointHook',
                  'PreemptionHook'):
        assert place < order.index(later), later
    assert order.index('FitHook') < order.index('ThresholdHook') < order.index(
        'AtomicCheckpointHook') < order.index('PreemptionHook')
