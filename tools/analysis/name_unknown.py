"""Suggests names for what finished runs found unknown, groups it, and says how often that is right:

    python tools/analysis/name_unknown.py WORK_DIR [WORK_DIR ...]
    python tools/analysis/name_unknown.py RUNS/split* --zero-shot CLIP_RUNS/split*

The CLIP is that of the config which the training left in the work dir. Writes `naming.json`
(figures) and `naming.csv` (words and cluster of every sample judged unknown). Known emotions are
never suggested, but for "zero-shot CLIP over all names", which nobody told what is unknown.
"""
import argparse
import csv
from pathlib import Path

import numpy as np
from plot_open_set import read_run, run_names

from hesp_mmaction.apis.configs import KeyValue
from hesp_mmaction.apis.report import markdown
from hesp_mmaction.apis.running import main
from hesp_mmaction.apis.wiring import clip_of_run
from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation import load_dump
from hesp_mmaction.evaluation.clusters import cluster, cluster_measures, name_clusters
from hesp_mmaction.evaluation.naming import (
    LEXICON,
    best_first,
    candidates,
    chance_accuracy,
    emotion_lexicon,
    encode_words,
    name_accuracy,
    read_lexicon,
    readable,
    similarities,
)
from hesp_mmaction.files import whole, write_json
from hesp_mmaction.models.prompts.text import CLIPTextTower

TOP = (1, 3)


class Texts:
    """A lexicon with the texts (W, D) of its words."""

    def __init__(self, tower, lexicon):
        self.lexicon = lexicon
        self.texts = encode_words(tower, lexicon)

    def without(self, known):
        """The lexicon without words of known emotions, and its texts."""
        left = candidates(self.lexicon, known)
        return left, self.texts[[word in left for word in self.lexicon]]


def read_features(folder, train=True):
    """Raw material of the test and (dict) of the known training samples of a work dir."""
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
    """Stops where two runs are not about the same test samples and known emotions."""
    for key in ('sample_id', 'classes'):
        if not np.array_equal(np.sort(dump[key]), np.sort(other[key])):
            raise InputError(f'{folder} is a test of other {key}: give the zero-shot runs in the '
                             'order of the work dirs, on the same splits')


def accuracies(found, lexicon, truth):
    """``top1`` and ``top3`` in percent of similarities (N, W)."""
    names = list(lexicon.values())
    return {f'top{k}': 100 * name_accuracy(best_first(found), names, truth, k) for k in TOP}


def chances(lexicon, truth):
    """The same of words in random order."""
    return {f'top{k}': 100 * chance_accuracy(list(lexicon.values()), truth, k) for k in TOP}


def name_figures(dump, train, zero_shot, chosen, words):
    """Accuracies of all ways to name the ``chosen`` (bool (N,)) samples: dict of dicts.

    Args:
        dump, train, zero_shot (dict): raw material; the last may be None. words (Texts).
    """
    known, truth = [str(name) for name in dump['classes']], dump['emotion'][chosen]
    lexicon, texts = words.without(known)
    feature = dump['feature'][chosen]
    result = {'chance': chances(lexicon, truth)}
    if zero_shot is not None:  # both are sorted by sample id
        mean = zero_shot['feature'][chosen]
        result |= {
            'zero-shot CLIP, known left out': accuracies(similarities(mean, texts), lexicon, truth),
            'chance over all names': chances(words.lexicon, truth),
            'zero-shot CLIP over all names': accuracies(
                similarities(mean, words.texts), words.lexicon, truth)}
    return result | {
        'the run': accuracies(similarities(feature, texts), lexicon, truth),
        'the run, centred': accuracies(
            similarities(feature, texts, train['feature']), lexicon, truth)}


def cluster_figures(dump, train, zero_shot, chosen, words, k):
    """Measures of clusters of the ``chosen`` samples and the accuracy of the clusters' names."""
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
    """All figures of a run, under names such as ``truly unknown, names of the data set``.

    Args:
        closed (Texts): the emotions of the data set. wide (Texts): the lexicon. k (int).
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


COLUMNS = ('run', 'sample_id', 'emotion', 'word1', 'word2', 'word3', 'similarity1', 'similarity2',
           'similarity3', 'cluster', 'cluster_word')


def rows_of_run(run, dump, train, wide, k):
    """A row (dict of ``COLUMNS``) for each sample judged unknown: three words, its cluster."""
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
    """Mean and deviation over runs, as Markdown: one table for each group of figures."""
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


def name_unknown():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('work_dirs', nargs='+', help='folders with predictions.npz and '
                        'train_features.npz, of one data set')
    parser.add_argument('--zero-shot', nargs='+', metavar='WORK_DIR',
                        help='tests of zero-shot CLIP on the same splits, to compare with')
    parser.add_argument('--lexicon', default=LEXICON, metavar='FILE',
                        help='words of your own, one a line; default: those of this package')
    parser.add_argument('--clusters', type=int, metavar='K',
                        help='default: as many as the test set has unknown emotions')
    parser.add_argument('--out', help='folder of the files; default: the first work dir')
    parser.add_argument('--config', help='config of the runs; default: the one in each work dir')
    parser.add_argument('--cfg-options', nargs='+', action=KeyValue,
                        help='changes to it, such as clip.pretrained=FILE where the weights moved')
    args = parser.parse_args()
    zero_dirs = args.zero_shot or [None] * len(args.work_dirs)
    if len(zero_dirs) != len(args.work_dirs):
        raise InputError(f'{len(args.work_dirs)} work dirs but {len(zero_dirs)} zero-shot runs: '
                         'give one for each')
    names = run_names(args.work_dirs)
    lexicon = read_lexicon(args.lexicon)
    runs = [read_features(folder) for folder in args.work_dirs]
    clips = [clip_of_run(folder, args.config, args.cfg_options) for folder in args.work_dirs]
    if any(clip != clips[0] for clip in clips):
        raise InputError('the work dirs are of different CLIPs: name those of one')
    tower = CLIPTextTower(**clips[0])
    can_read = readable(tower, lexicon)
    if len(can_read) < len(lexicon):
        print(f'{len(lexicon) - len(can_read)} of {len(lexicon)} words of the lexicon are left '
              'out: this CLIP has no embedding for them')
    wide, figures, rows = Texts(tower, can_read), [], []
    for name, (dump, train), zero_dir in zip(names, runs, zero_dirs, strict=True):
        zero_shot = None
        if zero_dir is not None:
            zero_shot, _ = read_features(zero_dir, train=False)
            same_samples(dump, zero_shot, zero_dir)
        k = args.clusters or max(1, len(set(dump['emotion'][dump['label'] < 0])))
        closed = Texts(tower, emotion_lexicon(sorted(set(dump['emotion']))))
        figures.append(figures_of_run(dump, train, zero_shot, closed, wide, k))
        rows += rows_of_run(name, dump, train, wide, k)
    out = Path(args.out or args.work_dirs[0])
    write_json(dict(zip(names, figures, strict=True)), out / 'naming.json')
    with whole(out / 'naming.csv') as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    if len(args.work_dirs) == 1:
        for row in rows:
            words = ', '.join(row[key] for key in ('word1', 'word2', 'word3') if key in row)
            print(f'{row["sample_id"]}: {words} (cluster {row["cluster"]}: {row["cluster_word"]}; '
                  f'truth: {row["emotion"]})')
        print()
    print(f'{tables(figures)}\n\n{out / "naming.json"}\n{out / "naming.csv"}')


if __name__ == '__main__':
    main(name_unknown)
