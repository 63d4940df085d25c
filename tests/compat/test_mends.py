"""Each mend, against the real libraries or against a simulated breakage."""
import importlib.machinery
import importlib.metadata
import io
import logging
import pickle
import sys
import warnings
import zipfile

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.config import config as config_module
from mmengine.fileio import FileClient
from mmengine.logging import HistoryBuffer, MMLogger, print_log
from mmengine.runner.checkpoint import CheckpointLoader, save_checkpoint

from hesp_mmaction.compat import mends
from hesp_mmaction.errors import InputError


def test_models_import_and_drn_says_why_it_is_missing():
    from mmaction.models.localizers import DRN
    from mmaction.registry import MODELS
    if DRN is not mends.DRN:
        pytest.skip('this MMAction2 is complete')
    with pytest.raises(ImportError, match='left out of the mmaction2 1.2.0 package'):
        MODELS.build(dict(type='DRN'))


def test_complete_mmaction_is_not_shadowed(run_python, tmp_path):
    package = tmp_path / 'mmaction' / 'models' / 'localizers' / 'drn'
    package.mkdir(parents=True)
    for folder in (package.parents[1], package.parents[0], package.parents[2], package):
        (folder / '__init__.py').touch()
    (package / 'drn.py').write_text('DRN = "the real one"\n')
    done = run_python('''
        import importlib.util, pathlib, sys
        spec = importlib.util.find_spec('hesp_mmaction')
        path = pathlib.Path(spec.origin).parent / 'compat/mends.py'
        spec = importlib.util.spec_from_file_location('mends', path)
        mends = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(mends)
        mends.add_missing_drn()
        from mmaction.models.localizers.drn.drn import DRN
        print(DRN)
        ''', tmp_path)
    assert done.stdout.strip() == 'the real one', done.stderr


def test_drn_finder_is_added_once():
    mends.add_missing_drn()
    mends.add_missing_drn()
    finders = [f for f in sys.meta_path if isinstance(f, mends._MissingDRN)]
    assert len(finders) == 1
    assert finders[0].find_spec('mmaction.models.localizers.other') is None


def test_drn_finder_serves_both_modules(monkeypatch):
    """The same as the import above, but in this process whatever was imported before."""
    import mmaction.registry
    monkeypatch.setattr(mmaction.registry, 'MODELS', mmaction.registry.MODELS.__class__('test'))
    finder = mends._MissingDRN()
    for name in (mends._DRN, f'{mends._DRN}.drn'):
        module = importlib.util.module_from_spec(finder.find_spec(name))
        finder.exec_module(module)
    assert module.DRN is mends.DRN
    with pytest.raises(ImportError, match='left out'):
        module.DRN(backbone=None)


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
    mends.skip_broken_multimodal()
    assert dependency.WITH_MULTIMODAL is kept


def test_a_folder_called_transformers_is_no_installation(monkeypatch, tmp_path):
    """A namespace package: it has no origin, and nothing that VindLU could import."""
    from mmaction.utils import dependency
    spec = importlib.machinery.ModuleSpec('transformers', None, is_package=True)
    spec.submodule_search_locations.append(str(tmp_path))
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: spec)
    monkeypatch.setattr(dependency, 'WITH_MULTIMODAL', True)
    mends.skip_broken_multimodal()
    assert dependency.WITH_MULTIMODAL is False


def test_without_transformers_nothing_happens(monkeypatch):
    from mmaction.utils import dependency
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    monkeypatch.setattr(dependency, 'WITH_MULTIMODAL', 'untouched')
    mends.skip_broken_multimodal()
    assert dependency.WITH_MULTIMODAL == 'untouched'


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
    mends.register_checkpoint_loader()
    mends.register_checkpoint_loader()
    assert CheckpointLoader._get_checkpoint_loader('x.pth') is mends.load_from_local
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
    monkeypatch.setattr(mends, 'packages_distributions', lambda: dict(mmengine=['onedl-mmengine']))
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter('always')
        mends.say_unsafe_fork()
    assert [str(w.message).partition(' executes')[0] for w in found] == (
        ['the installed onedl-mmengine'] if warned else [])


def test_this_mmengine_does_not_and_all_of_its_ways_to_a_file_are_ours(checkpoint, monkeypatch):
    """Runner (test, --resume) and the start of a model's weights end in one loader.

    EMAHook takes the checkpoint that Runner loaded.
    """
    assert 'weights_only=False' not in mends._source('mmengine', 'runner', 'checkpoint.py')
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
    mends.format_configs_once()
    called = []
    remember = mends._Remember(lambda text, **options: called.append(text) or (text, options))
    for text, width in (('a', 1), ('a', 1), ('b', 1), ('a', 1), ('a', 2)):
        assert remember(text, width=width) == (text, dict(width=width))
    assert called == ['a', 'b', 'a', 'a']
    cfg = Config(dict(a=1))
    first = cfg.pretty_text
    cfg.a = 2
    assert first == 'a = 1\n' and cfg.pretty_text == 'a = 2\n'
    assert not isinstance(config_module.FormatCode.function, mends._Remember)


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
        mends.load_from_local(checkpoint, 'nonsense')


def test_warnings_about_the_file_client_are_left_out_and_others_shown():
    """As mmengine's checkpoint hook and MMAction2's transforms call them forth."""
    mends.silence_known_warnings()
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
