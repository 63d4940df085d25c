"""Open-set video facial expression recognition for MMAction2.

Importing the package makes MMAction2 work on current libraries (:mod:`hesp_mmaction.compat`) and
registers every part in MMAction2's own registries, so that a config only has to say
``custom_imports = dict(imports=['hesp_mmaction'])``.
"""
from . import compat
from .version import __version__

compat.apply()

from . import apis, datasets, engine, evaluation, models, visualization  # noqa: E402

__all__ = ['__version__', 'apis', 'compat', 'datasets', 'engine', 'evaluation', 'models',
           'visualization']
