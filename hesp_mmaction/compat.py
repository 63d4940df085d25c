"""The one place that makes MMAction2 1.2.0 work on current libraries.

MMAction2 1.2.0 is from 2023 and its last release; PyTorch, setuptools, transformers and OpenCV
have moved on. Each function below mends one break, looks first whether there is anything to
mend, and may be called twice. :func:`apply` runs before anything of ``mmaction.models`` is
imported; :func:`init_dist`, :func:`end_dist`, :func:`ddp_wrapper_cfg` and
:func:`optim_wrapper_cfg` serve the tools, so that the same command trains on GPUs and on a
machine without one.
"""
import gc
import importlib.util
import re
import sys
import warnings
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from packaging.version import Version


def apply():
    """Check what is installed and mend what is broken; called by ``hesp_mmaction/__init__.py``."""
    check_versions()
    silence_known_warnings()
    add_missing_drn()
    skip_broken_multimodal()
    register_checkpoint_loader()
    say_unsafe_fork()
    format_configs_once()


# ---------------------------------------------------------------------------------- versions
# What has to be importable, and the command that brings it. In this order, because the first
# ones are what the others need. What only some features need is looked for where they begin:
# pkg_resources in apis/configs.py, Haar cascades of OpenCV 4 in datasets/faces.py.
_NEEDED = {
    'torch': 'pip install torch torchvision',
    'torchvision': 'pip install torch torchvision',
    'importlib_metadata': 'pip install importlib-metadata',
    'cv2': 'pip install "opencv-python<5" "opencv-contrib-python<5"',
    'mmengine': 'pip install "mmengine>=0.10.7,<0.11"',
    'mmcv': 'pip install mmcv-lite==2.1.0',
    'mmaction': 'pip install mmaction2==1.2.0',
}

# (name at PyPI, lowest, first too new, remedy). mmaction2's own range for mmcv is an assertion
# that does not say that mmcv-lite serves as well.
_RANGES = [
    ('mmcv', '2.0.0rc4', '2.2.0', 'pip uninstall -y mmcv; pip install mmcv-lite==2.1.0'),
    ('mmcv-lite', '2.0.0rc4', '2.2.0', 'pip install --force-reinstall mmcv-lite==2.1.0'),
    ('mmaction2', '1.2.0', '2', 'pip install mmaction2==1.2.0'),
]


def check_versions():
    """Stop with one sentence and its remedy where an installation cannot work.

    The libraries' own errors for these cases (an assertion, ``operator torchvision::nms does not
    exist``) do not tell what to do. Only what stops the import of MMAction2 itself is looked at.
    The version of OpenCV is not: 4 and 5 both work, from any of its packages.

    Raises:
        ImportError: a module is missing or cannot be imported, or the version of mmcv or mmaction2
            is one that MMAction2 refuses.
    """
    for module, remedy in _NEEDED.items():
        if importlib.util.find_spec(module) is None:
            raise ImportError(f'hesp_mmaction needs the module {module!r}, which is not '
                              f'installed; run: {remedy}')
    for name, lowest, too_new, remedy in _RANGES:
        try:
            found = version(name)
        except PackageNotFoundError:
            continue
        if not Version(lowest) <= Version(found) < Version(too_new):
            raise ImportError(f'hesp_mmaction needs {name}>={lowest},<{too_new}, but {found} is '
                              f'installed; run: {remedy}')
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError, AttributeError) as error:
        raise ImportError(
            f'torchvision does not fit the installed torch ({error}); run: pip install '
            '--upgrade --force-reinstall torch torchvision') from error
    try:
        import cv2  # noqa: F401
    except ImportError as error:  # bare machines lack what its windows are drawn with
        raise ImportError(f'OpenCV cannot be imported ({error}); on Debian and Ubuntu run: '
                          'apt-get install libgl1 libglib2.0-0, or take a build without windows: '
                          'pip uninstall -y opencv-python opencv-contrib-python; '
                          'pip install opencv-python-headless') from error


# ---------------------------------------------------------------------------------- warnings
# Of every run, and nobody who runs a tool can do anything about them: mmcv-lite lacks a module that
# nothing here needs, and mmengine's own hook and MMAction2's transforms use its old file client.
_MMCV_LITE = 'Fail to import ``MultiScaleDeformableAttention`` from ``mmcv.ops'
_FILE_CLIENT = ('"FileClient" will be deprecated in future.',
                '"HardDiskBackend" is the alias of "LocalBackend"')


def keep_record(record):
    """Whether a log record is worth reading (a filter for loggers)."""
    return not record.getMessage().startswith(_FILE_CLIENT)


def silence_known_warnings():
    """Leave out the warnings above, by their text; all others are shown."""
    from mmengine.logging import MMLogger
    warnings.filterwarnings('ignore', re.escape(_MMCV_LITE))
    MMLogger.get_current_instance().addFilter(keep_record)


# ------------------------------------------------------------------------------ missing DRN
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
    """Stand-in that says why the temporal grounding model DRN is not there."""

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


# ------------------------------------------------------------------------------ transformers
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


# ------------------------------------------------------------------------------- checkpoints
def load_from_local(filename, map_location):
    """Load a checkpoint file without executing anything (the name is what mmengine logs).

    PyTorch 2.6 made ``weights_only=True`` the default of :func:`torch.load`, and mmengine's own
    checkpoints hold a few objects more than weights. Exactly these are allowed, for the time of
    this call only; see :func:`hesp_mmaction.models.weight_files.read_file`, which reads safetensors
    as well and says what is wrong with a file.

    Args:
        filename (str): path of the file; ``~`` is expanded.
        map_location (str | torch.device, optional): as of :func:`torch.load`.

    Returns:
        dict: the checkpoint.
    """
    from .models.weight_files import read_file
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
    """Make mmengine load local checkpoints with :func:`load_from_local`.

    mmengine calls :func:`torch.load` bare, so since PyTorch 2.6 it cannot resume from or test its
    own checkpoints. Loaders of other places (``http://``, ``s3://``) stay as they are.
    """
    from mmengine.runner.checkpoint import CheckpointLoader
    CheckpointLoader.register_scheme(prefixes='', loader=load_from_local, force=True)


def say_unsafe_fork():
    """Say so where the installed mmengine loads refused checkpoints in a second, unsafe try.

    Forks under the same import name do (onedl-mmengine): what ``weights_only=True`` refuses is
    unpickled all the same, and a crafted file runs its code. Files on disk never get there, see
    :func:`register_checkpoint_loader`.
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


# ------------------------------------------------------------------- machines without a GPU
def _on_cpu():
    """Whether mmengine will put the model on the CPU."""
    from mmengine.device import get_device
    return get_device() == 'cpu'


def init_dist(launcher):
    """Join the processes that a launcher started, before ``Runner`` does.

    Without an accelerator mmengine stops, because it always calls :func:`torch.cuda.set_device`;
    so here the group is started with gloo and that one call left out, and ``Runner`` then skips
    its own start. With an accelerator, or without a launcher, nothing is done.

    Args:
        launcher (str): ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.
    """
    import torch
    import torch.multiprocessing as mp
    from mmengine import dist
    if launcher == 'none' or dist.is_distributed() or not _on_cpu():
        return
    set_device, start_method = torch.cuda.set_device, mp.get_start_method(allow_none=True)
    torch.cuda.set_device = lambda device: None
    try:
        dist.init_dist(launcher, backend='gloo')
    finally:
        torch.cuda.set_device = set_device
        mp.set_start_method(start_method, force=True)  # the config's choice, not mmengine's


def end_dist():
    """Leave the group of processes, once all of them are here and no model holds it any more.

    A wrapped model that is still alive keeps gloo's threads running, and those may abort Python
    while it ends. Without a group nothing is done.
    """
    import torch.distributed as dist
    if dist.is_available() and dist.is_initialized():
        gc.collect()
        dist.barrier()
        dist.destroy_process_group()


def ddp_wrapper_cfg():
    """The ``model_wrapper_cfg`` that lets ``Runner`` wrap a model on CPUs as well as on GPUs.

    ``Runner`` adds the process's own GPU as ``device_ids`` where the config has none, which
    DistributedDataParallel refuses for a model on the CPU.
    """
    cfg = dict(type='MMDistributedDataParallel', broadcast_buffers=False,
               find_unused_parameters=False)
    if _on_cpu():
        cfg['device_ids'] = None
    return cfg


def optim_wrapper_cfg(optim_wrapper, amp):
    """The ``optim_wrapper`` of a config with or without mixed precision.

    ``--amp`` computes the backbone in bfloat16 where there is any, which needs no wrapper of its
    own. float16, on GPUs without bfloat16, needs one that scales the loss.

    Args:
        optim_wrapper (dict): The config's own.
        amp (bool): Whether ``--amp`` was given. A config that asks for ``AmpOptimWrapper`` by
            itself keeps it.

    Returns:
        dict: A copy with the right type. On the CPU, where ``AmpOptimWrapper`` stops with an
        assertion, it is always ``OptimWrapper``.

    Raises:
        ValueError: ``amp`` with a wrapper that is neither of the two.
    """
    cfg = optim_wrapper.copy()
    kind = cfg.get('type', 'OptimWrapper')
    if not amp and kind != 'AmpOptimWrapper':
        return cfg
    if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
        raise ValueError(f'--amp cannot be used with the optimizer wrapper {kind!r}; leave --amp '
                         "out or set optim_wrapper.type='OptimWrapper'.")
    if _on_cpu():
        if not amp:
            warnings.warn('AmpOptimWrapper needs an accelerator and there is none, so training '
                          'goes on in full precision; --amp computes in bfloat16 on CPUs, too.',
                          stacklevel=2)
        for key in ('loss_scale', 'dtype', 'use_fsdp'):
            cfg.pop(key, None)
        cfg['type'] = 'OptimWrapper'
    elif kind == 'AmpOptimWrapper' or not _has_bfloat16():
        cfg['type'] = 'AmpOptimWrapper'
        cfg.setdefault('loss_scale', 'dynamic')
        if amp:
            cfg.setdefault('dtype', 'bfloat16' if _has_bfloat16() else 'float16')
    return cfg


def _has_bfloat16():
    """Whether the accelerator of this process computes in bfloat16."""
    import torch
    from mmengine.device import get_device

    from .models.precision import compute_type
    return compute_type(get_device()) == torch.bfloat16
