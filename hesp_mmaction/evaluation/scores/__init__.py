"""Post-hoc scores: one family a file, each on a head's outputs or on a dump."""
from .contexts import cls_logsumexp, cls_max
from .density import class_gaussians, density, held_out_distances, squared_distances
from .hesp import hesp_centred, hesp_logit, hesp_mean_softmax
from .joint import (
    KNOWN,
    LENGTH,
    choose,
    joint,
    joint_of_compounds,
    joint_without_texts,
    log_length,
    standard_units,
    stronger,
    weigh,
)
from .logits import energy, entropy, generalised_entropy, margin, max_logit, max_softmax
from .mahalanobis import mahalanobis, relative_mahalanobis
from .neighbours import knn, nnguide
from .prototypes import prototypes
from .registry import SCORES, compute_score, compute_scores, fields_of, register_score
from .text import gl_mcm, mcm, not_x_of_all, not_x_of_predicted
from .training_mean import fdbd, nci
from .vim import vim
from .words import eoe, interneg, neglabel, negrefine

__all__ = ['KNOWN', 'LENGTH', 'SCORES', 'choose', 'class_gaussians', 'cls_logsumexp', 'cls_max',
           'compute_score', 'compute_scores', 'density', 'energy', 'entropy', 'eoe', 'fdbd',
           'fields_of', 'generalised_entropy', 'gl_mcm', 'held_out_distances', 'hesp_centred',
           'hesp_logit', 'hesp_mean_softmax', 'interneg', 'joint', 'joint_of_compounds',
           'joint_without_texts', 'knn', 'log_length', 'mahalanobis', 'margin', 'max_logit',
           'max_softmax', 'mcm', 'nci', 'neglabel', 'negrefine', 'nnguide', 'not_x_of_all',
           'not_x_of_predicted', 'prototypes', 'register_score', 'relative_mahalanobis',
           'squared_distances', 'standard_units', 'stronger', 'vim', 'weigh']
