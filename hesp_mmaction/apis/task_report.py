"""Tables of a whole task in the form of the HESP paper, in Markdown and LaTeX."""
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from .report import Results, labelled, markdown, measured

LATEX = str.maketrans({character: f'\\{character}' for character in '&%$#_{}'} | {
    '\\': r'\textbackslash{}', '~': r'\textasciitilde{}', '^': r'\textasciicircum{}'})
PUBLISHED = Path(__file__).parents[1] / 'evaluation' / 'published.json'


def _columns(results: Results) -> list[str]:
    first = next(iter(results.values()))
    names = list(dict.fromkeys(row['protocol'] for row in first))
    return [*names, 'mean'] if len(names) > 1 else ['mean']


def _published_rows(task: str, columns: Sequence[str]) -> Iterator[list[str]]:
    """Rows of the paper's table of a task. Cells of opennesses that it lacks are empty."""
    table = json.loads(PUBLISHED.read_text(encoding='utf-8')).get(task, {})
    for method, values in table.items():
        if method == 'columns':
            continue
        found = [dict(zip(table['columns'], row, strict=True)) for row in values]
        yield [method, *(f'{row[c]:.2f}' if c in row else '' for row in found for c in columns)]


def _measured_rows(results: Results, columns: Sequence[str],
                   with_interval: bool) -> Iterator[list[str]]:
    for method, runs in labelled(results).items():
        cells = []
        for metric in ('AUROC', 'OSCR'):
            found = measured(runs, metric)
            for column in columns:
                mean, deviation, ends = found[column]
                cell = f'{mean:.2f}'
                if deviation is not None:
                    cell += f' +- {deviation:.2f}'
                if with_interval and ends is not None:
                    cell += f' [{ends[0]:.2f}, {ends[1]:.2f}]'
                cells.append(cell)
        yield [method, *cells]


def markdown_report(results: Results, task: str, data: str) -> str:
    """Make the tables of a task in Markdown: our figures, then the published ones, clearly apart.

    Args:
        results (dict[str, list[dict]]): for each method, its runs.
        task (str): the name of the task.
        data (str): the data and the weights of our runs, for the text above the table.

    Returns:
        str: Markdown.
    """
    columns = _columns(results)
    head = ['method'] + [f'{m} {c}' for m in ('AUROC', 'OSCR') for c in columns]
    several = max(len(runs) for runs in results.values()) > 1
    what = ('mean over the splits +- standard deviation [95 % interval of the mean; of a single '
            'run by bootstrap over its test samples]' if several else
            'one run [95 % interval by bootstrap over its test samples]')
    lines = [f'# Task {task}', '', f'Measured here ({data}): {what}, last epoch.', '',
             markdown([head, *_measured_rows(results, columns, True)])]
    published = list(_published_rows(task, columns))
    if published:
        source = json.loads(PUBLISHED.read_text(encoding='utf-8'))['source']
        lines += ['', f'Published ({source}); other data and other weights than ours:', '',
                  markdown([head, *published])]
    return '\n'.join(lines) + '\n'


def latex_report(results: Results, task: str, data: str) -> str:
    """Make the table of a task in LaTeX (booktabs), without intervals.

    Args:
        results (dict[str, list[dict]]): for each method, its runs.
        task (str): the name of the task.
        data (str): the data and the weights of our runs.

    Returns:
        str: LaTeX.
    """
    columns = _columns(results)
    width = len(columns)
    lines = [r'\begin{tabular}{l' + 'r' * (2 * width) + '}', r'\toprule',
             rf' & \multicolumn{{{width}}}{{c}}{{AUROC}} & \multicolumn{{{width}}}{{c}}{{OSCR}} \\',
             ' & '.join(['method', *columns, *columns]) + r' \\', r'\midrule']
    published = list(_published_rows(task, columns))
    if published:
        lines.append(rf'\multicolumn{{{2 * width + 1}}}{{l}}{{published}} \\')
        lines += [' & '.join([_escape(name), *cells]) + r' \\' for name, *cells in published]
        lines.append(r'\midrule')
    lines.append(rf'\multicolumn{{{2 * width + 1}}}{{l}}{{measured here: {_escape(data)}}} \\')
    for name, *cells in _measured_rows(results, columns, False):
        cells = [f'${cell}$'.replace('+-', r'\pm') for cell in cells]
        lines.append(' & '.join([_escape(name), *cells]) + r' \\')
    return '\n'.join([*lines, r'\bottomrule', r'\end{tabular}']) + '\n'


def _escape(text: str) -> str:
    """Write a text so that LaTeX prints it."""
    return text.translate(LATEX)
