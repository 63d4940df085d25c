"""Tables of results: split by split, method by method, and in the form of the HESP paper."""
import json
import statistics
from pathlib import Path

from scipy import stats

COLUMNS = ('AUROC', 'OSCR', 'ACC')
PUBLISHED = Path(__file__).parents[1] / 'evaluation' / 'published.json'


def markdown(rows):
    """Rows of cells, the first of them the head, to a table in Markdown."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ['| ' + ' | '.join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + ' |'
             for row in rows]
    lines.insert(1, '|' + '|'.join('-' * (w + 2) for w in widths) + '|')
    return '\n'.join(lines)


def table(results):
    """Rows of splits beside each other for every method, and their mean and deviation.

    Args:
        results (dict[str, list[dict]]): metrics per split, for each method.

    Returns:
        str: a table in Markdown.
    """
    methods = list(results)
    rows = [['known'] + [f'{m} {c}' for m in methods for c in COLUMNS]]
    for metrics in zip(*results.values(), strict=True):
        rows.append([', '.join(metrics[0]['known'])]
                    + [f'{m[c]:.2f}' for m in metrics for c in COLUMNS])
    if len(rows) > 2:
        columns = [[m[c] for m in results[method]] for method in methods for c in COLUMNS]
        rows.append(['mean'] + [f'{statistics.mean(column):.2f}' for column in columns])
        rows.append(['deviation'] + [f'{statistics.stdev(column):.2f}' for column in columns])
    return markdown(rows)


def summary(results):
    """One row per method: mean and standard deviation over the splits, of each openness and of all.

    The last columns compare with the first method, split by split: mean difference and its
    standard error.

    Args:
        results (dict[str, list[dict]]): metrics per split, for each method.

    Returns:
        str: a table in Markdown.
    """
    first, *_ = results.values()
    opennesses = list(dict.fromkeys(m['protocol'] for m in first))
    groups = [[o] for o in opennesses] + ([opennesses] if len(opennesses) > 1 else [])
    rows = [['method']
            + [f'O({" ".join(g)}) {c}' if len(g) == 1 else f'all {c}'
               for g in groups for c in COLUMNS]
            + [f'{c} difference' for c in COLUMNS[:2]] + ['seconds']]
    for method, metrics in results.items():
        cells = [[m[c] for m in metrics if m['protocol'] in g] for g in groups for c in COLUMNS]
        differences = [[a[c] - b[c] for a, b in zip(metrics, first, strict=True)]
                       for c in COLUMNS[:2]]
        rows.append([method, *map(mean_and_deviation, cells),
                     *([''] * 2 if metrics is first else map(mean_and_error, differences)),
                     f'{statistics.mean(m["seconds"] for m in metrics):.0f}'])
    return markdown(rows)


def mean_and_deviation(values):
    """Numbers to ``'mean +- standard deviation'``; the deviation needs two."""
    spread = f' +- {statistics.stdev(values):.1f}' if len(values) > 1 else ''
    return f'{statistics.mean(values):.1f}{spread}'


def mean_and_error(values):
    """Numbers to ``'mean (standard error of the mean)'``; the error needs two."""
    error = f' ({statistics.stdev(values) / len(values) ** 0.5:.1f})' if len(values) > 1 else ''
    return f'{statistics.mean(values):+.1f}{error}'


def interval(values, level=0.95):
    """Student's confidence interval of a mean, half its width; NaN for fewer than two values."""
    if len(values) < 2:
        return float('nan')
    quantile = stats.t.ppf((1 + level) / 2, len(values) - 1)
    return float(quantile * statistics.stdev(values) / len(values) ** 0.5)


def measured(results, metric):
    """Means per openness and over all runs of one method.

    Args:
        results (list[dict]): of :func:`.protocol.run_split`. metric (str): such as ``'AUROC'``.

    Returns:
        dict: openness to (mean, standard deviation, half the 95 % interval); ``'mean'`` is over the
        opennesses' means, with deviation and interval over all runs.
    """
    groups = {}
    for row in results:
        groups.setdefault(row['protocol'], []).append(row[metric])
    cells = {name: _cell(values) for name, values in groups.items()}
    everything = [value for values in groups.values() for value in values]
    mean = statistics.mean(cell[0] for cell in cells.values())
    return {**cells, 'mean': (mean, *_cell(everything)[1:])}


def _cell(values):
    spread = statistics.stdev(values) if len(values) > 1 else float('nan')
    return statistics.mean(values), spread, interval(values)


def _columns(results):
    first = next(iter(results.values()))
    names = list(dict.fromkeys(row['protocol'] for row in first))
    return [*names, 'mean'] if len(names) > 1 else ['mean']


def _published_rows(task, columns):
    """Rows of the paper's table of a task; cells of opennesses it does not have are
    empty."""
    table = json.loads(PUBLISHED.read_text(encoding='utf-8')).get(task, {})
    for method, values in table.items():
        if method == 'columns':
            continue
        found = [dict(zip(table['columns'], row, strict=True)) for row in values]
        yield [method, *(f'{row[c]:.2f}' if c in row else '' for row in found for c in columns)]


def _measured_rows(results, columns, with_interval):
    for method, runs in results.items():
        cells = []
        for metric in ('AUROC', 'OSCR'):
            found = measured(runs, metric)
            for column in columns:
                mean, deviation, half = found[column]
                cell = f'{mean:.2f}'
                if deviation == deviation:
                    cell += f' +- {deviation:.2f}'
                if with_interval and half == half:
                    cell += f' [{mean - half:.2f}, {mean + half:.2f}]'
                cells.append(cell)
        yield [method, *cells]


def markdown_report(results, task, data):
    """The table of a task: published figures and ours, clearly apart.

    Args:
        results (dict[str, list[dict]]): runs of every method. task (str). data (str): what ours
            were measured on, and with which weights.
    """
    columns = _columns(results)
    head = ['method'] + [f'{m} {c}' for m in ('AUROC', 'OSCR') for c in columns]
    lines = [f'# Task {task}', '',
             f'Measured here ({data}): mean over the splits +- standard deviation '
             '[95 % interval of the mean], last epoch.', '',
             markdown([head, *_measured_rows(results, columns, True)])]
    published = list(_published_rows(task, columns))
    if published:
        source = json.loads(PUBLISHED.read_text(encoding='utf-8'))['source']
        lines += ['', f'Published ({source}); other data and other weights than ours:', '',
                  markdown([head, *published])]
    return '\n'.join(lines) + '\n'


def latex_report(results, task, data):
    """The same in LaTeX (booktabs), without intervals."""
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


def _escape(text):
    for character in '&%_#':
        text = text.replace(character, '\\' + character)
    return text
