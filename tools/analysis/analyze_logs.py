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
    """Lines (dicts) of a scalars.json, or of all in a work dir in the order in which they ran."""
    path = Path(path)
    files = [path] if path.is_file() else sorted(path.glob('*/vis_data/scalars.json'))
    if not files:
        raise InputError(f'{path} has no scalars.json: train into that work dir first, with '
                         'LocalVisBackend among its vis_backends')
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def curve(log, key):
    """Epochs and values of a key. Of a step that ran twice, after a resumption, the later counts.

    Args:
        log (list[dict]): training lines have ``epoch`` and count steps, others count epochs.
    """
    steps = max((line['step'] / line['epoch'] for line in log if 'epoch' in line), default=1)
    values = {line['step'] / (steps if 'epoch' in line else 1): line[key]
              for line in log if isinstance(line.get(key), (int, float))}
    return sorted(values), [values[x] for x in sorted(values)]


def draw_curves(logs, keys):
    """The curves of keys of logs (dict of a run's name to its lines)."""
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
    """Seconds per step, of them waiting for data, and peak memory, per run: a table in Markdown."""
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
