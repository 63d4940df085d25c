"""Rows and tables of ``tools/analysis/name_unknown.py``."""
import numpy as np

from ..evaluation.clusters import cluster, name_clusters
from ..evaluation.naming import best_first, similarities
from .report import markdown

COLUMNS = ('run', 'sample_id', 'emotion', 'word1', 'word2', 'word3', 'similarity1', 'similarity2',
           'similarity3', 'cluster', 'cluster_word')


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
        str: Markdown, a table for each group of figures, without precision and recall.
    """
    parts = []
    for group in dict.fromkeys(group for run in figures for group in run):
        runs = [run[group] for run in figures if group in run]
        head = [key for key in next(reversed(runs[0].values()))
                if not key.startswith(('precision', 'recall'))]
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
