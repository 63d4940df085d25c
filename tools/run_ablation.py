"""Run a named ablation on the published splits and print its table.

    python tools/run_ablation.py table5 --cfg-options data_root=data/AFEW

The names are those of the files in configs/ablations/. Rows that are the same run in several
ablations are trained once, when they share a work dir and --resume is given. --jobs N runs splits
side by side.
"""
import argparse
import hashlib
import json
from pathlib import Path

from mmengine.config import Config
from run_splits import add_flags, list_runs, report, run_all

from hesp_mmaction.apis.report import summary
from hesp_mmaction.apis.running import run_tool
from hesp_mmaction.errors import InputError

CONFIGS = Path(__file__).parents[1] / 'configs'


def read_ablation(name):
    """A named ablation: ``rows``, and perhaps what the paper found (``published``) and the
    ``config`` that the rows change."""
    file = CONFIGS / 'ablations' / f'{name}.py'
    if not file.exists():
        names = sorted(path.stem for path in file.parent.glob('*.py'))
        raise InputError(f'no ablation is named {name!r}: {", ".join(names)}')
    return Config.fromfile(file)


def row_options(row, base, cfg_options):
    """What a row changes, on top of the command line: dotted keys and values."""
    options = dict(cfg_options or {}) | dict(row.get('options', {}))
    if 'prompt_size_of_224' in row:
        image_size = options.get('image_size', base.image_size)
        options['prompt_size'] = round(row.prompt_size_of_224 / 224 * image_size)
    return options


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('name', help='of a file in configs/ablations: table5, table6, fig3a, '
                        'fig3b, fig3c, parts, switches, visual_prompt, dfer_clip (whose splits are '
                        'folds, 1 to 5)')
    parser.add_argument('--config', help='what the rows change, in configs/ (default: the one that '
                        'the ablation names, or hesp_afew_o34.py)')
    parser.add_argument('--rows', nargs='+', help='only the rows of these names')
    add_flags(parser)
    args = parser.parse_args()
    ablation = read_ablation(args.name)
    rows, published = ablation.rows, ablation.get('published')
    base = args.config or ablation.get('config', 'hesp_afew_o34.py')
    names = [row.name for row in rows]
    if set(args.rows or []) - set(names):
        raise InputError(f'--rows: {args.name} has {", ".join(names)}')
    runs = {}
    for row in rows:
        if args.rows and row.name not in args.rows:
            continue
        config = str(CONFIGS / row.get('config', base))
        options = row_options(row, Config.fromfile(config), args.cfg_options)
        key = json.dumps([Path(config).name, options], sort_keys=True, default=str)
        folder = f'{Path(config).stem}_{hashlib.sha256(key.encode()).hexdigest()[:8]}'
        runs[row.name] = list_runs(config, folder, args, options)
    results = run_all(runs, args.jobs)
    text = summary(results)
    if published:
        text += f'\n\npublished: {published}'
    report(results, args, args.name, text)


if __name__ == '__main__':
    run_tool(main)
