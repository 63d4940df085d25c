"""The terms of SimGCD's loss (Wen et al., ICCV 2023, section 4), of logits and projections."""
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy


def teacher_temperature(epoch: int, warmup: int, start: float, end: float) -> float:
    """The temperature of the teacher falls in a straight line and then stays.

    Args:
        epoch (int): from 0.
        warmup (int): epochs in which it falls, two or more.
        start (float): temperature of epoch 0.
        end (float): temperature from epoch ``warmup - 1`` on.

    Returns:
        float: temperature of this epoch.
    """
    return start + (end - start) * min(1.0, epoch / (warmup - 1))


def self_distillation(first: Tensor, second: Tensor, teacher: float, student: float) -> Tensor:
    """Each view learns the sharpened prediction of the other.

    Args:
        first (Tensor): logits (N, k) of one view, cosines.
        second (Tensor): logits (N, k) of the other view.
        teacher (float): temperature of what is learned; no gradient passes through it.
        student (float): temperature of what learns.

    Returns:
        Tensor: scalar, the mean cross-entropy of both directions.
    """
    pairs = ((first, second), (second, first))
    terms = [cross_entropy(learns / student, (taught.detach() / teacher).softmax(1))
             for learns, taught in pairs]
    return (terms[0] + terms[1]) / 2


def mean_entropy(logits: Tensor, temperature: float) -> Tensor:
    """Entropy of the mean prediction; a large one keeps all categories in use.

    Args:
        logits (Tensor): (N, k).
        temperature (float): divides them.

    Returns:
        Tensor: scalar in nats, at most log k.
    """
    return torch.special.entr((logits / temperature).softmax(1).mean(0)).sum()


def view_contrast(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """The views of a clip find each other among all other views (InfoNCE).

    Args:
        first (Tensor): projections (N, D) of one view, of length 1.
        second (Tensor): projections (N, D) of the other view, of length 1.
        temperature (float): divides the cosines.

    Returns:
        Tensor: scalar, the mean over 2 N views.
    """
    views = torch.cat([first, second])
    cosines = (views @ views.T / temperature).fill_diagonal_(-torch.inf)
    return cross_entropy(cosines, torch.arange(len(views)).roll(len(first)))
