"""Train and test configs on the published splits and print one table.

    python tools/run_splits.py configs/hesp_synthetic_o34.py configs/clip_zeroshot_afew_o34.py
"""
import argparse
import json
from pathlib import Path

from mmengine.config import DictAction
from tqdm import tqdm

from hesp_mmaction.apis.protocol import run_split, table
from hesp_mmaction.apis.running import main


def run_splits():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('configs', nargs='+', help='one config file per column of the table')
    parser.add_argument('--splits', nargs='+', type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument('--work-dir', default='work_dirs', help='folder of the results')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction,
                        help='overrides, for all configs')
    args = parser.parse_args()
    results = {}
    for config in args.configs:
        name = Path(config).stem
        rows = results[name] = []
        for split in tqdm(args.splits, name, unit='split'):
            rows.append(run_split(config, split, Path(args.work_dir) / name / f'split{split}',
                                  args.cfg_options))
    text = table(results)
    folder = Path(args.work_dir)
    (folder / 'splits.json').write_text(json.dumps(results, indent=2), encoding='utf-8')
    (folder / 'splits.md').write_text(text + '\n', encoding='utf-8')
    print(text)
    print('seconds per split: ' + ', '.join(
        f'{name} {sum(m["seconds"] for m in rows) / len(rows):.1f}'
        for name, rows in results.items()))


if __name__ == '__main__':
    main(run_splits)
