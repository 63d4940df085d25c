"""Tables of results, by split and by method."""
import statistics
from collections.abc import Mapping, Sequence

from scipy import stats

COLUMNS = ('AUROC', 'OSCR', 'ACC')
CLOSED_COLUMNS = ('UAR', 'WAR')
# Heads of columns, and where a run has what stands below.
COSTS = {'seconds': 'seconds', 'seconds per epoch': 'seconds_per_epoch',
         'trainable parameters': 'trainable'}
# Runs of every method; mean, standard deviation and interval of one cell.
Results = Mapping[str, Sequence[dict]]
Cell = tuple[float, float | None, tuple[float, float] | None]


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Make a table in Markdown.

    Args:
        rows (Sequence[Sequence[str]]): rows of cells. The first row is the head.

    Returns:
        str: the table.
    """
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ['| ' + ' | '.join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + ' |'
             for row in rows]
    lines.insert(1, '|' + '|'.join('-' * (w + 2) for w in widths) + '|')
    return '\n'.join(lines)


def labelled(results: Results) -> Results:
    """Mark the methods that saw test samples in training, though not their labels.

    Args:
        results (dict[str, list[dict]]): for each method, its runs.

    Returns:
        dict[str, list[dict]]: the same runs. ``(transductive)`` is added to the names of such
        methods.
    """
    return {f'{name} (transductive)' if any(run.get('transductive') for run in runs) else name: runs
            for name, runs in results.items()}


def table(results: Results) -> str:
    """Make a table with a row per split and all methods side by side, then mean and deviation.

    A closed set has folds in place of splits.

    Args:
        results (dict[str, list[dict]]): for each method, the metrics per split.

    Returns:
        str: a table in Markdown.
    """
    results = labelled(results)
    methods = list(results)
    closed = _is_closed(results)
    names = CLOSED_COLUMNS if closed else COLUMNS
    rows = [['fold' if closed else 'known'] + [f'{m} {c}' for m in methods for c in names]]
    for metrics in zip(*results.values(), strict=True):
        rows.append([str(metrics[0]['split']) if closed else ', '.join(metrics[0]['known'])]
                    + [f'{m[c]:.2f}' for m in metrics for c in names])
    if len(rows) > 2:
        columns = [[m[c] for m in results[method]] for method in methods for c in names]
        rows.append(['mean'] + [f'{statistics.mean(column):.2f}' for column in columns])
        rows.append(['deviation'] + [f'{statistics.stdev(column):.2f}' for column in columns])
    return markdown(rows)


def summary(results: Results) -> str:
    """Make a table with a row per method.

    It shows mean and standard deviation over the splits, for each openness and for all together.
    For a closed set it shows UAR and WAR over the folds. The next columns compare each method with
    the first one, split by split: the mean difference and its standard error. The last columns are
    costs: mean seconds of a run, mean seconds of an epoch, and the number of trainable parameters.
    A method that is not trained only has the first of them.

    Args:
        results (dict[str, list[dict]]): for each method, the metrics per split.

    Returns:
        str: a table in Markdown.
    """
    results = labelled(results)
    first, *_ = results.values()
    if _is_closed(results):
        return markdown([['method', *CLOSED_COLUMNS, *COSTS]] + [
            [method, *(mean_and_deviation([m[c] for m in metrics]) for c in CLOSED_COLUMNS),
             *_costs(metrics)] for method, metrics in results.items()])
    opennesses = list(dict.fromkeys(m['protocol'] for m in first))
    groups = [[o] for o in opennesses] + ([opennesses] if len(opennesses) > 1 else [])
    rows = [['method']
            + [f'O({" ".join(g)}) {c}' if len(g) == 1 else f'all {c}'
               for g in groups for c in COLUMNS]
            + [f'{c} difference' for c in COLUMNS[:2]] + [*COSTS]]
    for method, metrics in results.items():
        cells = [[m[c] for m in metrics if m['protocol'] in g] for g in groups for c in COLUMNS]
        differences = [[a[c] - b[c] for a, b in zip(metrics, first, strict=True)]
                       for c in COLUMNS[:2]]
        rows.append([method, *map(mean_and_deviation, cells),
                     *([''] * 2 if metrics is first else map(mean_and_error, differences)),
                     *_costs(metrics)])
    return markdown(rows)


def _is_closed(results: Results) -> bool:
    """Whether the runs are of a closed set, which has no open-set figures."""
    first, *_ = results.values()
    return 'UAR' in first[0] and 'AUROC' not in first[0]


def _costs(runs: Sequence[dict]) -> list[str]:
    """Means of ``COSTS``; empty if no run has such a cost."""
    costs = [[run[key] for run in runs if key in run] for key in COSTS.values()]
    return [f'{statistics.mean(cost):{form}}' if cost else ''
            for cost, form in zip(costs, ('.0f', '.2f', ',.0f'), strict=True)]


def mean_and_deviation(values: Sequence[float]) -> str:
    """Show a mean with its standard deviation.

    Args:
        values (Sequence[float]): one or more numbers.

    Returns:
        str: ``'mean +- deviation'``; the mean alone for one number.
    """
    spread = f' +- {statistics.stdev(values):.1f}' if len(values) > 1 else ''
    return f'{statistics.mean(values):.1f}{spread}'


def mean_and_error(values: Sequence[float]) -> str:
    """Show a mean with its standard error.

    Args:
        values (Sequence[float]): one or more numbers.

    Returns:
        str: ``'mean (standard error)'``, with the sign of the mean; the mean alone for one number.
    """
    error = f' ({statistics.stdev(values) / len(values) ** 0.5:.1f})' if len(values) > 1 else ''
    return f'{statistics.mean(values):+.1f}{error}'


def interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """Compute Student's confidence interval of a mean.

    Args:
        values (Sequence[float]): two or more numbers.
        level (float): the confidence, 0..1. Defaults to 0.95.

    Returns:
        tuple[float, float]: the lower and the upper end.
    """
    quantile = stats.t.ppf((1 + level) / 2, len(values) - 1)
    half = float(quantile * statistics.stdev(values) / len(values) ** 0.5)
    return statistics.mean(values) - half, statistics.mean(values) + half


def measured(results: Sequence[dict], metric: str) -> dict[str, Cell]:
    """Compute the means of one method, for each openness and over all.

    Several runs have the 95 % interval of their mean over the splits. A single run has no deviation
    (None), and its interval is over its test samples.

    Args:
        results (list[dict]): the results of ``protocol.run_split``.
        metric (str): such as ``'AUROC'``.

    Returns:
        dict[str, tuple]: (mean, standard deviation, interval) for each openness. ``'mean'`` is the
        mean of these means, with the deviation over all runs. Its interval is None if the
        opennesses have different numbers of runs.
    """
    groups: dict[str, list[dict]] = {}
    for row in results:
        groups.setdefault(row['protocol'], []).append(row)
    cells = {name: _cell(rows, metric) for name, rows in groups.items()}
    _, deviation, ends = _cell(results, metric)
    if len({len(rows) for rows in groups.values()}) > 1:
        ends = None  # around the mean of all runs, which is not the mean of means
    return {**cells, 'mean': (statistics.mean(c[0] for c in cells.values()), deviation, ends)}


def _cell(rows: Sequence[dict], metric: str) -> Cell:
    values = [row[metric] for row in rows]
    if len(values) == 1:
        return values[0], None, rows[0]['intervals'][metric]
    return statistics.mean(values), statistics.stdev(values), interval(values)
