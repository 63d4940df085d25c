"""SimGCD with the words of a clip as its second view."""
import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from .grouping import Grouping, check
from .semi_kmeans import semi_kmeans
from .simgcd import STUDENT, SUPERVISED, CosineClassifier, loss, tensor, train, two_views
from .simgcd_losses import self_distillation

WORDS = 3


def clip_texts(similarity: np.ndarray, texts: np.ndarray, count: int = WORDS) -> np.ndarray:
    """Describe every clip by the words that fit it best.

    Args:
        similarity (np.ndarray): (N, W) of clips and words, see
            ``evaluation.naming.similarities``.
        texts (np.ndarray): texts (W, E) of the words, of length 1.
        count (int): how many words of each clip. Defaults to 3.

    Returns:
        np.ndarray: mean text (N, E) of the best words, of length 1.
    """
    best = np.argsort(-similarity, axis=1, kind='stable')[:, :count]
    mean = texts[best].mean(1)
    return mean / np.linalg.norm(mean, axis=1, keepdims=True).clip(1e-12)


def text_simgcd(labelled: np.ndarray, labels: np.ndarray, unlabelled: np.ndarray, k: int,
                labelled_text: np.ndarray, unlabelled_text: np.ndarray,
                seed: int = 0) -> Grouping:
    """Train two of SimGCD's classifiers, one of features and one of words, that teach each other.

    The loss is the mean of both losses of ``simgcd``, one of two noisy features and one of two
    noisy texts, plus a self-distillation between feature and text with the weight of the other such
    terms. Both classifiers begin at the groups of ``semi_kmeans`` of features and texts side by
    side, so that a number means the same group to both. A clip goes to the category with the
    largest mean probability of both.

    Source: after TextGCD (Zheng et al., Textual Knowledge Matters: Cross-Modality Co-Teaching for
    Generalized Visual Class Discovery, ECCV 2024), which describes pictures by words of a large
    lexicon and attributes of a language model, and lets confident samples of one classifier teach
    the other. Here it is the lexicon of this package, and every sample teaches.

    Args:
        labelled (np.ndarray): features (L, D) of the labelled clips, of length 1.
        labels (np.ndarray): known category of each (L,), in 0 .. K - 1.
        unlabelled (np.ndarray): features (N, D) of the unlabelled clips, of length 1.
        k (int): number of categories, known ones included.
        labelled_text (np.ndarray): texts (L, E) of ``clip_texts``.
        unlabelled_text (np.ndarray): texts (N, E) of the unlabelled clips.
        seed (int): of prototypes and noise. Defaults to 0.

    Returns:
        Grouping: groups 0 .. K - 1 are the known categories; ``assign`` takes features (M, D) and
        texts (M, E).

    Raises:
        InputError: texts of other clips than the features; see also ``grouping.check``.
    """
    labelled, labels, unlabelled = check(labelled, labels, unlabelled, k)
    if (len(labelled_text), len(unlabelled_text)) != (len(labelled), len(unlabelled)):
        raise InputError(f'{len(labelled_text)} and {len(unlabelled_text)} texts do not belong to '
                         f'{len(labelled)} labelled and {len(unlabelled)} unlabelled clips: give '
                         'one for each')
    features = tensor(np.concatenate([labelled, unlabelled]))
    texts = tensor(np.concatenate([labelled_text, unlabelled_text]))
    start = semi_kmeans(np.hstack([labelled, labelled_text]), labels,
                        np.hstack([unlabelled, unlabelled_text]), k, seed).groups
    groups = torch.as_tensor(np.concatenate([labels, start]))
    seen, read = (CosineClassifier(torch.stack([values[groups == c].mean(0) for c in range(k)]))
                  for values in (features, texts))
    draw = torch.Generator().manual_seed(seed)

    known = torch.as_tensor(labels)

    def objective(teacher: float) -> Tensor:
        own = [two_views(model, values, draw) for model, values in ((seen, features),
                                                                    (read, texts))]
        between = sum(self_distillation(*pair, teacher, STUDENT) for pair in zip(
            own[0].logits, own[1].logits, strict=True)) / 2
        return (sum(loss(views, known, teacher) for views in own) / 2
                + (1 - SUPERVISED) * between)

    train([*seen.parameters(), *read.parameters()], objective)

    @torch.no_grad()
    def assign(found: np.ndarray, text: np.ndarray) -> np.ndarray:
        both = seen(tensor(found))[0], read(tensor(text))[0]
        return sum((logits / STUDENT).softmax(1) for logits in both).argmax(1).numpy()

    return Grouping(assign(unlabelled, unlabelled_text), assign)
