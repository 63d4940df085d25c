"""Sets of suggested words against the true ones, at three levels of kinship.

After the EW metrics (metrics of emotion wheels) of open-vocabulary emotion recognition: Lian et
al., "OV-MER: Towards Open-Vocabulary Multimodal Emotion Recognition", ICML 2025 (arXiv 2410.01495);
Lian et al., "AffectGPT", ICML 2025 (arXiv 2501.16566). There, too, words are mapped to their form,
to a synonym and to a sector of a wheel, equal ones become one, and precision and recall of the two
sets are averaged over the clips. It differs here that

* there is one wheel, of our own (``wheel.yaml``). There, figures on five published ones are
  averaged;
* the synonyms are those of the lexicon, and no language model made them;
* a word that the wheel does not hold is a sector of its own and so counts as a wrong word. There
  such a word is dropped, which raises the precision;
* a clip has one true word, or as many as its compound has parts, where annotators there give
  several. With k words of k sectors the precision of a clip is then 1 / k at most.
"""
from pathlib import Path

import numpy as np
import yaml

from ..datasets.emotions import emotion_of

WHEEL = Path(__file__).with_name('wheel.yaml')
LEVELS = ('form', 'synonym', 'sector')
WORDS = 3


def read_wheel():
    """Read the wheel of this package.

    Returns:
        dict[str, str]: word or canonical name to its sector, in the order of the wheel.
    """
    sectors = yaml.safe_load(WHEEL.read_text(encoding='utf-8'))
    return {emotion_of(word) or word: sector for sector, words in sectors.items() for word in words}


def groups_of(word, level, lexicon, wheel):
    """Map a word to what counts as equal to it.

    Args:
        word (str): a word such as ``'furious'``, a name such as ``'anger'``, or a compound such as
            ``'anger_disgust'`` or ``'angry and disgusted'``.
        level (str): ``'form'``: spellings of a name are this name (angry, angrily: anger), and any
            other word is itself. ``'synonym'``: the name that the lexicon gives the word (furious:
            anger). ``'sector'``: the sector of this name; a name that is not on the wheel is a
            sector of its own.
        lexicon (dict[str, str]): word to name, see ``naming.read_lexicon``.
        wheel (dict[str, str]): name to sector, see ``read_wheel``.

    Returns:
        set[str]: one group, or several of a compound.
    """
    if level != 'form' and word in lexicon:
        parts = {lexicon[word]}
    else:
        parts = {emotion_of(part) or part for part in word.split(' and ')}
    names = {name for part in parts for name in part.split('_')}
    return {wheel.get(name, name) for name in names} if level == 'sector' else names


def set_scores(predicted, true):
    """Precision, recall and F1 of sets.

    Args:
        predicted (Sequence[set]): a set for each of N clips. An empty one has precision and recall
            0, as in the released code of the EW metrics.
        true (Sequence[set]): a set for each clip, none of them empty.

    Returns:
        dict[str, float]: ``precision``, the mean of |P and T| / |P| over the clips, ``recall``, the
        mean of |P and T| / |T|, and ``F1``, the harmonic mean of the two means. All are in [0, 1];
        without a clip they are NaN.
    """
    if not predicted:
        return dict.fromkeys(('precision', 'recall', 'F1'), float('nan'))
    pairs = list(zip(predicted, true, strict=True))
    return _with_f1(np.mean([len(p & t) / max(len(p), 1) for p, t in pairs]),
                    np.mean([len(p & t) / len(t) for p, t in pairs]))


def word_set_scores(order, lexicon, truth, level, k=WORDS):
    """Score the first k words of each clip against its emotion.

    Args:
        order (np.ndarray): words from the best to the worst (N, W), by their place in the lexicon.
        lexicon (dict[str, str]): W words, each with its name.
        truth (Sequence[str]): emotions (N,).
        level (str): one of ``LEVELS``.
        k (int): how many words are suggested. Defaults to 3.

    Returns:
        dict[str, float]: see ``set_scores``.
    """
    groups, true = _groups(lexicon, truth, level)
    return set_scores([set().union(*(groups[i] for i in row[:k])) for row in order], true)


def chance_word_sets(lexicon, truth, level, k=WORDS, draws=2000):
    """What ``word_set_scores`` expects of words in random order, by drawing.

    Args:
        lexicon (dict[str, str]): W words, each with its name.
        truth (Sequence[str]): emotions (N,).
        level (str): one of ``LEVELS``.
        k (int): how many words are suggested. Defaults to 3.
        draws (int): how many random orders. Defaults to 2000.

    Returns:
        dict[str, float]: the expected precision and recall, and their harmonic mean.
    """
    groups, true = _groups(lexicon, truth, level)
    orders = np.random.default_rng(0).random((draws, len(groups))).argsort(1)[:, :k]
    drawn = [set().union(*(groups[i] for i in row)) for row in orders]
    found = {key: set_scores(drawn, [key] * draws) for key in set(map(frozenset, true))}
    means = [np.mean([found[frozenset(t)][name] for t in true]) if true else np.nan
             for name in ('precision', 'recall')]
    return _with_f1(*means)


def _groups(lexicon, truth, level):
    wheel = read_wheel() if level == 'sector' else {}
    names = {name: groups_of(str(name), level, lexicon, wheel) for name in set(truth)}
    return ([groups_of(word, level, lexicon, wheel) for word in lexicon],
            [names[name] for name in truth])


def _with_f1(precision, recall):
    total = precision + recall
    return dict(precision=float(precision), recall=float(recall),
                F1=float(2 * precision * recall / total if total else total))
