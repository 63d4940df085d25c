"""SimGCD: a classifier of known and new categories at once, trained on stored features."""
import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from ..models.losses import supervised_contrastive
from .grouping import Grouping, check
from .simgcd_losses import mean_entropy, self_distillation, teacher_temperature, view_contrast

# Of the paper and its released code.
SUPERVISED = 0.35  # weight of the terms that read labels; the others have the rest
STUDENT, TEACHER, WARMUP = 0.1, (0.07, 0.04), 30
ENTROPY = 2.0
CONTRAST, CLASS_CONTRAST = 1.0, 0.07
# Chosen on drawn training clips of known emotions, see docs/discovery.md.
EPOCHS, LR, NOISE = 100, 0.01, 1.0


class Views(NamedTuple):
    """What a classifier makes of two views of every clip.

    Attributes:
        logits (tuple[Tensor, Tensor]): (N, k) of each view.
        projections (tuple[Tensor, Tensor]): (N, D) of each view, of length 1.
    """
    logits: tuple[Tensor, Tensor]
    projections: tuple[Tensor, Tensor]


class CosineClassifier(nn.Module):
    """Logits are cosines of prototypes and of features after a square matrix.

    The matrix begins as the identity and takes the place of the backbone's last block, which the
    paper trains.

    Args:
        prototypes (Tensor): (k, D), where they begin, of any length.
    """

    def __init__(self, prototypes: Tensor) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.eye(prototypes.shape[1]))
        self.prototypes = nn.Parameter(prototypes)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Classify.

        Args:
            features (Tensor): (N, D).

        Returns:
            tuple[Tensor, Tensor]: logits (N, k), cosines, and projections (N, D) of length 1.
        """
        projection = normalize(features @ self.matrix, dim=1)
        return projection @ normalize(self.prototypes, dim=1).T, projection


def simgcd(labelled: np.ndarray, labels: np.ndarray, unlabelled: np.ndarray, k: int,
           seed: int = 0) -> Grouping:
    """Train SimGCD's classifier on all clips and group by its largest logit.

    Source: Wen et al., Parametric Classification for Generalized Category Discovery: A Baseline
    Study, ICCV 2023, section 4. Different here, because the features are stored: a view is
    the feature with Gaussian noise in the place of an augmented picture; a matrix is trained
    instead of the last block, and it also makes the projections of the contrastive terms, for which
    the paper has an MLP; every step sees all clips, each once; Adam in place of SGD.

    Args:
        labelled (np.ndarray): features (L, D) of the labelled clips, of length 1.
        labels (np.ndarray): known category of each (L,), in 0 .. K - 1.
        unlabelled (np.ndarray): features (N, D) of the unlabelled clips, of length 1.
        k (int): number of categories, known ones included.
        seed (int): of prototypes and noise. Defaults to 0.

    Returns:
        Grouping: groups 0 .. K - 1 are the known categories; a new clip is classified.

    Raises:
        InputError: see ``grouping.check``.
    """
    labelled, labels, unlabelled = check(labelled, labels, unlabelled, k)
    features = tensor(np.concatenate([labelled, unlabelled]))
    draw = torch.Generator().manual_seed(seed)
    model = CosineClassifier(torch.randn(k, features.shape[1], generator=draw))

    known = torch.as_tensor(labels)
    train(model.parameters(),
          lambda teacher: loss(two_views(model, features, draw), known, teacher))

    @torch.no_grad()
    def assign(found: np.ndarray) -> np.ndarray:
        return model(tensor(found))[0].argmax(1).numpy()

    return Grouping(assign(unlabelled), assign)


def train(parameters: Iterable[nn.Parameter], objective: Callable[[float], Tensor]) -> None:
    """Minimise a loss for ``EPOCHS`` steps; the last step counts.

    Args:
        parameters (Iterable[nn.Parameter]): what is trained.
        objective (Callable): temperature of the teacher to the loss of a step, a scalar.
    """
    optimizer = torch.optim.Adam(parameters, LR)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS, LR * 1e-3)
    for epoch in range(EPOCHS):
        optimizer.zero_grad()
        objective(teacher_temperature(epoch, WARMUP, *TEACHER)).backward()
        optimizer.step()
        schedule.step()


def two_views(model: CosineClassifier, features: Tensor, draw: torch.Generator) -> Views:
    """What a classifier makes of two views of clips.

    Args:
        model (CosineClassifier): the classifier.
        features (Tensor): (N, D) of length 1.
        draw (torch.Generator): of the noise.

    Returns:
        Views: of the N clips.
    """
    (first, one), (second, two) = (model(noisy(features, draw)) for _ in range(2))
    return Views((first, second), (one, two))


def loss(views: Views, labels: Tensor, teacher: float) -> Tensor:
    """SimGCD's loss of one step.

    Args:
        views (Views): of all clips, labelled first.
        labels (Tensor): categories (L,) of the labelled clips.
        teacher (float): temperature of the teacher.

    Returns:
        Tensor: scalar.
    """
    count, twice = len(labels), labels.repeat(2)
    without = (self_distillation(*views.logits, teacher, STUDENT)
               - ENTROPY * mean_entropy(torch.cat(views.logits), STUDENT)
               + view_contrast(*views.projections, CONTRAST))
    known = [torch.cat([one[:count], two[:count]]) for one, two in views]
    with_labels = (cross_entropy(known[0] / STUDENT, twice)
                   + supervised_contrastive(known[1], twice, CLASS_CONTRAST))
    return (1 - SUPERVISED) * without + SUPERVISED * with_labels


def noisy(features: Tensor, draw: torch.Generator) -> Tensor:
    """Make a view of clips by Gaussian noise.

    Args:
        features (Tensor): (N, D) of length 1.
        draw (torch.Generator): of the noise, whose length is about ``NOISE``.

    Returns:
        Tensor: (N, D), of length 1.
    """
    noise = torch.randn(features.shape, generator=draw) / math.sqrt(features.shape[1])
    return normalize(features + NOISE * noise, dim=1)


def tensor(values: np.ndarray) -> Tensor:
    """Convert an array to a tensor.

    Args:
        values (np.ndarray): of any shape.

    Returns:
        Tensor: float32, of the same shape.
    """
    return torch.as_tensor(values, dtype=torch.float32)
