"""The Markdown table of tools/benchmark/all.sh, made of the last lines of the benchmarks.

    python tools/benchmark/table.py RESULTS OUT.md

A line of RESULTS is a command, its seconds and its JSON, separated by tabs. A benchmark that failed
has no JSON.
"""
import argparse
import json
import sys
from pathlib import Path

import torch
from common import device_of, name_of

# What ``ratio`` of each benchmark is.
RATIOS = {
    'train_step.py': 'step / bare tower',
    'eval_pass.py': 'evaluation / bare tower',
    'gpu_step.py': 'step / bare tower',
    'features.py': 'step on frames / on features',
    'epoch.py': 'time in steps / epoch',
    'memory.py': 'our tower / bare tower',
    'data.py': "store / MMAction2's pipeline",
    'data.py --loader': 'raw store / decoding',
    'metrics.py': "ours / scikit-learn's AUROC",
    'protocol.py': 'on frames / on features',
}
# What says how something was measured, or is in the command.
SETTINGS = {'ratio', 'clips', 'videos', 'frames', 'num_frames', 'epochs', 'known', 'threads',
            'samples', 'grad_frames', 'AUROC', 'OSCR'}
COLUMNS = ('total', 'launch', 'card', 'MiB')  # of a row of common.measured


def kind_of(command):
    """Name a benchmark as in RATIOS: its file, with ``--loader`` if that is given.

    Args:
        command (str): its command.

    Returns:
        str: the name.
    """
    script, *flags = command.split()
    return f'{script} --loader' if '--loader' in flags else script


def figures(found):
    """Write the figures of a last line, without ``ratio``, as words.

    Args:
        found (dict): the JSON.

    Returns:
        str: such as ``'ours 0.064, theirs 0.066'``. For a row of milliseconds, its columns.
    """
    words, rows = [], found.get('rows', {})  # whose totals are those of the keys of that name
    for key, value in found.items():
        if isinstance(value, dict) and 'total' in value:
            cells = [f'{name} {value[name]:,.1f}' for name in COLUMNS if name in value]
            words.append(f'{key} {" / ".join(cells)}')
        elif isinstance(value, dict):
            words.append(figures(value))
        elif isinstance(value, (int, float)) and not isinstance(value, bool) \
                and key not in SETTINGS and key not in rows:
            words.append(f'{key} {value:,.4g}' if value < 1e4 else f'{key} {value:,.0f}')
    return ', '.join(words)


def markdown(lines, machine):
    """Make the table of all results.

    Args:
        lines (Sequence[str]): the lines of RESULTS.
        machine (str): the models of card and processor.

    Returns:
        str: Markdown. A benchmark that failed has a row that says so.
    """
    text = [f'Measured on {machine}. Milliseconds for total, launch and card; seconds otherwise.',
            '', '| benchmark | ratio | of what | further figures | took, s |',
            '|---|---|---|---|---|']
    for line in lines:
        command, seconds, last = line.rstrip('\n').split('\t')
        cells = ['-', RATIOS[kind_of(command)], 'failed']
        if last:
            found = json.loads(last)
            cells = [f'{found["ratio"]:.2f}', RATIOS[kind_of(command)], figures(found)]
        text.append(f'| `{command}` | ' + ' | '.join(cells) + f' | {seconds} |')
    return '\n'.join(text) + '\n'


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('results', type=Path, help='of all.sh')
    parser.add_argument('out', type=Path, help='Markdown file to write')
    args = parser.parse_args()
    machine = name_of(torch.device('cpu'))
    if torch.cuda.is_available():
        machine = f'{name_of(device_of("cuda"))} and {machine}'
    lines = args.results.read_text(encoding='utf-8').splitlines()
    table = markdown(lines, f'{machine}, PyTorch {torch.__version__}')
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(table, encoding='utf-8')
    print(table, end='')
    if any(line.endswith('\t') for line in lines):
        sys.exit(1)


if __name__ == '__main__':
    main()
