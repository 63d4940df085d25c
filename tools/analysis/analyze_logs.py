"""What a training logged: its curves as a picture, or how long its steps took.

    python tools/analysis/analyze_logs.py plot_curve WORK_DIR --keys loss AUROC --out curves.png
    python tools/analysis/analyze_logs.py cal_train_time WORK_DIR OTHER_WORK_DIR
"""
import argparse
import json
from pathlib import Path

from hesp_mmaction.apis.report import markdown
from hesp_mmaction.apis.running import run_tool
from hesp_mmaction.errors import InputError
from hesp_mmaction.visualization import save
from hesp_mmaction.visualization.canvas import COLOURS, new_axes


def read_log(path):
    """Read the log of a run.

    Args:
        path (str): a ``scalars.json``, or a work dir. The logs of a work dir are joined in the
            order in which they were written.

    Returns:
        list[dict]: the lines.
    """
    path = Path(path)
    files = [path] if path.is_file() else sorted(path.glob('*/vis_data/scalars.json'))
    if not files:
        raise InputError(f'{path} has no scalars.json: train into that work dir first, with '
                         'LocalVisBackend among its vis_backends')
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def curve(log, key):
    """Read the curve of a key. If a step ran again after an interruption, the later value counts.

    Args:
        log (list[dict]): the lines of a log. Lines of a training have ``epoch`` and count steps;
            other lines count epochs.
        key (str): such as ``'loss'``.

    Returns:
        tuple: the epochs and the values.
    """
    steps = max((line['step'] / line['epoch'] for line in log if 'epoch' in line), default=1)
    values = {line['step'] / (steps if 'epoch' in line else 1): line[key]
              for line in log if isinstance(line.get(key), (int, float))}
    return sorted(values), [values[x] for x in sorted(values)]


def draw_curves(logs, keys):
    """Draw curves of several runs.

    Args:
        logs (dict[str, list[dict]]): the lines of each log, by the name of the run.
        keys (Sequence[str]): what to draw.

    Returns:
        matplotlib.figure.Figure: the picture.
    """
    figure, axes = new_axes('', 'epoch', ', '.join(keys), (7.6, 4.4))
    number = 0
    for name, log in logs.items():
        for key in keys:
            x, y = curve(log, key)
            if not x:
                there = {k for line in log for k, v in line.items() if isinstance(v, (int, float))}
                raise InputError(f'{name} logged no {key}; it has {", ".join(sorted(there))}')
            axes.plot(x, y, marker='o' if len(x) < 30 else None, markersize=3,
                      color=COLOURS[number % len(COLOURS)],
                      label=f'{name} {key}' if len(logs) > 1 else key)
            number += 1
    figure.legend(loc='outside lower center', ncols=3, frameon=False, fontsize='small')
    return figure


def time_table(logs):
    """Show the seconds per step, the part of them that waits for data, and the peak memory.

    Args:
        logs (dict[str, list[dict]]): the lines of each log, by the name of the run.

    Returns:
        str: a table in Markdown with a row per run.
    """
    rows = [['run', 'epochs', 'steps', 'seconds per step', 'waiting for data', 'memory (MB)']]
    for name, log in logs.items():
        lines = [line for line in log if 'epoch' in line and 'time' in line]
        if not lines:
            raise InputError(f'{name} logged no training step')
        mean = {key: sum(line[key] for line in lines) / len(lines) for key in ('time', 'data_time')}
        memory = max(line.get('memory', 0) for line in lines)  # of a GPU
        rows.append([name, str(max(line['epoch'] for line in lines)),
                     str(max(line['step'] for line in lines)), f'{mean["time"]:.3f}',
                     f'{mean["data_time"]:.3f}', str(memory or '')])
    return markdown(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('task', choices=['plot_curve', 'cal_train_time'])
    parser.add_argument('logs', nargs='+', help='work dirs or files scalars.json')
    parser.add_argument('--keys', nargs='+', default=['loss'], help='default: loss')
    parser.add_argument('--out', default='curves.png', help='the picture (default: %(default)s)')
    args = parser.parse_args()
    logs = {str(path): read_log(path) for path in args.logs}
    if args.task == 'cal_train_time':
        print(time_table(logs))
        return
    out = Path(args.out).with_suffix('.png')
    print(*save({out.stem: draw_curves(logs, args.keys)}, str(out.parent)))


if __name__ == '__main__':
    run_tool(main)
