"""`--deterministic`: the switches are set, no method needs what CUDA has no deterministic kernel
for, and two runs are equal."""
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.registry import init_default_scope
from test_peers import CONFIGS, own_options, trained
from test_tools import CONFIG, ROOT, command, config
from torch.utils._python_dispatch import TorchDispatchMode

from hesp_mmaction.apis.configs import load_config
from hesp_mmaction.apis.determinism import no_deterministic_kernel, prepare_determinism
from hesp_mmaction.apis.protocol import run_split
from hesp_mmaction.apis.running import run_tool
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.compat.mends import load_from_local
from hesp_mmaction.engine import QuietRunner

WORKSPACE = 'CUBLAS_WORKSPACE_CONFIG'
# Of the list in the documentation of torch.use_deterministic_algorithms, with the names under which
# a CPU runs them; cumsum and max_pool3d are of older releases.
REFUSED = re.compile(
    r'aten\.((_?adaptive_(avg|max)_pool[23]d|avg_pool3d|fractional_max_pool[23]d'
    r'|upsample_(linear1d|bilinear2d|bicubic2d|trilinear3d)|reflection_pad[123]d'
    r'|grid_sampler_[23]d|max_pool3d_with_indices|_ctc_loss)_backward|max_unpool[23]d|nll_loss2d_forward|put_?\.|histc'
    r'|kthvalue|median\.dim|cumsum)')


@pytest.fixture
def switches(monkeypatch):
    """What a run may change, put back afterwards."""
    monkeypatch.delenv(WORKSPACE, raising=False)
    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.deterministic
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.deterministic = False
    yield
    torch.use_deterministic_algorithms(before[0])
    torch.backends.cudnn.deterministic = before[1]


@pytest.mark.parametrize('asked', [True, False])
def test_the_flag_sets_every_switch(options, tmp_path, switches, asked):
    cfg = config(options, tmp_path / 'run', *['--deterministic'][:asked])
    assert (os.environ.get(WORKSPACE) == ':4096:8') is asked  # before anything is built
    QuietRunner.from_cfg(cfg)
    assert torch.are_deterministic_algorithms_enabled() is asked
    assert torch.backends.cudnn.deterministic is asked and not torch.backends.cudnn.benchmark
    assert not torch.is_deterministic_algorithms_warn_only_enabled()


@pytest.mark.parametrize(('before', 'after'), [
    ('', ':4096:8'), (':0:0', ':4096:8'), (':16:8', ':16:8'), (':4096:8', ':4096:8')])
def test_a_workspace_that_pytorch_would_refuse_is_replaced(monkeypatch, before, after):
    monkeypatch.setenv(WORKSPACE, before)
    prepare_determinism(Config(dict(randomness=dict(seed=0))))
    assert os.environ[WORKSPACE] == before  # nobody asked
    prepare_determinism(Config(dict(randomness=dict(deterministic=True))))
    assert os.environ[WORKSPACE] == after


def test_the_protocol_sets_it_before_the_runner_is_built(
        options, tmp_path, switches, monkeypatch):
    def build(cfg):
        raise InterruptedError(os.environ.get(WORKSPACE))
    monkeypatch.setattr(QuietRunner, 'from_cfg', build)
    with pytest.raises(InterruptedError, match=':4096:8'):
        run_split(CONFIG, 0, tmp_path / 'run', options | {'randomness.deterministic': True})


def test_an_operation_without_such_a_kernel_is_one_line(capsys):
    said = ('avg_pool3d_backward_cuda does not have a deterministic implementation, but you set '
            "'torch.use_deterministic_algorithms(True)'. You can turn off determinism ...")

    def fail():
        raise RuntimeError(said)
    with pytest.raises(SystemExit, match='error: avg_pool3d_backward_cuda has no deterministic '
                                         'kernel on this GPU: leave --deterministic'):
        run_tool(fail)
    assert no_deterministic_kernel(RuntimeError('CUDA out of memory')) is None


class Names(TorchDispatchMode):
    """Notes the operations of a block."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.seen.add(str(function))
        return function(*args, **(kwargs or {}))


@pytest.mark.ci
@pytest.mark.parametrize('name', [name for name in CONFIGS if trained(name)])
def test_no_method_uses_what_cuda_has_no_deterministic_kernel_for(name, tiny_options):
    init_default_scope('mmaction')
    cfg = load_config(str(ROOT / name))
    override(cfg, own_options(name, tiny_options), split=0)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).train()
    clips = torch.randint(0, 256, (4, cfg.num_frames, 3, 32, 32)).float()
    if cfg.model.type == 'Recognizer3D':  # MMAction2's own: (B, crops, 3, T, S, S)
        clips = clips.transpose(1, 2)[:, None]
    samples = [ActionDataSample(metainfo=dict(sample_id=f'{i}.avi', emotion='')).set_gt_label(i % 3)
               for i in range(4)]
    with Names() as names:
        losses = model(clips, samples, mode='loss')
        sum(value.sum() for key, value in losses.items() if 'loss' in key).backward()
    assert len(names.seen) > 20
    found = {name.partition('.')[2] for name in filter(REFUSED.match, names.seen)}
    # MMAction2's SlowOnly pools so; docs/speed.md says which PyTorch it needs.
    slow_only = {'max_pool3d_with_indices_backward.default'} if 'slowonly' in name else set()
    assert found == slow_only


@pytest.mark.gpu
@pytest.mark.parametrize('more', [[], ['--amp']])
def test_two_runs_on_a_gpu_are_equal_to_the_bit(options, tmp_path, more):
    if not torch.cuda.is_available():
        pytest.skip('there is no GPU')
    found = []
    for name in ('one', 'two'):
        done = subprocess.run(
            [sys.executable, 'tools/train.py', CONFIG, '--deterministic', '--work-dir',
             str(tmp_path / name), *more, *command(options)], cwd=ROOT, text=True,
            capture_output=True)
        assert done.returncode == 0, done.stderr[-3000:]
        found.append(load_from_local(str(tmp_path / name / 'epoch_2.pth'), 'cpu')['state_dict'])
    one, two = found
    assert set(one) == set(two) and len(one) > 5
    for key, value in one.items():
        np.testing.assert_array_equal(value.numpy(), two[key].numpy(), key)
