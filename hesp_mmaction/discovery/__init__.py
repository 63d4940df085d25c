"""Category discovery: groups of unlabelled clips, some of known and some of unknown emotions."""
from .accuracy import discovery_figures
from .count import estimate_count
from .grouping import Grouping
from .kmeans import kmeans
from .semi_kmeans import semi_kmeans

__all__ = ['Grouping', 'discovery_figures', 'estimate_count', 'kmeans', 'semi_kmeans']
