"""Category discovery: groups of unlabelled clips, some of known and some of unknown emotions."""
from .accuracy import discovery_figures
from .count import estimate_count
from .grouping import Grouping
from .kmeans import kmeans
from .semi_kmeans import semi_kmeans
from .simgcd import simgcd
from .text_simgcd import clip_texts, text_simgcd

# Methods on features alone, by the names of tables. `text_simgcd` also needs texts.
METHODS = dict(kmeans=kmeans, semi_kmeans=semi_kmeans, simgcd=simgcd)

__all__ = ['METHODS', 'Grouping', 'clip_texts', 'discovery_figures', 'estimate_count', 'kmeans',
           'semi_kmeans', 'simgcd', 'text_simgcd']
