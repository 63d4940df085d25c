"""Mends of libraries: each function mends one break of MMAction2 1.2.0 or mmengine.

It looks first whether there is anything to mend, and may be called twice.
"""
import importlib.util
import re
import sys
import warnings
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.metadata import packages_distributions
from pathlib import Path

# Of every run, and nobody who runs a tool can do anything about them: mmcv-lite lacks a module that
# nothing here needs, and mmengine's own hook and MMAction2's transforms use its old file client.
_MMCV_LITE = 'Fail to import ``MultiScaleDeformableAttention`` from ``mmcv.ops'
_FILE_CLIENT = ('"FileClient" will be deprecated in future.',
                '"HardDiskBackend" is the alias of "LocalBackend"')


def keep_record(record):
    """Whether a log record is worth reading. It is a filter for loggers.

    Args:
        record (logging.LogRecord): the record.

    Returns:
        bool: False for two messages about mmengine's file backends.
    """
    return not record.getMessage().startswith(_FILE_CLIENT)


def silence_known_warnings():
    """Leave out the warnings above, by their text; all others are shown."""
    from mmengine.logging import MMLogger
    warnings.filterwarnings('ignore', re.escape(_MMCV_LITE))
    MMLogger.get_current_instance().addFilter(keep_record)


_DRN = 'mmaction.models.localizers.drn'


class _MissingDRN(MetaPathFinder, Loader):
    """Serves a stand-in for ``mmaction.models.localizers.drn`` when nobody else has it.

    The folder was left out of mmaction2 1.2.0's wheel and sdist, although
    ``localizers/__init__.py`` imports it, so that not one model can be imported.
    """

    def find_spec(self, fullname, path=None, target=None):
        if fullname in (_DRN, f'{_DRN}.drn'):
            return ModuleSpec(fullname, self, origin=__file__, is_package=fullname == _DRN)

    def exec_module(self, module):
        if module.__name__ == f'{_DRN}.drn':
            from mmaction.registry import MODELS
            module.DRN = MODELS.register_module(name='DRN', module=DRN)


class DRN:
    """Stand-in that says why the temporal grounding model DRN is not there.

    Args:
        *args (Any): not used.
        **kwargs (Any): not used.

    Raises:
        ImportError: always.
    """

    def __init__(self, *args, **kwargs):
        raise ImportError(
            'DRN was left out of the mmaction2 1.2.0 package; to use it, install MMAction2 from '
            'a clone of its repository: pip install -e path/to/mmaction2')


def add_missing_drn():
    """Let ``mmaction.models`` be imported from an installation without its ``drn`` folder.

    The finder is appended last, so a complete installation is never shadowed.
    """
    if not any(isinstance(finder, _MissingDRN) for finder in sys.meta_path):
        sys.meta_path.append(_MissingDRN())


def skip_broken_multimodal():
    """Leave out MMAction2's multimodal models where transformers is too new for them.

    MMAction2 imports VindLU as soon as any transformers is installed, and VindLU takes helpers
    from ``transformers.modeling_utils`` that newer ones no longer have there. Reading that file
    is enough to know; importing transformers would take seconds.
    """
    if importlib.util.find_spec('transformers') is None:
        return
    source = _source('transformers', 'modeling_utils.py') or ''  # none: another thing of that name
    if not ('apply_chunking_to_forward' in source
            and 'find_pruneable_heads_and_indices' in source):
        import mmaction.utils.dependency as dependency
        dependency.WITH_MULTIMODAL = False


def load_from_local(filename, map_location):
    """Load a checkpoint file without executing anything (the name is what mmengine logs).

    PyTorch 2.6 made ``weights_only=True`` the default of ``torch.load``, and mmengine's own
    checkpoints hold a few objects more than weights. Exactly these are allowed, for the time of
    this call only; see ``hesp_mmaction.models.weight_files.read_file``, which reads safetensors
    as well and says what is wrong with a file.

    Args:
        filename (str): path of the file; ``~`` is expanded.
        map_location (str | torch.device, optional): see ``torch.load``.

    Returns:
        dict: the checkpoint.
    """
    from ..models.weight_files import read_file
    return read_file(filename, 'checkpoint', map_location)


def format_configs_once():
    """Let mmengine lay out a config once, not anew for every checkpoint.

    Each checkpoint holds the text of its config; yapf takes 0.1 to 0.3 s for it, more than an epoch
    on stored features.
    """
    from mmengine.config import config
    if hasattr(config, 'FormatCode') and not hasattr(config.FormatCode, 'remembered'):
        config.FormatCode = _Remember(config.FormatCode)


class _Remember:
    """A function that gives the result of its last text again."""

    def __init__(self, function):
        self.function, self.remembered = function, None

    def __call__(self, text, **options):
        if self.remembered is None or self.remembered[0] != (text, options):
            self.remembered = (text, options), self.function(text, **options)
        return self.remembered[1]


def register_checkpoint_loader():
    """Make mmengine load local checkpoints with ``load_from_local``.

    mmengine calls ``torch.load`` bare, so since PyTorch 2.6 it cannot resume from or test its
    own checkpoints. Loaders of other places (``http://``, ``s3://``) stay as they are.
    """
    from mmengine.runner.checkpoint import CheckpointLoader
    CheckpointLoader.register_scheme(prefixes='', loader=load_from_local, force=True)


def say_unsafe_fork():
    """Say so where the installed mmengine loads refused checkpoints in a second, unsafe try.

    Forks under the same import name do (onedl-mmengine): what ``weights_only=True`` refuses is
    unpickled all the same, and a crafted file runs its code. Files on disk never get there, see
    ``register_checkpoint_loader``.
    """
    source = _source('mmengine', 'runner', 'checkpoint.py')
    if source is None or 'weights_only=False' not in source:
        return
    names = packages_distributions().get('mmengine', ['mmengine'])
    warnings.warn(f'the installed {", ".join(sorted(set(names)))} executes what a checkpoint '
                  'contains if it cannot be loaded safely. hesp_mmaction reads files on disk with '
                  'its own loader, which does not; checkpoints at http://, s3:// and the like are '
                  'not safe: download them and give the file, or pip install mmengine',
                  stacklevel=2)


def _source(package, *parts):
    """Text of a file of an installed package, which is not imported; None if it is not there."""
    spec = importlib.util.find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder, *parts)
        if path.is_file():
            return path.read_text(encoding='utf-8')
    return None
