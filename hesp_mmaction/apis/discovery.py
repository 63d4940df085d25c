"""Discovery as a task: every method on the features of every run, and the tables."""
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from sklearn.preprocessing import normalize

from ..discovery import METHODS, clip_texts, discovery_figures, estimate_count, text_simgcd
from ..evaluation.naming import encode_words, read_lexicon, readable, similarities
from ..files import write_json
from ..models.prompts.text import CLIPTextTower
from .discovery_features import space, write_features
from .protocol import run_split, split_config
from .report import markdown

MEASURES = 'All', 'Old', 'New', 'NMI', 'ARI'
PARTS = dict(transductive='unlabelled training clips, which the methods have seen (transductive)',
             inductive='test clips, which nothing has seen (inductive)')
COUNTS = dict(told='the number of categories is told',
              estimated='the number of categories is estimated')


def discover_split(**job: Any) -> dict[str, Any]:
    """Train and test one split on labelled clips alone, then group all other clips.

    Args:
        **job (Any): arguments of ``protocol.run_split``, whose task is one of discovery.

    Returns:
        dict: what that returns, and ``discovery``, of ``discover``. The same is written to
        ``discovery.json`` in the work dir, and the features to ``discovery.npz``.

    Raises:
        InputError: of ``discovery_features.write_features`` and of the methods.
    """
    result = run_split(**job)
    record = Path(job['work_dir']) / 'discovery.json'
    if job.get('resume') and record.exists():
        found = json.loads(record.read_text(encoding='utf-8'))
        if found['settings'] == result['settings']:
            return found
    names = 'config', 'split', 'cfg_options', 'openness', 'task', 'known'
    cfg = split_config(**{name: job[name] for name in names if name in job})
    features = write_features(cfg, job['work_dir'])
    result = dict(result, discovery=discover(features, word_texts(cfg, features)))
    write_json(result, record)
    return result


def word_texts(cfg: Config, features: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """Describe every clip by words of the lexicon, in CLIP's space.

    Args:
        cfg (mmengine.Config): of the run.
        features (dict[str, np.ndarray]): of ``discovery_features.write_features``.

    Returns:
        np.ndarray | None: (N, E) of length 1, seen from the mean of the labelled clips. None where
        the features are not in the space of a CLIP.
    """
    if 'clip' not in cfg:
        return None
    tower = CLIPTextTower(**cfg.clip)
    if tower.out_channels != features['feature'].shape[1]:
        return None
    texts = encode_words(tower, readable(tower, read_lexicon()))
    found = clip_texts(similarities(features['feature'], texts), texts)
    return normalize(found - found[features['labelled']].mean(0))


def discover(features: Mapping[str, np.ndarray],
             texts: np.ndarray | None = None) -> dict[str, Any]:
    """Group the unlabelled training clips by every method, and the test clips by what it learned.

    Args:
        features (dict[str, np.ndarray]): of ``discovery_features.write_features``.
        texts (np.ndarray, optional): (N, E) of ``word_texts``. Defaults to None: methods that
            read words are left out.

    Returns:
        dict: ``told`` and ``estimated`` numbers of categories, and ``figures``: method, then
        ``'told'`` or ``'estimated'``, then ``'transductive'`` or ``'inductive'``, then figures of
        ``discovery_figures``.

    Raises:
        InputError: of the methods.
    """
    vectors, emotion, known = space(features), features['emotion'], features['classes'].tolist()
    test, labelled = features['test'], features['labelled']
    unlabelled = ~test & ~labelled
    labels = np.array([known.index(name) for name in emotion[labelled]])
    numbers = dict(told=len(np.unique(emotion[~test])),
                   estimated=estimate_count(vectors[labelled], labels, vectors[unlabelled]))
    methods = [*METHODS, *(['text_simgcd'] if texts is not None else [])]
    figures: dict[str, Any] = {method: {} for method in methods}
    for method in methods:
        for name, k in numbers.items():
            if name == 'estimated' and k == numbers['told']:
                figures[method][name] = figures[method]['told']
                continue
            clips: list = [(vectors[part],) for part in (labelled, unlabelled, test)]
            if method == 'text_simgcd':
                assert texts is not None
                clips = [(*one, texts[part]) for one, part in zip(
                    clips, (labelled, unlabelled, test), strict=True)]
                found = text_simgcd(clips[0][0], labels, clips[1][0], k, clips[0][1], clips[1][1])
            else:
                found = METHODS[method](clips[0][0], labels, clips[1][0], k)
            figures[method][name] = dict(
                transductive=discovery_figures(found.groups, emotion[unlabelled], known),
                inductive=discovery_figures(found.assign(*clips[2]), emotion[test], known))
    return dict(numbers, figures=figures)


def discovery_report(results: Mapping[str, Sequence[Mapping[str, Any]]], task: str,
                     data: str) -> str:
    """The tables of a task of discovery.

    Args:
        results (dict[str, list[dict]]): of ``discover_split``, for each kind of features.
        task (str): its name.
        data (str): what was measured on, and with which weights.

    Returns:
        str: Markdown. Mean over the splits +- standard error of the mean, a table for each
        openness, part and way to know the number of categories.
    """
    lines = [f'# Task {task}', '', f'Measured here ({data}): last epoch, nothing selected. Mean '
             'over the splits +- its standard error, in percent. One matching over all categories.']
    for openness in dict.fromkeys(run['protocol'] for runs in results.values() for run in runs):
        chosen = {name: [run['discovery'] for run in runs if run['protocol'] == openness]
                  for name, runs in results.items()}
        for count, how in COUNTS.items():
            for part, what in PARTS.items():
                rows = [['features', 'method', *MEASURES]]
                rows += [[name, method, *(_cell([run['figures'][method][count][part][measure]
                                                 for run in runs]) for measure in MEASURES)]
                         for name, runs in chosen.items() if runs for method in runs[0]['figures']]
                lines += ['', f'## O({openness}), {what}; {how}', '', markdown(rows)]
        rows = [['features', 'told', 'estimated, split by split']]
        rows += [[name, ' '.join(sorted({str(run['told']) for run in runs})),
                  ' '.join(str(run['estimated']) for run in runs)]
                 for name, runs in chosen.items() if runs]
        lines += ['', f'## O({openness}), number of categories', '', markdown(rows)]
    return '\n'.join(lines) + '\n'


def _cell(values: Sequence[float | None]) -> str:
    """Mean and standard error of figures, empty where one is missing."""
    found = [value for value in values if value is not None]
    if not found or len(found) < len(values):
        return ''
    error = f' +- {np.std(found, ddof=1) / len(found) ** 0.5:.1f}' if len(found) > 1 else ''
    return f'{np.mean(found):.1f}{error}'
