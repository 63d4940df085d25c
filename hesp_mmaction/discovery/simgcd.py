"""SimGCD's parametric classifier on stored features, trained with and without labels."""
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from ..models.losses import supervised_contrastive
from .grouping import Grouping, check
from .semi_kmeans import centres_of as semi_centres


class Settings(NamedTuple):
    """Numbers of the training.

    Those of the paper and its released code: ``supervised`` (weight of the terms with labels),
    ``student`` and ``teacher`` (temperatures, the second falls in ``warmup`` epochs), ``entropy``
    (weight of the mean-entropy term), ``contrast`` and ``class_contrast`` (temperatures of the
    contrastive terms without and with labels), ``epochs``. Chosen here (docs/discovery.md): the
    learning rate ``lr`` and the ``noise`` of a view.
    """
    supervised: float = 0.35
    student: float = 0.1
    teacher: tuple[float, float] = (0.07, 0.04)
    warmup: int = 30
    entropy: float = 2.0
    contrast: float = 1.0
    class_contrast: float = 0.07
    epochs: int = 200
    lr: float = 0.003
    noise: float = 0.5
    init: str = 'semi'
    adapter: bool = True
    balance: bool = False


class Classifier(nn.Module):
    def __init__(self, centres, adapter):
        super().__init__()
        self.adapter = nn.Parameter(torch.eye(centres.shape[1]), requires_grad=adapter)
        self.prototypes = nn.Parameter(torch.as_tensor(centres, dtype=torch.float32))

    def forward(self, x):
        z = normalize(x @ self.adapter, dim=1)
        return z, z @ normalize(self.prototypes, dim=1).T


def teacher_temperature(epoch, s):
    high, low = s.teacher
    return low if epoch >= s.warmup else high + (low - high) * epoch / max(1, s.warmup - 1)


def distillation(student, teacher, temperature, student_temperature):
    """cross-entropy (N,) of softmax(teacher / temperature) and softmax(student / s)."""
    target = (teacher.detach() / temperature).softmax(1)
    return -(target * (student / student_temperature).log_softmax(1)).sum(1)


def mean_entropy(logits, t, w):
    p = (w[:, None] * (logits / t).softmax(1)).sum(0) / w.sum()
    return -(p * p.log()).sum()


def info_nce(z, t):
    n = len(z) // 2
    sim = (z @ z.T / t).fill_diagonal_(-torch.inf)
    target = torch.arange(2 * n).roll(n)
    return cross_entropy(sim, target)


def view(x, noise):
    return normalize(x + noise * torch.randn(x.shape) / math.sqrt(x.shape[1]), dim=1)


def simgcd(labelled, labels, unlabelled, k, seed=0, s=Settings()):
    labelled, labels, unlabelled = check(labelled, labels, unlabelled, k)
    torch.manual_seed(seed)
    x = torch.as_tensor(np.concatenate([labelled, unlabelled]), dtype=torch.float32)
    y = torch.as_tensor(labels)
    L, N = len(labelled), len(unlabelled)
    w = torch.ones(L + N)
    if s.balance:
        w[:L] = 1 / L; w[L:] = 1 / N
    if s.init == 'semi':
        centres = semi_centres(labelled, labels, unlabelled, k, seed)
    else:
        centres = np.random.default_rng(seed).normal(size=(k, x.shape[1]))
    model = Classifier(centres, s.adapter)
    opt = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=s.lr)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, s.epochs, s.lr * 1e-3)
    for epoch in range(s.epochs):
        (z1, a), (z2, b) = (model(view(x, s.noise)) for _ in range(2))
        t = teacher_temperature(epoch, s)
        each = (distillation(a, b, t, s.student) + distillation(b, a, t, s.student)) / 2
        cluster = (w * each).sum() / w.sum() - s.entropy * mean_entropy(
            torch.cat([a, b]), s.student, w.repeat(2))
        contrast = info_nce(torch.cat([z1, z2]), s.contrast)
        cls = cross_entropy(torch.cat([a[:L], b[:L]]) / s.student, y.repeat(2))
        sup = supervised_contrastive(torch.cat([z1[:L], z2[:L]]), y.repeat(2), s.class_contrast)
        loss = (1 - s.supervised) * (cluster + contrast) + s.supervised * (cls + sup)
        opt.zero_grad(); loss.backward(); opt.step(); sched.step()

    @torch.no_grad()
    def assign(f):
        return model(torch.as_tensor(f, dtype=torch.float32))[1].argmax(1).numpy()
    return Grouping(assign(unlabelled), assign)
