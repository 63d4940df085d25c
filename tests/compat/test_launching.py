"""Processes and optimizers on GPUs and without one."""
import os
import signal
import subprocess
import sys

import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader

from hesp_mmaction.compat import launching


@pytest.fixture
def on_cpu(monkeypatch):
    monkeypatch.setattr(launching, '_on_cpu', lambda: True)


@pytest.fixture
def on_gpu(monkeypatch):
    monkeypatch.setattr(launching, '_on_cpu', lambda: False)


@pytest.mark.parametrize('kind', ['none', 'pytorch'])
def test_init_dist_leaves_other_cases_to_runner(on_gpu, kind):
    launching.init_dist(kind)
    assert not torch.distributed.is_initialized()


@pytest.mark.parametrize(('variables', 'first'), [
    ({}, True), ({'RANK': '0', 'SLURM_PROCID': '3'}, True), ({'RANK': '1'}, False),
    ({'OMPI_COMM_WORLD_RANK': '2'}, False), ({'SLURM_PROCID': '0'}, True),
    ({'SLURM_PROCID': '10'}, False)])
def test_there_is_one_main_process_before_they_have_joined(monkeypatch, variables, first):
    for name in ('RANK', 'OMPI_COMM_WORLD_RANK', 'SLURM_PROCID'):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert launching.is_first() is first
    monkeypatch.setattr('mmengine.dist.is_distributed', lambda: True)
    monkeypatch.setattr('mmengine.dist.is_main_process', lambda: not first)
    assert launching.is_first() is not first  # the group knows


def test_init_dist_one_process(on_cpu, monkeypatch):
    """In this process; the start method and torch are as before, a second call does nothing."""
    for key, value in dict(RANK=0, LOCAL_RANK=0, WORLD_SIZE=1, MASTER_ADDR='127.0.0.1',
                           MASTER_PORT=0).items():
        monkeypatch.setenv(key, str(value))
    before = torch.cuda.set_device, torch.multiprocessing.get_start_method(allow_none=True)
    try:
        launching.init_dist('pytorch')
        launching.init_dist('pytorch')
        assert torch.distributed.get_backend() == 'gloo'
    finally:
        torch.distributed.destroy_process_group()
    after = torch.cuda.set_device, torch.multiprocessing.get_start_method(allow_none=True)
    assert before == after


TRAIN = '''
import os
import sys
from pathlib import Path
import torch
from mmengine.model import BaseModel
from mmengine.runner import Runner
from hesp_mmaction.compat import launching
from hesp_mmaction.errors import InputError


class Model(BaseModel):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, inputs, mode):
        return dict(loss=(self.weight * inputs).sum())


launching.init_dist('pytorch')
rank = torch.distributed.get_rank()
total = torch.tensor([rank + 1.])
torch.distributed.all_reduce(total)
assert total == 3, total
runner = Runner(
    Model(), sys.argv[1], launcher='pytorch', default_scope='mmengine',
    train_dataloader=dict(batch_size=1, num_workers=0, dataset=[torch.ones(1), torch.ones(1) * 3],
                          sampler=dict(type='DefaultSampler', shuffle=False)),
    train_cfg=dict(by_epoch=True, max_epochs=1), env_cfg=dict(dist_cfg=dict(backend='nccl')),
    optim_wrapper=launching.optim_wrapper_cfg(dict(optimizer=dict(type='SGD', lr=1.)), amp=True),
    cfg=dict(model_wrapper_cfg=launching.ddp_wrapper_cfg()))
runner.train()
weight = runner.model.module.weight.item()  # the mean gradient of both processes
Path(sys.argv[1], f'weight{runner.rank}').write_text(str(weight))
del runner
launching.end_dist()
threads = [Path(f'/proc/self/task/{task}/comm').read_text()
           for task in os.listdir('/proc/self/task')]
assert not any('gloo' in name for name in threads), threads
'''


@pytest.mark.slow  # .ci/run runs it all the same
def test_two_processes_train_on_cpu(tmp_path):
    """torchrun, gloo, all-reduce, Runner with our wrapper, and its checkpoint read again."""
    (tmp_path / 'train.py').write_text(TRAIN)
    env = dict(os.environ, CUDA_VISIBLE_DEVICES='', OMP_NUM_THREADS='1', MKL_NUM_THREADS='1')
    launcher = subprocess.Popen(
        [sys.executable, '-W', 'ignore', '-m', 'torch.distributed.run', '--standalone',
         '--nproc_per_node=2', str(tmp_path / 'train.py'), str(tmp_path / 'work')],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env,
        start_new_session=True)
    try:
        output, _ = launcher.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        os.killpg(launcher.pid, signal.SIGKILL)  # the launcher and its two processes
        raise
    assert launcher.returncode == 0, output
    assert [(tmp_path / f'work/weight{rank}').read_text() for rank in (0, 1)] == ['-2.0', '-2.0']
    loaded = CheckpointLoader.load_checkpoint(str(tmp_path / 'work' / 'epoch_1.pth'))
    assert loaded['state_dict']['weight'].item() == -2
    assert isinstance(loaded['message_hub']['log_scalars']['train/loss'], HistoryBuffer)


def test_on_cpu_follows_mmengine():
    from mmengine.device import get_device
    assert launching._on_cpu() is (get_device() == 'cpu')


def test_ddp_wrapper_on_gpu_leaves_the_device_to_runner(on_gpu):
    assert 'device_ids' not in launching.ddp_wrapper_cfg()


def test_ddp_wrapper_on_cpu_has_no_device(on_cpu):
    assert launching.ddp_wrapper_cfg()['device_ids'] is None


@pytest.mark.parametrize('bfloat16', [True, False])
def test_amp_on_gpu(on_gpu, monkeypatch, bfloat16):
    """bfloat16 needs no wrapper; float16 needs one that scales the loss."""
    monkeypatch.setattr(launching, '_has_bfloat16', lambda: bfloat16)
    plain = dict(type='OptimWrapper', optimizer=dict(type='SGD'))
    scaled = dict(plain, type='AmpOptimWrapper', loss_scale='dynamic', dtype='float16')
    assert launching.optim_wrapper_cfg(plain, amp=False) == plain
    assert launching.optim_wrapper_cfg(plain, amp=True) == (plain if bfloat16 else scaled)
    own = dict(plain, type='AmpOptimWrapper', loss_scale=512.)
    assert launching.optim_wrapper_cfg(own, amp=False) == own
    assert launching.optim_wrapper_cfg(own, amp=True) == dict(
        own, dtype='bfloat16' if bfloat16 else 'float16')
    assert plain['type'] == 'OptimWrapper'  # the config itself is not changed


def test_amp_on_cpu_needs_no_wrapper(on_cpu, recwarn):
    plain = dict(type='OptimWrapper', optimizer=dict(type='SGD'))
    amp = dict(plain, type='AmpOptimWrapper', loss_scale='dynamic', dtype='bfloat16')
    assert launching.optim_wrapper_cfg(plain, amp=True) == plain
    assert launching.optim_wrapper_cfg(amp, amp=True) == plain
    assert not recwarn.list
    with pytest.warns(UserWarning, match='full precision'):
        assert launching.optim_wrapper_cfg(amp, amp=False) == plain


def test_amp_refuses_other_wrappers(on_gpu):
    with pytest.raises(ValueError, match='leave --amp out'):
        launching.optim_wrapper_cfg(dict(type='ApexOptimWrapper'), amp=True)
