"""Figures of scores: densities of known and unknown, ROC and OSCR curves of one or more runs."""
import os

import numpy as np

from ..errors import InputError
from ..evaluation import auroc, oscr, oscr_curve, roc_curve
from ..evaluation.finite import named, not_finite
from ..evaluation.openset_metric import split_dump
from .canvas import COLOURS, KNOWN, UNKNOWN, new_axes


def parts(dump):
    """Split the scores of a run into those of known and of unknown samples.

    Args:
        dump (dict[str, np.ndarray]): raw material of a test run.

    Returns:
        tuple[np.ndarray]: scores (N_k,) of the known, bool (N_k,) whether their predicted class is
        right, and scores (N_u,) of the unknown.

    Raises:
        InputError: no known or no unknown sample, or scores that are not finite.
    """
    wrong = not_finite(dump, 'score')
    if wrong.any():
        raise InputError(f'the scores of {named(dump, wrong)} are NaN or infinite')
    return split_dump(dump, dump['score'])


def save_figures(dump, folder, threshold=None):
    """Draws ``scores.png``, ``roc.png`` and ``oscr.png`` of one run.

    Args:
        dump (dict[str, np.ndarray]): raw material of a test run (``load_dump``).
        folder (str): folder of the figures; created if it does not exist.
        threshold (float, optional): score from which a sample is called known, drawn in the
            histogram. Defaults to None.

    Returns:
        list[str]: paths of the figures.
    """
    return save(dict(scores=draw_scores(dump, threshold), roc=draw_roc({'ROC': dump}),
                     oscr=draw_oscr({'OSCR': dump})), folder)


def save(figures, folder):
    """Write figures to ``folder/<name>.png``.

    Args:
        figures (dict[str, matplotlib.figure.Figure]): by name.
        folder (str): made if it does not exist.

    Returns:
        list[str]: paths of the files.
    """
    os.makedirs(folder, exist_ok=True)
    paths = []
    for name, figure in figures.items():
        paths.append(os.path.join(folder, f'{name}.png'))
        figure.savefig(paths[-1], dpi=150)
    return paths


def draw_scores(dump, threshold=None):
    """Draw the densities of the scores of known and unknown clips (the paper's Fig. 5).

    Args:
        dump (dict[str, np.ndarray]): raw material of a test run.
        threshold (float, optional): marked by a line. Defaults to None, no line.

    Returns:
        matplotlib.figure.Figure: the drawing.
    """
    known, _, unknown = parts(dump)
    figure, axes = new_axes(f'Scores, AUROC {100 * auroc(known, unknown):.2f}',
                            'score (bigger = more known)', 'share of the clips (%)', (7.6, 4.4))
    bins = np.histogram_bin_edges(np.r_[known, unknown], bins=30)
    for scores, name, color in ((known, 'known', KNOWN), (unknown, 'unknown', UNKNOWN)):
        weights = np.full(len(scores), 100 / len(scores))
        axes.hist(scores, bins, weights=weights, color=color, alpha=0.25)
        axes.hist(scores, bins, weights=weights, color=color, histtype='step', linewidth=1.5,
                  label=f'{name} (n = {len(scores)})')
    if threshold is not None:
        axes.axvline(threshold, color='black', linestyle='--',
                     label=f'threshold {threshold:.4g}: keeps {np.mean(known >= threshold):.0%} of '
                           f'known, {np.mean(unknown >= threshold):.0%} of unknown')
    figure.legend(loc='outside lower center', ncols=3, frameon=False, fontsize='small')
    return figure


def draw_roc(runs):
    """Draw ROC curves: share of known accepted over share of unknown accepted.

    Args:
        runs (dict[str, dict]): raw material of test runs by the name of the run.

    Returns:
        matplotlib.figure.Figure: the curves.
    """
    figure, axes = new_axes('Known against unknown', 'unknown accepted (%)', 'known accepted (%)',
                            (4.8, 4.8))
    for colour, (name, dump) in zip(_colours(runs), runs.items(), strict=True):
        known, _, unknown = parts(dump)
        _draw(axes, roc_curve(known, unknown), f'{name}, AUROC {100 * auroc(known, unknown):.2f}',
              colour, fill=len(runs) == 1)
    axes.plot([0, 100], [0, 100], color='grey', linestyle=':', label='chance, 50.00')
    axes.legend(loc='lower right', fontsize='small')
    return figure


def draw_oscr(runs):
    """Draw OSCR curves, with their areas in percent.

    Args:
        runs (dict[str, dict[str, np.ndarray]]): name to raw material of a test run, as for
            ``draw_roc``.

    Returns:
        matplotlib.figure.Figure: the drawing.
    """
    figure, axes = new_axes('Open-set classification rate', 'unknown accepted (%)',
                            'known accepted and classified right (%)', (4.8, 4.8))
    for colour, (name, dump) in zip(_colours(runs), runs.items(), strict=True):
        known, correct, unknown = parts(dump)
        area = 100 * oscr(known, correct, unknown)
        _draw(axes, oscr_curve(known, correct, unknown), f'{name} {area:.2f}', colour,
              fill=len(runs) == 1)
        if len(runs) == 1:
            accuracy = 100 * np.mean(correct)
            axes.axhline(accuracy, color='grey', linestyle=':',
                         label=f'closed-set ACC {accuracy:.2f}')
    axes.legend(loc='best', fontsize='small')
    return figure


def _colours(runs):
    return [COLOURS[i % len(COLOURS)] for i in range(len(runs))]


def _draw(axes, curve, label, colour, fill):
    axes.plot(100 * curve[0], 100 * curve[1], color=colour, linewidth=1.8, label=label)
    if fill:
        axes.fill_between(100 * curve[0], 100 * curve[1], color=colour, alpha=0.12)
    axes.set(xlim=(0, 100), ylim=(0, 101), aspect='equal')
