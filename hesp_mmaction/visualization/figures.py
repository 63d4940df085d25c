"""Figures of a test run: score histogram, ROC and OSCR curve."""
import os

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..evaluation.ranking import auroc, oscr, oscr_curve, roc_curve

KNOWN, UNKNOWN = '#0072b2', '#d55e00'  # told apart by colour-blind readers too


def save_figures(dump, folder, threshold=None):
    """Draws ``scores.png``, ``roc.png`` and ``oscr.png``.

    Args:
        dump (dict[str, np.ndarray]): raw material of a test run (``load_dump``).
        folder (str): made if need be.
        threshold (float, optional): score from which a sample is called known, drawn in the
            histogram. Defaults to None.

    Returns:
        list[str]: paths of the figures.
    """
    is_known = dump['label'] >= 0
    known, unknown = dump['score'][is_known], dump['score'][~is_known]
    correct = (dump['pred'] == dump['label'])[is_known]
    os.makedirs(folder, exist_ok=True)
    figures = dict(scores=_histogram(known, unknown, threshold),
                   roc=_roc(known, unknown), oscr=_oscr(known, correct, unknown))
    paths = []
    for name, figure in figures.items():
        paths.append(os.path.join(folder, f'{name}.png'))
        figure.savefig(paths[-1], dpi=150)
    return paths


def _axes(title, xlabel, ylabel, size):
    figure = Figure(figsize=size, layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(title=title, xlabel=xlabel, ylabel=ylabel)
    axes.spines[['top', 'right']].set_visible(False)
    axes.grid(alpha=0.25)
    axes.set_axisbelow(True)
    return figure, axes


def _histogram(known, unknown, threshold):
    figure, axes = _axes(f'Scores, AUROC {100 * auroc(known, unknown):.2f}',
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


def _roc(known, unknown):
    figure, axes = _axes('Known against unknown', 'unknown accepted (%)', 'known accepted (%)',
                         (4.8, 4.8))
    _draw(axes, roc_curve(known, unknown), f'ROC, AUROC {100 * auroc(known, unknown):.2f}')
    axes.plot([0, 100], [0, 100], color='grey', linestyle=':', label='chance, 50.00')
    axes.legend(loc='lower right')
    return figure


def _oscr(known, correct, unknown):
    figure, axes = _axes('Open-set classification rate', 'unknown accepted (%)',
                         'known accepted and classified right (%)', (4.8, 4.8))
    area = 100 * oscr(known, correct, unknown)
    _draw(axes, oscr_curve(known, correct, unknown), f'OSCR {area:.2f}')
    accuracy = 100 * np.mean(correct)
    axes.axhline(accuracy, color='grey', linestyle=':', label=f'closed-set ACC {accuracy:.2f}')
    axes.legend(loc='best')
    return figure


def _draw(axes, curve, label):
    axes.plot(100 * curve[0], 100 * curve[1], color=KNOWN, linewidth=1.8, label=label)
    axes.fill_between(100 * curve[0], 100 * curve[1], color=KNOWN, alpha=0.12)
    axes.set(xlim=(0, 100), ylim=(0, 101), aspect='equal')
