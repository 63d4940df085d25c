"""What tools and other programs call."""
from .configs import find_config
from .inferencer import HESPInferencer
from .predictions import write_results

__all__ = ['HESPInferencer', 'find_config', 'write_results']
