"""Train and test configs on the published splits and print one table.

    python tools/run_splits.py configs/hesp_synthetic_o34.py configs/clip_zeroshot_afew_o34.py
    python tools/run_splits.py configs/hesp_afew_o34.py --openness 5:2 4:3 3:4 2:5
"""
import argparse
import json
from pathlib import Path

from mmengine.config import DictAction
from tqdm import tqdm

from hesp_mmaction.apis.protocol import run_split
from hesp_mmaction.apis.report import summary, table
from hesp_mmaction.apis.running import main
from hesp_mmaction.apis.tasks import find_config


def add_flags(parser):
    """The flags of every tool that runs splits."""
    parser.add_argument('--splits', nargs='+', type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument('--openness', nargs='+', metavar='KNOWN:UNKNOWN', default=[None],
                        help='one or several; default: the one that the config names')
    parser.add_argument('--work-dir', default='work_dirs', help='folder of the results')
    parser.add_argument('--resume', action='store_true',
                        help='take over the splits that an earlier call, cut off, has finished')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction,
                        help='overrides, for all runs')


def run_all(config, name, args, cfg_options):
    """Every split of every openness of a config: a list of results."""
    results = []
    for openness in args.openness:
        for split in tqdm(args.splits, f'{name} {openness or ""}', unit='split'):
            folder = name if openness is None else f'{name}_o{openness.replace(":", "")}'
            results.append(run_split(config, split, Path(args.work_dir) / folder / f'split{split}',
                                     cfg_options, openness, args.resume))
    return results


def report(results, args, file_name, text):
    """Keep the results and their table in the work dir, and print the table."""
    folder = Path(args.work_dir)
    (folder / f'{file_name}.json').write_text(json.dumps(results, indent=2), encoding='utf-8')
    (folder / f'{file_name}.md').write_text(text + '\n', encoding='utf-8')
    print(text)


def run_splits():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('configs', nargs='+', type=find_config, help='one config file per method')
    add_flags(parser)
    args = parser.parse_args()
    results = {Path(config).stem: run_all(config, Path(config).stem, args, args.cfg_options)
               for config in args.configs}
    report(results, args, 'splits', f'{table(results)}\n\n{summary(results)}')


if __name__ == '__main__':
    main(run_splits)
