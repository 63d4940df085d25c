"""Open-set facial expression recognition in video, for MMAction2.

Importing the package does two things. It makes MMAction2 work on current libraries
(``hesp_mmaction.compat``), and it registers every part in MMAction2's own registries. A config
therefore only needs the line ``custom_imports = dict(imports=['hesp_mmaction'])``.
"""
from . import compat
from .version import __version__

compat.apply()

from . import apis, datasets, engine, evaluation, models, visualization  # noqa: E402

__all__ = ['__version__', 'apis', 'compat', 'datasets', 'engine', 'evaluation', 'models',
           'visualization']
