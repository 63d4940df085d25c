"""Each mend of compat.py, against the real libraries or against a simulated breakage."""
import importlib.machinery
import importlib.metadata
import io
import logging
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import warnings
import zipfile

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.config import config as config_module
from mmengine.fileio import FileClient
from mmengine.logging import HistoryBuffer, MMLogger, print_log
from mmengine.runner.checkpoint import CheckpointLoader, save_checkpoint

from hesp_mmaction import compat
from hesp_mmaction.apis.configs import load_config
from hesp_mmaction.datasets import faces
from hesp_mmaction.errors import InputError


def run_python(code, path=None):
    """Run code in a fresh Python, with ``path`` before everything else on its module path."""
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(
        str(p) for p in (path, os.environ.get('PYTHONPATH')) if p))
    return subprocess.run([sys.executable, '-W', 'ignore', '-c', textwrap.dedent(code)],
                          capture_output=True, text=True, env=env, timeout=120)


@pytest.fixture
def on_cpu(monkeypatch):
    monkeypatch.setattr(compat, '_on_cpu', lambda: True)


@pytest.fixture
def on_gpu(monkeypatch):
    monkeypatch.setattr(compat, '_on_cpu', lambda: False)


# ---------------------------------------------------------------------------------- versions
def test_check_versions_accepts_this_installation():
    compat.check_versions()


@pytest.mark.parametrize('module', list(compat._NEEDED))
def test_missing_module_names_its_remedy(monkeypatch, module):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, 'find_spec',
                        lambda name, *a: None if name == module else real(name, *a))
    with pytest.raises(ImportError, match=f'{module}.*pip install'):
        compat.check_versions()


@pytest.mark.parametrize('name, found', [
    ('mmcv', '2.2.0'), ('mmcv', '1.7.2'), ('mmcv-lite', '2.2.0'), ('mmaction2', '0.24.1')])
def test_version_out_of_range_names_its_remedy(monkeypatch, name, found):
    real = compat.version
    monkeypatch.setattr(compat, 'version', lambda n: found if n == name else real(n))
    with pytest.raises(ImportError, match=f'{name}>=.*{found} is installed; run: pip '):
        compat.check_versions()


@pytest.mark.parametrize('name', ['opencv-python', 'opencv-python-headless'])
def test_opencv_5_is_fine_but_for_haar_cascades(monkeypatch, name):
    real = compat.version
    monkeypatch.setattr(compat, 'version', lambda n: '5.0.0.93' if n == name else real(n))
    compat.check_versions()
    monkeypatch.delattr(cv2, 'CascadeClassifier')
    faces._cascade.cache_clear()
    with pytest.raises(InputError, match='no Haar cascades: pip install "opencv-python<5"'):
        faces.load_detector('haar')


@pytest.mark.ci
def test_opencv_5_headless_alone_imports(tmp_path):
    """As on a server: cv2 of version 5 without Haar cascades, and no other OpenCV package."""
    done = run_python('''
        import importlib.metadata as metadata, cv2
        real = metadata.version
        def version(name):
            if name in ('opencv-python', 'opencv-contrib-python', 'opencv-contrib-python-headless'):
                raise metadata.PackageNotFoundError(name)
            return '5.0.0.93' if name == 'opencv-python-headless' else real(name)
        metadata.version = version
        cv2.__version__ = '5.0.0'
        del cv2.CascadeClassifier
        import hesp_mmaction
        from hesp_mmaction.datasets.faces import load_detector
        from hesp_mmaction.errors import InputError
        try:
            load_detector('haar')
        except InputError as error:
            print(error)
        ''')
    assert done.stdout.startswith('OpenCV 5.0.0 has no Haar cascades'), done.stderr[-2000:]


def test_pkg_resources_is_asked_for_by_configs_of_other_packages_alone(monkeypatch, tmp_path):
    """setuptools 81 has it no more; mmengine imports it to find 'mmaction::...'."""
    monkeypatch.setitem(sys.modules, 'pkg_resources', None)  # an import of it fails
    compat.check_versions()
    (tmp_path / 'own.py').write_text('x = 1\n')
    assert load_config(tmp_path / 'own.py').x == 1
    (tmp_path / 'other.py').write_text("_base_ = 'mmaction::_base_/default_runtime.py'\n")
    with pytest.raises(InputError, match=r"other\.py.*pkg_resources.*pip install .setuptools<81"):
        load_config(tmp_path / 'other.py')


def test_full_mmcv_of_the_right_version_is_fine(monkeypatch):
    real = compat.version
    monkeypatch.setattr(compat, 'version', lambda n: '2.1.0' if n == 'mmcv' else real(n))
    compat.check_versions()


@pytest.mark.parametrize('module, error, said', [
    ('torchvision', RuntimeError('operator torchvision::nms does not exist'),
     'torchvision::nms.*pip install'),
    ('cv2', ImportError('libGL.so.1: cannot open shared object file'),
     'libGL.*apt-get install libgl1')])
def test_a_module_that_cannot_be_imported_names_its_remedy(monkeypatch, module, error, said):
    class Broken:
        def find_spec(self, name, path=None, target=None):
            if name == module:
                raise error

    spec = importlib.machinery.ModuleSpec(module, None)
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, 'find_spec',
                        lambda name, *a: spec if name == module else real(name, *a))
    monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(sys, 'meta_path', [Broken(), *sys.meta_path])
    with pytest.raises(ImportError, match=said):
        compat.check_versions()


def test_import_stops_before_mmaction_asserts(tmp_path):
    """As a user meets it: a too new mmcv, seen when the package is imported."""
    info = tmp_path / 'mmcv-2.2.0.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text('Metadata-Version: 2.1\nName: mmcv\nVersion: 2.2.0\n')
    done = run_python('import hesp_mmaction', tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith('ImportError: hesp_mmaction needs mmcv>=2.0')


# ------------------------------------------------------------------------------ missing DRN
def test_models_import_and_drn_says_why_it_is_missing():
    from mmaction.models.localizers import DRN
    from mmaction.registry import MODELS
    if DRN is not compat.DRN:
        pytest.skip('this MMAction2 is complete')
    with pytest.raises(ImportError, match='left out of the mmaction2 1.2.0 package'):
        MODELS.build(dict(type='DRN'))


def test_complete_mmaction_is_not_shadowed(tmp_path):
    package = tmp_path / 'mmaction' / 'models' / 'localizers' / 'drn'
    package.mkdir(parents=True)
    for folder in (package.parents[1], package.parents[0], package.parents[2], package):
        (folder / '__init__.py').touch()
    (package / 'drn.py').write_text('DRN = "the real one"\n')
    done = run_python('''
        import importlib.util, pathlib, sys
        spec = importlib.util.find_spec('hesp_mmaction')
        compat_file = pathlib.Path(spec.origin).with_name('compat.py')
        spec = importlib.util.spec_from_file_location('compat', compat_file)
        compat = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(compat)
        compat.add_missing_drn()
        from mmaction.models.localizers.drn.drn import DRN
        print(DRN)
        ''', tmp_path)
    assert done.stdout.strip() == 'the real one', done.stderr


def test_drn_finder_is_added_once():
    compat.add_missing_drn()
    compat.add_missing_drn()
    finders = [f for f in sys.meta_path if isinstance(f, compat._MissingDRN)]
    assert len(finders) == 1
    assert finders[0].find_spec('mmaction.models.localizers.other') is None


def test_drn_finder_serves_both_modules(monkeypatch):
    """The same as the import above, but in this process whatever was imported before."""
    import mmaction.registry
    monkeypatch.setattr(mmaction.registry, 'MODELS', mmaction.registry.MODELS.__class__('test'))
    finder = compat._MissingDRN()
    for name in (compat._DRN, f'{compat._DRN}.drn'):
        module = importlib.util.module_from_spec(finder.find_spec(name))
        finder.exec_module(module)
    assert module.DRN is compat.DRN
    with pytest.raises(ImportError, match='left out'):
        module.DRN(backbone=None)


# ------------------------------------------------------------------------------ transformers
@pytest.mark.parametrize('source, kept', [
    ('from .pytorch_utils import apply_chunking_to_forward, find_pruneable_heads_and_indices',
     True),
    ('class PreTrainedModel: ...', False)])
def test_multimodal_is_skipped_only_with_too_new_transformers(
        monkeypatch, tmp_path, source, kept):
    from mmaction.utils import dependency
    package = tmp_path / 'transformers'
    package.mkdir()
    (package / '__init__.py').touch()
    (package / 'modeling_utils.py').write_text(source)
    spec = importlib.machinery.ModuleSpec('transformers', None, is_package=True)
    spec.submodule_search_locations.append(str(package))
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: spec)
    monkeypatch.setattr(dependency, 'WITH_MULTIMODAL', True)
    compat.skip_broken_multimodal()
    assert dependency.WITH_MULTIMODAL is kept


def test_a_folder_called_transformers_is_no_installation(monkeypatch, tmp_path):
    """A namespace package: it has no origin, and nothing that VindLU could import."""
    from mmaction.utils import dependency
    spec = importlib.machinery.ModuleSpec('transformers', None, is_package=True)
    spec.submodule_search_locations.append(str(tmp_path))
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: spec)
    monkeypatch.setattr(dependency, 'WITH_MULTIMODAL', True)
    compat.skip_broken_multimodal()
    assert dependency.WITH_MULTIMODAL is False


def test_without_transformers_nothing_happens(monkeypatch):
    from mmaction.utils import dependency
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    monkeypatch.setattr(dependency, 'WITH_MULTIMODAL', 'untouched')
    compat.skip_broken_multimodal()
    assert dependency.WITH_MULTIMODAL == 'untouched'


# ------------------------------------------------------------------------------- checkpoints
def load(path):
    return CheckpointLoader.load_checkpoint(str(path), map_location='cpu', logger='silent')


@pytest.fixture
def checkpoint(tmp_path):
    """What Runner saves: weights, meta data with numpy scalars, history of logged numbers."""
    path = tmp_path / 'epoch_1.pth'
    save_checkpoint(dict(
        state_dict={'weight': torch.arange(3.)},
        meta=dict(epoch=1, seed=np.int64(7), accuracy=np.float32(0.5),
                  dataset_meta=dict(classes=('anger', 'fear'))),
        message_hub=dict(
            log_scalars=dict(loss=HistoryBuffer([3., 2.], [1, 1])),
            runtime_info=dict(names=np.array(['anger', 'fear']), flags=np.array([True])),
        )), str(path))
    return path


def test_mmengine_checkpoint_loads(checkpoint):
    loaded = load(checkpoint)
    assert torch.equal(loaded['state_dict']['weight'], torch.arange(3.))
    assert loaded['meta']['seed'] == 7 and loaded['meta']['accuracy'] == np.float32(0.5)
    buffer = loaded['message_hub']['log_scalars']['loss']
    assert buffer.mean() == buffer.statistics('mean') == 2.5
    assert loaded['message_hub']['runtime_info']['names'].tolist() == ['anger', 'fear']


def test_nothing_is_loosened_outside_the_loader(checkpoint):
    load(checkpoint)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(checkpoint, weights_only=True)


def test_registering_twice_keeps_other_loaders():
    http = CheckpointLoader._get_checkpoint_loader('https://example.org/x.pth')
    compat.register_checkpoint_loader()
    compat.register_checkpoint_loader()
    assert CheckpointLoader._get_checkpoint_loader('x.pth') is compat.load_from_local
    assert CheckpointLoader._get_checkpoint_loader('https://example.org/x.pth') is http


@pytest.mark.parametrize('source, warned', [
    ('    return torch.load(file, map_location=map_location, weights_only=False)\n', True),
    ('    checkpoint = torch.load(filename, map_location=map_location)\n', False)])
def test_an_mmengine_that_loads_in_a_second_try_is_said(monkeypatch, tmp_path, source, warned):
    """Forks have the same import name; what they do is in their source, who they are in pip's."""
    package = tmp_path / 'mmengine'
    (package / 'runner').mkdir(parents=True)
    (package / 'runner/checkpoint.py').write_text(source)
    spec = importlib.machinery.ModuleSpec('mmengine', None, is_package=True)
    spec.submodule_search_locations.append(str(package))
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: spec)
    monkeypatch.setattr(compat, 'packages_distributions', lambda: dict(mmengine=['onedl-mmengine']))
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter('always')
        compat.say_unsafe_fork()
    assert [str(w.message).partition(' executes')[0] for w in found] == (
        ['the installed onedl-mmengine'] if warned else [])


def test_this_mmengine_does_not_and_all_of_its_ways_to_a_file_are_ours(checkpoint, monkeypatch):
    """Runner (test, --resume) and the start of a model's weights end in one loader.

    EMAHook takes the checkpoint that Runner loaded.
    """
    assert 'weights_only=False' not in compat._source('mmengine', 'runner', 'checkpoint.py')
    from mmengine.model import PretrainedInit
    from mmengine.runner import Runner
    from mmengine.runner import checkpoint as module
    asked = []
    monkeypatch.setattr(torch, 'load', lambda *a, **more: asked.append(more) or dict(
        state_dict={}, meta={}))
    runner = Runner.__new__(Runner)
    runner.model, runner._hooks = torch.nn.Linear(1, 1), []
    runner.logger = logging.getLogger('silent')
    path = str(checkpoint)
    Runner.load_checkpoint(runner, path)
    module.load_checkpoint(torch.nn.Linear(1, 1), path)
    PretrainedInit(path)(torch.nn.Linear(1, 1))
    assert [more['weights_only'] for more in asked] == [True] * 3


class Payload:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, 'w')


def test_other_payload_is_refused_and_not_executed(tmp_path):
    mark = tmp_path / 'executed'
    torch.save(dict(state_dict={}, extra=Payload(str(mark))), tmp_path / 'bad.pth')
    with pytest.raises(pickle.UnpicklingError, match=r'bad\.pth was refused.*open.*torch\.save'):
        load(tmp_path / 'bad.pth')
    assert not mark.exists()
    name = f'{open.__module__}.open'  # io.open until Python 3.11, then _io.open
    with torch.serialization.safe_globals([(open, name)]):  # the payload is a real one
        torch.load(tmp_path / 'bad.pth', weights_only=True)
    assert mark.exists()


def write_pickle(path, program):
    """Write a checkpoint whose pickle program was made by hand."""
    blank = io.BytesIO()
    torch.save({}, blank)
    with zipfile.ZipFile(blank) as old, zipfile.ZipFile(path, 'w') as new:
        for name in old.namelist():
            new.writestr(name, program if name.endswith('data.pkl') else old.read(name))


def test_getattr_reaches_nothing_but_history_methods(tmp_path):
    """HistoryBuffer's state plus a free getattr is a way to eval; it has to be closed."""
    def text(value):
        return b'X' + len(value).to_bytes(4, 'little') + value.encode()

    mark = tmp_path / 'executed'
    get = b'c__builtin__\ngetattr\n'
    find_eval = get + (get + get + text('__self__') + b'\x86R') + text('eval') + b'\x86R'
    write_pickle(tmp_path / 'bad.pth', b''.join([
        b'\x80\x02', b'cmmengine.logging.history_buffer\nHistoryBuffer\n)\x81',
        b'}', text('__setstate__'), find_eval, b'sb',  # buffer.__setstate__ = eval
        text(f'open({str(mark)!r}, "w")'), b'b.']))  # buffer.__setstate__('open(...)')
    with pytest.raises(pickle.UnpicklingError, match='refused.*getattr'):
        load(tmp_path / 'bad.pth')
    assert not mark.exists()
    with torch.serialization.safe_globals([HistoryBuffer, getattr]):  # a real way, if allowed
        torch.load(tmp_path / 'bad.pth', weights_only=True)
    assert mark.exists()


def test_configs_are_formatted_once():
    """The same text again, another one anew; options count; twice applied is once."""
    compat.format_configs_once()
    called = []
    remember = compat._Remember(lambda text, **options: called.append(text) or (text, options))
    for text, width in (('a', 1), ('a', 1), ('b', 1), ('a', 1), ('a', 2)):
        assert remember(text, width=width) == (text, dict(width=width))
    assert called == ['a', 'b', 'a', 'a']
    cfg = Config(dict(a=1))
    first = cfg.pretty_text
    cfg.a = 2
    assert first == 'a = 1\n' and cfg.pretty_text == 'a = 2\n'
    assert not isinstance(config_module.FormatCode.function, compat._Remember)


def test_unreadable_files_are_named(checkpoint, tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere.pth does not exist'):
        load(tmp_path / 'nowhere.pth')
    data = checkpoint.read_bytes()
    for name, content in dict(cut=data[:len(data) // 2], empty=b'').items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=f'{name} is damaged'):
            load(tmp_path / name)
    (tmp_path / 'page.pth').write_text('<html>not found</html>')
    with pytest.raises(InputError, match='page.pth is no file of weights'):
        load(tmp_path / 'page.pth')


def test_other_errors_of_torch_load_pass(checkpoint):
    with pytest.raises(RuntimeError, match='nonsense'):
        compat.load_from_local(checkpoint, 'nonsense')


# ------------------------------------------------------------------- machines without a GPU
@pytest.mark.parametrize('kind', ['none', 'pytorch'])
def test_init_dist_leaves_other_cases_to_runner(on_gpu, kind):
    compat.init_dist(kind)
    assert not torch.distributed.is_initialized()


def test_init_dist_one_process(on_cpu, monkeypatch):
    """In this process; the start method and torch are as before, a second call does nothing."""
    for key, value in dict(RANK=0, LOCAL_RANK=0, WORLD_SIZE=1, MASTER_ADDR='127.0.0.1',
                           MASTER_PORT=0).items():
        monkeypatch.setenv(key, str(value))
    before = torch.cuda.set_device, torch.multiprocessing.get_start_method(allow_none=True)
    try:
        compat.init_dist('pytorch')
        compat.init_dist('pytorch')
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
from hesp_mmaction import compat
from hesp_mmaction.errors import InputError


class Model(BaseModel):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, inputs, mode):
        return dict(loss=(self.weight * inputs).sum())


compat.init_dist('pytorch')
rank = torch.distributed.get_rank()
total = torch.tensor([rank + 1.])
torch.distributed.all_reduce(total)
assert total == 3, total
runner = Runner(
    Model(), sys.argv[1], launcher='pytorch', default_scope='mmengine',
    train_dataloader=dict(batch_size=1, num_workers=0, dataset=[torch.ones(1), torch.ones(1) * 3],
                          sampler=dict(type='DefaultSampler', shuffle=False)),
    train_cfg=dict(by_epoch=True, max_epochs=1), env_cfg=dict(dist_cfg=dict(backend='nccl')),
    optim_wrapper=compat.optim_wrapper_cfg(dict(optimizer=dict(type='SGD', lr=1.)), amp=True),
    cfg=dict(model_wrapper_cfg=compat.ddp_wrapper_cfg()))
runner.train()
weight = runner.model.module.weight.item()  # the mean gradient of both processes
Path(sys.argv[1], f'weight{runner.rank}').write_text(str(weight))
del runner
compat.end_dist()
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
    loaded = load(tmp_path / 'work' / 'epoch_1.pth')
    assert loaded['state_dict']['weight'].item() == -2
    assert isinstance(loaded['message_hub']['log_scalars']['train/loss'], HistoryBuffer)


def test_on_cpu_follows_mmengine():
    from mmengine.device import get_device
    assert compat._on_cpu() is (get_device() == 'cpu')


def test_ddp_wrapper_on_gpu_leaves_the_device_to_runner(on_gpu):
    assert 'device_ids' not in compat.ddp_wrapper_cfg()


def test_ddp_wrapper_on_cpu_has_no_device(on_cpu):
    assert compat.ddp_wrapper_cfg()['device_ids'] is None


@pytest.mark.parametrize('bfloat16', [True, False])
def test_amp_on_gpu(on_gpu, monkeypatch, bfloat16):
    """bfloat16 needs no wrapper; float16 needs one that scales the loss."""
    monkeypatch.setattr(compat, '_has_bfloat16', lambda: bfloat16)
    plain = dict(type='OptimWrapper', optimizer=dict(type='SGD'))
    scaled = dict(plain, type='AmpOptimWrapper', loss_scale='dynamic', dtype='float16')
    assert compat.optim_wrapper_cfg(plain, amp=False) == plain
    assert compat.optim_wrapper_cfg(plain, amp=True) == (plain if bfloat16 else scaled)
    own = dict(plain, type='AmpOptimWrapper', loss_scale=512.)
    assert compat.optim_wrapper_cfg(own, amp=False) == own
    assert compat.optim_wrapper_cfg(own, amp=True) == dict(
        own, dtype='bfloat16' if bfloat16 else 'float16')
    assert plain['type'] == 'OptimWrapper'  # the config itself is not changed


def test_amp_on_cpu_needs_no_wrapper(on_cpu, recwarn):
    plain = dict(type='OptimWrapper', optimizer=dict(type='SGD'))
    amp = dict(plain, type='AmpOptimWrapper', loss_scale='dynamic', dtype='bfloat16')
    assert compat.optim_wrapper_cfg(plain, amp=True) == plain
    assert compat.optim_wrapper_cfg(amp, amp=True) == plain
    assert not recwarn.list
    with pytest.warns(UserWarning, match='full precision'):
        assert compat.optim_wrapper_cfg(amp, amp=False) == plain


def test_amp_refuses_other_wrappers(on_gpu):
    with pytest.raises(ValueError, match='leave --amp out'):
        compat.optim_wrapper_cfg(dict(type='ApexOptimWrapper'), amp=True)


# ----------------------------------------------------------------------------------- package
@pytest.mark.ci
def test_package_imports_from_anywhere(tmp_path):
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c',
         'import hesp_mmaction; print(hesp_mmaction.__version__)'],
        capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.stdout.strip() == importlib.metadata.version('hesp-mmaction'), done.stderr


def test_apply_twice():
    compat.apply()
    compat.apply()


# ---------------------------------------------------------------------------------- warnings
def test_warnings_about_the_file_client_are_left_out_and_others_shown():
    """As mmengine's checkpoint hook and MMAction2's transforms call them forth."""
    compat.silence_known_warnings()
    logger, said = MMLogger.get_current_instance(), []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())
    logger.handlers.append(handler)
    try:
        FileClient(backend='disk')
        print_log('another warning', 'current', logging.WARNING)
    finally:
        logger.handlers.remove(handler)
    assert said == ['another warning']
