"""Draws features as points in the plane (the paper's Fig. 6)."""
import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from ..errors import InputError
from .canvas import COLOURS, new_axes


def embed(feature, seed=0):
    """Compute the t-SNE of features. They are standardised as a whole, and it starts from PCA.

    Args:
        feature (np.ndarray): (N, D).
        seed (int): seed of PCA and t-SNE. Defaults to 0.

    Returns:
        np.ndarray: (N, 2).

    Raises:
        InputError: fewer than four samples, or features that are not finite.
    """
    if len(feature) < 4:
        raise InputError(f't-SNE needs four samples or more, not {len(feature)}')
    if not np.isfinite(feature).all():
        raise InputError('t-SNE needs features that are finite')
    feature = (feature - feature.mean(0)) / max(float(feature.std()), 1e-12)
    start = PCA(2, random_state=seed).fit_transform(feature)
    start = 1e-4 * start / max(float(start[:, 0].std()), 1e-12)
    perplexity = min(30, (len(feature) - 1) / 3)
    return TSNE(2, perplexity=perplexity, init=start, random_state=seed).fit_transform(feature)


def draw_embedding(feature, emotion, known):
    """Draw points coloured by emotion: known ones as dots, unknown ones as crosses.

    Args:
        feature (np.ndarray): (N, D).
        emotion (Sequence[str]): true emotions of the N clips.
        known (Sequence[str]): the known emotions.

    Returns:
        matplotlib.figure.Figure: the drawing.

    Raises:
        InputError: see ``embed``.
    """
    points, emotion = embed(np.asarray(feature, np.float64)), np.asarray(emotion)
    figure, axes = new_axes('Features of the test clips (t-SNE)', '', '', (7.6, 5.2))
    axes.set(xticks=[], yticks=[])
    names = [*known, *sorted(set(emotion) - set(known))]
    for i, name in enumerate(names):
        chosen = points[emotion == name]
        style = dict(marker='o', s=18) if name in known else dict(marker='x', s=24)
        axes.scatter(*chosen.T, color=COLOURS[i % len(COLOURS)], **style,
                     label=name if name in known else f'{name} (unknown)')
    figure.legend(loc='outside right upper', frameon=False, fontsize='small')
    return figure
