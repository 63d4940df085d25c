"""What all figures share: colours and axes."""
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

KNOWN, UNKNOWN = '#0072b2', '#d55e00'  # told apart by colour-blind readers too
# Okabe and Ito's, then three more: enough for eleven emotions or as many runs.
COLOURS = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#f0e442', '#000000',
           '#8c564b', '#7f7f7f', '#9467bd')


def new_axes(title, xlabel, ylabel, size):
    """Make a figure with one pair of axes.

    Args:
        title (str): above the axes.
        xlabel (str): name of the horizontal axis.
        ylabel (str): name of the vertical axis.
        size (tuple[float, float]): width and height in inches.

    Returns:
        tuple: matplotlib's Figure and Axes.
    """
    figure = Figure(figsize=size, layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(title=title, xlabel=xlabel, ylabel=ylabel)
    axes.spines[['top', 'right']].set_visible(False)
    axes.grid(alpha=0.25)
    axes.set_axisbelow(True)
    return figure, axes


def pixels(figure):
    """Render a figure as a picture, at 100 dots per inch.

    Args:
        figure (matplotlib.figure.Figure): with an Agg canvas.

    Returns:
        np.ndarray: RGB (H, W, 3), uint8.
    """
    figure.set_dpi(100)
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()
