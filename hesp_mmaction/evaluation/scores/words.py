"""Scores that compare the known emotions with the words of a lexicon.

``word_text`` (L, D) and ``pair_text`` (K, L, D) are texts of CLIP, of length 1. No head returns
them; ``hesp_mmaction.evaluation.words.word_fields`` does. Which words they may hold decides
what such a score is worth: see ``hesp_mmaction.evaluation.words.words_left``.
"""
import torch
import torch.nn.functional as F

from ...errors import InputError
from .prototypes import class_means
from .registry import register_score

SCALE = 100.0  # of CLIP's logits, as in the papers: temperature 0.01


@register_score
def eoe(feature, class_text, word_text, beta=0.25):
    """max_k p_k - beta max_j p_j, where p is the softmax of the cosines with K names and L words at
    temperature 1 (EOE, Cao et al., ICML 2024).

    The paper asks a language model for words that resemble the classes. Here they come from the
    lexicon.

    Args:
        feature (Tensor): (N, D), any length.
        class_text (Tensor): (K, D).
        word_text (Tensor): (L, D).
        beta (float): weight of the words. Defaults to 0.25, as in the paper.

    Returns:
        Tensor: (N,).
    """
    cosines = F.normalize(feature, dim=1) @ torch.cat([class_text, word_text]).T
    p = cosines.softmax(1)
    return p[:, :len(class_text)].max(1).values - beta * p[:, len(class_text):].max(1).values


@register_score
def neglabel(feature, class_text, word_text):
    """The share of the known names in a softmax of 100 times the cosines with names and words
    (NegLabel, Jiang et al., ICLR 2024).

    All words count as one group. The paper picks, of WordNet's 70,000, those that are furthest from
    the known names, which would leave no emotion; here the lexicon is the choice.

    Args:
        feature (Tensor): (N, D), any length.
        class_text (Tensor): (K, D).
        word_text (Tensor): (L, D).

    Returns:
        Tensor: (N,), from 0 to 1.
    """
    unit = SCALE * F.normalize(feature, dim=1)
    return torch.sigmoid((unit @ class_text.T).logsumexp(1) - (unit @ word_text.T).logsumexp(1))


@register_score
def interneg(feature, class_text, word_text, train_feature, train_label):
    """``neglabel`` with the words that no class of the training features looks like (the text
    half of InterNeg, Xu et al., CVPR 2026).

    A word w stays if t_w.m_k < t_k.m_k for all k, m_k being the mean training feature of a class.
    The paper ranks what stays by the mean difference and keeps the first; a lexicon of a hundred
    words needs no such cut. Its other half takes texts from test samples and is left out.

    Args:
        feature (Tensor): (N, D), any length.
        class_text (Tensor): t (K, D).
        word_text (Tensor): (L, D).
        train_feature (Tensor): (M, D), any length.
        train_label (Tensor): (M,), from 0 to K - 1.

    Returns:
        Tensor: (N,), from 0 to 1.

    Raises:
        InputError: no word stays, or a class has no training sample.
    """
    means = class_means(train_feature, train_label, len(class_text))
    own = (class_text * means).sum(1)
    stays = (word_text @ means.T < own).all(1)
    if not stays.any():
        raise InputError('every word is as near to the training features of a class as its own '
                         'name')
    return neglabel(feature, class_text, word_text[stays])


@register_score
def negrefine(feature, class_text, word_text, pair_text, best=5):
    """``neglabel`` plus twice the largest sigma(100 f.t("k and w") - 100 f.t("w")) (the
    multi-matching score of NegRefine, Ansari et al., ICCV 2025).

    A sample that a word fits is known all the same if the word fits better together with a known
    name. k and w are the best 5 known names and words of the sample. The paper also has a language
    model strike out words; here the lexicon is the choice.

    Args:
        feature (Tensor): (N, D), any length.
        class_text (Tensor): (K, D).
        word_text (Tensor): (L, D).
        pair_text (Tensor): (K, L, D), texts of "k and w".
        best (int): how many names and words count; all if there are fewer. Defaults to 5, as in
            the paper.

    Returns:
        Tensor: (N,), from 0 to 3.
    """
    unit = SCALE * F.normalize(feature, dim=1)
    words = unit @ word_text.T
    k = (unit @ class_text.T).topk(min(best, len(class_text)), 1).indices
    w = words.topk(min(best, len(word_text)), 1).indices
    pairs = torch.einsum('nd,kld->nkl', unit, pair_text)
    rows = torch.arange(len(unit), device=unit.device)[:, None, None]
    gains = pairs[rows, k[:, :, None], w[:, None]] - words.gather(1, w)[:, None]
    return neglabel(feature, class_text, word_text) + 2 * torch.sigmoid(gains).amax((1, 2))
