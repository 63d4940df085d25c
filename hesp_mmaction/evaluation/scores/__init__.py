"""Post-hoc scores: one family a file, each on a head's outputs or on a dump."""
from .hesp import hesp_centred, hesp_logit, hesp_mean_softmax
from .logits import energy, entropy, generalised_entropy, margin, max_logit, max_softmax
from .mahalanobis import mahalanobis, relative_mahalanobis
from .neighbours import knn
from .registry import SCORES, compute_score, compute_scores, register_score
from .text import mcm, not_x_of_all, not_x_of_predicted
from .vim import vim

__all__ = ['SCORES', 'compute_score', 'compute_scores', 'energy', 'entropy',
           'generalised_entropy', 'hesp_centred', 'hesp_logit', 'hesp_mean_softmax', 'knn',
           'mahalanobis', 'margin', 'max_logit', 'max_softmax', 'mcm', 'not_x_of_all',
           'not_x_of_predicted', 'register_score', 'relative_mahalanobis', 'vim']
