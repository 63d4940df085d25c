"""The figures of ``tools/analysis/name_unknown.py``: words and clusters for unknown clips."""
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..evaluation import load_dump
from ..evaluation.clusters import cluster, cluster_measures, name_clusters
from ..evaluation.naming import (
    best_first,
    candidates,
    chance_accuracy,
    encode_words,
    name_accuracy,
    similarities,
)
from .report import markdown
from .results import read_run

TOP = (1, 3)
COLUMNS = ('run', 'sample_id', 'emotion', 'word1', 'word2', 'word3', 'similarity1', 'similarity2',
           'similarity3', 'cluster', 'cluster_word')


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


def _accuracies(found, lexicon, truth):
    """How often, in percent, the true emotion (N,) is among the best words (N, W)."""
    names = list(lexicon.values())
    return {f'top{k}': 100 * name_accuracy(best_first(found), names, truth, k) for k in TOP}


def _chances(lexicon, truth):
    """The same figures of words in random order."""
    return {f'top{k}': 100 * chance_accuracy(list(lexicon.values()), truth, k) for k in TOP}


def name_figures(dump, train, zero_shot, chosen, words):
    """Measure all ways to name some of the test samples.

    Args:
        dump (dict): the raw material of the run.
        train (dict): the raw material of its known training samples.
        zero_shot (dict | None): the raw material of zero-shot CLIP on the same samples.
        chosen (ndarray): (N,) bool, the samples to name.
        words (Texts): the words to choose from.

    Returns:
        dict[str, dict[str, float]]: for each way, the accuracies ``top1`` and ``top3``, in percent.
    """
    known, truth = [str(name) for name in dump['classes']], dump['emotion'][chosen]
    lexicon, texts = words.without(known)
    feature = dump['feature'][chosen]
    result = {'chance': _chances(lexicon, truth)}
    if zero_shot is not None:  # both are sorted by sample id
        mean = zero_shot['feature'][chosen]
        result |= {
            'zero-shot CLIP, known left out': _accuracies(
                similarities(mean, texts), lexicon, truth),
            'chance over all names': _chances(words.lexicon, truth),
            'zero-shot CLIP over all names': _accuracies(
                similarities(mean, words.texts), words.lexicon, truth)}
    return result | {
        'the run': _accuracies(similarities(feature, texts), lexicon, truth),
        'the run, centred': _accuracies(
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
        dict[str, dict[str, float]]: for each way, the measures of ``cluster_measures``, and
        ``names``, the accuracy of the clusters' names, in percent.
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
        result[name] = cluster_measures(clusters, truth) | {'names': 100 * float(right.mean())}
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
        dict[str, dict[str, dict[str, float]]]: the figures of ``name_figures`` and
        ``cluster_figures``, under names such as ``truly unknown, names of the data set``.
    """
    sets = {'truly unknown': dump['label'] < 0, 'judged unknown': dump['score'] < dump['threshold']}
    result = {}
    for name, chosen in sets.items():
        if not chosen.any():
            continue
        others = sets['truly unknown'].any()  # without them the data set has no name to give
        for kind, words in (('names of the data set', closed), ('lexicon', wide)):
            if others or words is wide:
                result[f'{name}, {kind}'] = name_figures(dump, train, zero_shot, chosen, words)
        if others:
            result[f'{name}, clusters'] = cluster_figures(dump, train, zero_shot, chosen, closed, k)
    return result


def rows_of_run(run, dump, train, wide, k):
    """List the words and the cluster of each sample that was judged unknown.

    Args:
        run (str): the name of the run.
        dump (dict): the raw material of the run.
        train (dict): the raw material of its known training samples.
        wide (Texts): the lexicon.
        k (int): the number of clusters.

    Returns:
        list[dict]: a row per sample, with the keys ``COLUMNS``.
    """
    chosen = dump['score'] < dump['threshold']
    if not chosen.any():
        return []
    lexicon, texts = wide.without([str(name) for name in dump['classes']])
    found = similarities(dump['feature'][chosen], texts)
    clusters = cluster(dump['feature'][chosen], min(k, len(found)), train['feature'])
    named, words = name_clusters(clusters, found, lexicon), list(lexicon)
    rows = []
    for i, best in enumerate(best_first(found)[:, :3]):
        row = dict(run=run, sample_id=dump['sample_id'][chosen][i],
                   emotion=dump['emotion'][chosen][i], cluster=clusters[i],
                   cluster_word=named[clusters[i]])
        for place, word in enumerate(best, 1):
            row |= {f'word{place}': words[word], f'similarity{place}': f'{found[i, word]:.4f}'}
        rows.append(row)
    return rows


def tables(figures):
    """Show mean and standard deviation over runs.

    Args:
        figures (list[dict]): the results of ``figures_of_run``, one per run.

    Returns:
        str: Markdown, a table for each group of figures.
    """
    parts = []
    for group in dict.fromkeys(group for run in figures for group in run):
        runs = [run[group] for run in figures if group in run]
        head = list(next(reversed(runs[0].values())))
        rows = [[group, *head]]
        for way in runs[0]:
            cells = [[run[way].get(key, np.nan) for run in runs] for key in head]
            rows.append([way, *map(_cell, cells)])
        parts.append(markdown(rows))
    return '\n\n'.join(parts)


def _cell(values):
    if not np.isfinite(values).all():
        return ''
    deviation = f' +- {np.std(values, ddof=1):.1f}' if len(values) > 1 else ''
    return f'{np.mean(values):.1f}{deviation}'
