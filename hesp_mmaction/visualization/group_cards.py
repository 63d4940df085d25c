"""Renders groups of unknown clips as HTML, for the demo page."""
import html
from pathlib import Path

from ..text import printable
from .answer import image_url
from .sheet import middle_frame

SHOWN = 6  # clips of a kind
STYLE = """
.cards { display: grid; gap: 10px; padding: 10px 12px; font-size: 15px }
.cards h3 { font-size: 17px; font-weight: 600; margin: 0 } .cards p { margin: 0 }
.cards .faint { font-size: 13px; color:
  color-mix(in srgb, var(--body-text-color, #111) 68%, transparent) }
.cards .sheet { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: 6px }
.cards figure { margin: 0 } .cards img { width: 100%; border-radius: 4px; display: block }
.cards figcaption { font-size: 12px; white-space: nowrap; overflow: hidden;
  text-overflow: ellipsis }
"""


def summary(grouped):
    """Say how many clips are in how many groups, and which cannot be used.

    Args:
        grouped (Grouped): see ``hesp_mmaction.apis.demo_groups.Grouped``.

    Returns:
        str: HTML.
    """
    groups = grouped.groups
    text = (f'{sum(len(group.clips) for group in groups)} of {grouped.total} clips are unknown. '
            f'They make {len(groups)} group{"s" * (len(groups) > 1)}.')
    problems = ''.join(f'<p class="faint">{html.escape(printable(line))}</p>'
                       for line in grouped.problems)
    return f'<div class="cards"><p>{text}</p>{problems}</div>'


def card(number, group, paths):
    """Show one group: words, the six most typical clips and the six most doubtful ones.

    Args:
        number (int): of the group, from 1.
        group (Group): see ``hesp_mmaction.evaluation.groups.Group``.
        paths (list[str]): of all clips.

    Returns:
        str: HTML, which contains the pictures itself.
    """
    words = ', '.join(html.escape(word) for word, _ in group.words[:3])
    sheets = {'All clips, the most typical first': group.clips}
    if len(group.clips) > SHOWN:
        sheets = {'The most typical clips': group.clips[:SHOWN],
                  'The most doubtful clips: another group is nearly as near':
                      group.doubtful(SHOWN)}
    return (f'<div class="cards"><h3>Group {number}: {len(group.clips)} clips</h3>'
            f'<p>The words that fit best: {words}</p>' + ''.join(
                f'<p class="faint">{title}</p>{_sheet(rows, paths)}'
                for title, rows in sheets.items()) + '</div>')


def _sheet(rows, paths):
    pictures = ''
    for row in rows:
        name = html.escape(printable(Path(paths[row]).name), quote=True)
        pictures += (f'<figure><img alt="{name}" src="{image_url(middle_frame(paths[row]), 128)}">'
                     f'<figcaption title="{name}">{name}</figcaption></figure>')
    return f'<div class="sheet">{pictures}</div>'
