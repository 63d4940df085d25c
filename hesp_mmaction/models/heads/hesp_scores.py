"""HESP's knownness scores of a batch, and what the joint score changes in a training dump."""
import torch

from ...evaluation.scores import hesp_centred, hesp_logit
from .hesp_functional import fuse, with_density

JOINT = 'joint', 'joint_of_compounds'  # scores that are fitted after the last epoch


def branch_scores(outputs):
    """Scores of the known and the negative branch.

    They are

    * ``prob``: the largest probability,
    * ``logit``: the largest mean logit of both branches,
    * ``centred``: the same after the mean of z_neg over the classes is taken off. This changes no
      probability. An unusual video is far from all negatives and would otherwise look known.
    * ``own``: ``centred``, for code that asks for the score of the branches alone,
    * ``known``: the largest logit of the known branch.

    Without negatives ``logit`` and ``centred`` are ``known``. Scores of a dump have the names
    ``max_softmax`` (``prob``), ``hesp_logit`` and ``hesp_centred`` in
    ``hesp_mmaction.evaluation.scores``.

    Args:
        outputs (dict[str, Tensor]): as returned by ``HESPHead.forward``.

    Returns:
        dict[str, Tensor]: (B,) each, bigger = more known.
    """
    prob, known = outputs['probabilities'].max(1).values, outputs['logits_known'].max(1).values
    if 'logits_negative' in outputs:
        branches = outputs['logits_known'], outputs['logits_negative']
        found = dict(prob=prob, logit=hesp_logit(*branches), centred=hesp_centred(*branches))
    else:
        found = dict(prob=prob, logit=known, centred=known)
    return found | dict(own=found['centred'], known=known)


def fit_joint(joint, dump, fusion, score_kind):
    """Fit the joint score on a training dump.

    Args:
        joint (JointScore): fitted in place.
        dump (dict[str, np.ndarray]): of all known training clips, in every process.
        fusion (str): see ``fuse``.
        score_kind (str): the score that decides, see ``HESPHead``.

    Returns:
        dict[str, np.ndarray]: fields of the dump that change. For each clip they come from a fit
        without that clip.
    """
    feature, logits, zero_shot = (torch.as_tensor(dump[name]).double() for name in (
        'feature', 'logits_known', 'logits_zero_shot'))
    known = logits.max(1).values
    if 'logits_negative' in dump:  # `logits` may hold the result of an earlier fit
        logits, _ = fuse(logits, torch.as_tensor(dump['logits_negative']).double(), fusion)
    distances, scores = joint.fit(feature, torch.as_tensor(dump['label']), known, zero_shot)
    found = {f'score_{name}': values for name, values in scores.items()}
    if score_kind in JOINT:
        logits, probabilities = with_density(logits, distances)
        found.update(logits=logits, probabilities=probabilities, score=scores[score_kind],
                     pred=logits.argmax(1), score_prob=probabilities.max(1).values)
    return {name: values.numpy() for name, values in found.items()}
