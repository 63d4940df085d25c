"""The page of ``tools/discover.py``: a contact sheet for every group of unknown clips."""
import os

from ..text import printable
from . import html
from .sheet import frame_grid, middle_frame

SHOWN = 6  # clips of a kind


def draw_frames(frames, titles, columns=SHOWN):
    """Draw frames with a line of text each.

    Args:
        frames (list[np.ndarray]): (H, W, 3) uint8 RGB.
        titles (list[str]): as many.
        columns (int): frames in a row. Defaults to 6.

    Returns:
        matplotlib.figure.Figure: the sheet.
    """
    figure, places = frame_grid(frames, columns, (1.7, 2.0))
    for title, axes in zip(titles, places, strict=True):
        axes.set_title(title, fontsize='x-small')
    return figure


def group_page(groups, paths, known):
    """Write one HTML page about groups of unknown clips.

    Args:
        groups (list[Group]): of ``find_groups``.
        paths (list[str]): of all clips.
        known (Sequence[str]): emotions that the model knows.

    Returns:
        str: the page, which loads nothing. It shows up to six typical and six doubtful clips of
        each group.
    """
    parts = [html.paragraph(f'Known: {", ".join(known)}. The clips look like none of them. Decide '
                            'in groups.txt which groups are emotions to learn.')]
    for number, group in enumerate(groups, 1):
        parts += [
            html.heading(f'Group {number}: {group.name or "no name suggested"}'),
            html.paragraph(f'{len(group.clips)} clips. Words by mean cosine: ' + ', '.join(
                f'{word} {value:.3f}' for word, value in group.words[:5]) + '.'),
            html.picture(_sheet(group, group.clips[:SHOWN], paths),
                         'The most typical clips, nearest to the centre of the group.'),
            html.picture(_sheet(group, group.doubtful(SHOWN), paths),
                         'The most doubtful clips: another group is nearly as near. The number is '
                         'the margin.')]
    return html.page('Groups of unknown clips', parts)


def _sheet(group, clips, paths):
    margins = dict(zip(group.clips.tolist(), group.margins, strict=True))
    return draw_frames([middle_frame(paths[i]) for i in clips],
                       [f'{printable(os.path.basename(paths[i]))}\n{margins[int(i)]:.2f}'
                        for i in clips])
