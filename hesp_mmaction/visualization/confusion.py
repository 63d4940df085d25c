"""Confusion matrix of emotions, with "unknown" as a column."""
import numpy as np

from .canvas import new_axes


def confusion_matrix(emotion, decided, known):
    """Count true emotions against decisions.

    Args:
        emotion (Sequence[str]): true emotions (N,), unknown ones too.
        decided (Sequence[str]): a known emotion or ``'unknown'`` for every sample (N,).
        known (Sequence[str]): the K known emotions, in label order.

    Returns:
        tuple: names of the rows (known, then the unknown emotions that occur, sorted), names of the
        columns (known, then ``'unknown'``), and the counts (rows, columns).
    """
    rows = [*known, *sorted(set(emotion) - set(known))]
    columns = [*known, 'unknown']
    counts = np.zeros((len(rows), len(columns)), int)
    np.add.at(counts, ([rows.index(name) for name in emotion],
                       [columns.index(name) for name in decided]), 1)
    return rows, columns, counts


def draw_confusion(emotion, decided, known):
    """Draw how many clips of each emotion were decided as which. Colours are shares of a row, and a
    line divides known from unknown.

    Args:
        emotion (Sequence[str]): true emotions of N clips.
        decided (Sequence[str]): N decisions, each a known emotion or ``'unknown'``.
        known (Sequence[str]): the known emotions, in order.

    Returns:
        matplotlib.figure.Figure: the drawing.
    """
    rows, columns, counts = confusion_matrix(emotion, decided, known)
    figure, axes = new_axes('Decisions', 'decided', 'true emotion',
                            (1.6 + 0.8 * len(columns), 1.4 + 0.5 * len(rows)))
    share = counts / counts.sum(1, keepdims=True).clip(1)
    axes.imshow(share, cmap='Blues', vmin=0, vmax=1, aspect='auto')
    axes.grid(False)
    axes.set_xticks(range(len(columns)), columns, rotation=40, ha='right')
    axes.set_yticks(range(len(rows)), rows)
    for (i, j), count in np.ndenumerate(counts):
        axes.text(j, i, count, ha='center', va='center',
                  color='white' if share[i, j] > 0.5 else 'black')
    axes.axhline(len(known) - 0.5, color='black', linewidth=1)
    axes.axvline(len(known) - 0.5, color='black', linewidth=1)
    return figure
