"""The figures of ``tools/analysis/name_unknown.py``: words and clusters for unknown clips."""
from copy import copy
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..evaluation import load_dump
from ..evaluation.clusters import cluster, cluster_measures, name_clusters
from ..evaluation.name_accuracy import chance_accuracy, name_accuracy
from ..evaluation.naming import best_first, candidates, encode_words, similarities
from ..evaluation.word_sets import LEVELS, chance_word_sets, word_set_scores
from ..evaluation.words import words_left
from .results import read_run

TOP = (1, 3)


class Texts:
    """The words of a lexicon with their texts (W, D), in the same order.

    Args:
        tower (CLIPTextTower): encodes the words.
        lexicon (dict[str, str]): W words, each with the emotion it names.
    """

    def __init__(self, tower, lexicon):
        self.lexicon = lexicon
        self.texts = encode_words(tower, lexicon)

    def without(self, known):
        """Leave the words of known emotions out.

        Args:
            known (Sequence[str]): names of the known emotions.

        Returns:
            tuple[dict[str, str], ndarray]: the V words that are left, and their texts (V, D).
        """
        left = candidates(self.lexicon, known)
        return left, self.texts[[word in left for word in self.lexicon]]

    def beyond(self, emotions):
        """Leave every name and synonym of emotions out, the parts of compounds included.

        Args:
            emotions (Iterable[str]): canonical names.

        Returns:
            Texts or None: the words that are left, if there are any.
        """
        result = copy(self)
        result.lexicon = words_left(self.lexicon, emotions)
        result.texts = self.texts[[word in result.lexicon for word in self.lexicon]]
        return result if result.lexicon else None


def read_features(folder, train=True):
    """Read the features of a run.

    Args:
        folder (str): the work dir.
        train (bool): read the features of the known training samples, too. Defaults to True.

    Returns:
        tuple[dict, dict | None]: the raw material of the test, and of the training samples.

    Raises:
        InputError: the run kept no features, or (with ``train``) has no threshold.
    """
    dump = read_run(folder)
    if 'feature' not in dump:
        raise InputError(f'{folder}/predictions.npz holds no features: this method keeps none')
    if not train:
        return dump, None
    path = Path(folder) / 'train_features.npz'
    if not path.is_file() or not np.isfinite(dump.get('threshold', np.nan)):
        raise InputError(f'{folder} has no train_features.npz or no threshold: it has to be the '
                         'work dir of a training with ThresholdHook')
    return dump, load_dump(path)


def same_samples(dump, other, folder):
    """Stop if two runs differ in their test samples or known emotions.

    Args:
        dump (dict): the raw material of a run.
        other (dict): the raw material of the run to compare with.
        folder (str): the work dir of ``other``, for the message.

    Raises:
        InputError: they differ.
    """
    for key in ('sample_id', 'classes'):
        if not np.array_equal(np.sort(dump[key]), np.sort(other[key])):
            raise InputError(f'{folder} was tested on other {key}: give the zero-shot runs in the '
                             'order of the work dirs, on the same splits')


def _scores(found, lexicon, truth):
    """All measures, in percent, of the words that have similarities (N, W)."""
    order, names = best_first(found), list(lexicon.values())
    sets = {level: word_set_scores(order, lexicon, truth, level) for level in LEVELS}
    return {f'top{k}': 100 * name_accuracy(order, names, truth, k) for k in TOP} | _percent(sets)


def _chances(lexicon, truth):
    """The same measures of words in random order."""
    sets = {level: chance_word_sets(lexicon, truth, level) for level in LEVELS}
    names = list(lexicon.values())
    return {f'top{k}': 100 * chance_accuracy(names, truth, k) for k in TOP} | _percent(sets)


def _percent(sets):
    return {f'{name}_{level}': 100 * value for level, scores in sets.items()
            for name, value in scores.items()}


def name_figures(dump, train, zero_shot, chosen, words):
    """Measure all ways to name some of the test samples.

    Args:
        dump (dict): the raw material of the run.
        train (dict): the raw material of its known training samples.
        zero_shot (dict | None): the raw material of zero-shot CLIP on the same samples.
        chosen (ndarray): (N,) bool, the samples to name.
        words (Texts): the words to choose from.

    Returns:
        dict[str, dict[str, float]]: for each way, in percent, ``top1`` and ``top3`` of names, and
        ``precision_form``, ``recall_form`` and ``F1_form`` of the first three words; the same at
        the levels ``synonym`` and ``sector``, see
        ``groups_of``.
    """
    known, truth = [str(name) for name in dump['classes']], dump['emotion'][chosen]
    lexicon, texts = words.without(known)
    feature = dump['feature'][chosen]
    result = {'chance': _chances(lexicon, truth)}
    if zero_shot is not None:  # both are sorted by sample id
        mean = zero_shot['feature'][chosen]
        result['zero-shot CLIP, known left out'] = _scores(
            similarities(mean, texts), lexicon, truth)
    if zero_shot is not None and len(words.lexicon) > len(lexicon):
        result |= {
            'chance over all names': _chances(words.lexicon, truth),
            'zero-shot CLIP over all names': _scores(
                similarities(mean, words.texts), words.lexicon, truth)}
    return result | {
        'the run': _scores(similarities(feature, texts), lexicon, truth),
        'the run, centred': _scores(
            similarities(feature, texts, train['feature']), lexicon, truth)}


def cluster_figures(dump, train, zero_shot, chosen, words, k):
    """Measure the clusters of some of the test samples, and the names of the clusters.

    Args:
        dump (dict): the raw material of the run.
        train (dict): the raw material of its known training samples.
        zero_shot (dict | None): the raw material of zero-shot CLIP on the same samples.
        chosen (ndarray): (N,) bool, the samples to group.
        words (Texts): the words to choose from.
        k (int): the number of clusters; fewer if there are fewer samples.

    Returns:
        dict[str, dict[str, float]]: for each way, what
        ``cluster_measures`` returns, and in percent
        ``names``, the share of samples whose cluster has the right name, and ``F1_form``,
        ``F1_synonym`` and ``F1_sector`` of the cluster's one word.
    """
    known, truth = [str(name) for name in dump['classes']], dump['emotion'][chosen]
    lexicon, texts = words.without(known)
    rng, k = np.random.default_rng(0), min(k, len(truth))
    draws = [cluster_measures(rng.integers(0, k, len(truth)), truth) for _ in range(200)]
    result = {'chance': {key: float(np.mean([draw[key] for draw in draws])) for key in draws[0]}}
    runs = {'the run': (dump['feature'], train['feature'])}
    if zero_shot is not None:
        runs = {'zero-shot CLIP': (zero_shot['feature'], None)} | runs
    for name, (feature, of_known) in runs.items():
        clusters = cluster(feature[chosen], k, of_known)
        named = name_clusters(clusters, similarities(feature[chosen], texts), lexicon)
        right = np.array([lexicon[word] for word in named])[clusters] == truth
        order = np.array([list(lexicon).index(word) for word in named])[clusters, None]
        result[name] = cluster_measures(clusters, truth) | {'names': 100 * float(right.mean())} | {
            f'F1_{level}': 100 * word_set_scores(order, lexicon, truth, level)['F1']
            for level in LEVELS}
    return result


def figures_of_run(dump, train, zero_shot, closed, wide, k):
    """Compute all figures of a run.

    Args:
        dump (dict): the raw material of the run.
        train (dict): the raw material of its known training samples.
        zero_shot (dict | None): the raw material of zero-shot CLIP on the same samples.
        closed (Texts): the emotions of the data set.
        wide (Texts): the lexicon.
        k (int): the number of clusters.

    Returns:
        dict[str, dict[str, dict[str, float]]]: figures of ``name_figures`` and
        ``cluster_figures``, under names such as ``truly unknown, names of the data set``. The
        words are those of ``closed``, those of ``wide``, and those of ``wide`` without every name
        of the data set, which cannot be told the answer.
    """
    kinds = {'names of the data set': closed, 'lexicon': wide,
             'lexicon without these names': wide.beyond(closed.lexicon.values())}
    sets = {'truly unknown': dump['label'] < 0, 'judged unknown': dump['score'] < dump['threshold']}
    result = {}
    for name, chosen in sets.items():
        if not chosen.any():
            continue
        others = sets['truly unknown'].any()  # without them the data set has no name to give
        for kind, words in kinds.items():
            if words is not None and (others or words is not closed):
                result[f'{name}, {kind}'] = name_figures(dump, train, zero_shot, chosen, words)
        for kind, words in kinds.items():
            if words is not None and others:
                result[f'{name}, clusters, {kind}'] = cluster_figures(
                    dump, train, zero_shot, chosen, words, k)
    return result
