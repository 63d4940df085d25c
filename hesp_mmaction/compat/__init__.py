"""The one place that makes MMAction2 1.2.0 work on current libraries.

MMAction2 1.2.0 is from 2023 and its last release; PyTorch, setuptools, transformers and OpenCV
have moved on. ``versions`` stops at an installation that cannot work, ``mends`` makes the
others work, and ``launching`` lets the same command train on GPUs and on a machine without one.
"""
from . import mends, versions


def apply():
    """Check what is installed and mend what is broken; called by ``hesp_mmaction/__init__.py``.

    It runs before anything of ``mmaction.models`` is imported.
    """
    versions.check_versions()
    mends.silence_known_warnings()
    mends.add_missing_drn()
    mends.skip_broken_multimodal()
    mends.register_checkpoint_loader()
    mends.say_unsafe_fork()
    mends.format_configs_once()
