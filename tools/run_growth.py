"""From unknown to known on drawn clips: discover two emotions, learn them, test before and after.

    python tools/run_growth.py

Draws the clips, and on each of five splits trains HESP on three emotions, groups training clips of
two others without their labels, and grows the model. The one who says what a group is called is no
person but the true emotion of most of its clips. A second call takes over the splits that are
done. OUT holds growth.md, growth.json and a folder per split.
"""
import argparse
import os
from pathlib import Path

from hesp_mmaction.apis.circle import table, walk
from hesp_mmaction.apis.configs import our_config
from hesp_mmaction.apis.running import run_tool
from hesp_mmaction.datasets.synthetic.layouts import write_dataset
from hesp_mmaction.files import whole, write_json


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--splits', nargs='+', type=int, choices=range(5), default=[*range(5)],
                        metavar='N', help='0 to 4 (default: all)')
    parser.add_argument('--data', default='data/synthetic', type=os.path.expanduser, metavar='DIR',
                        help='folder of the drawn clips (default: %(default)s)')
    parser.add_argument('--out', default='work_dirs/growth', type=os.path.expanduser,
                        metavar='DIR', help='folder of the results (default: %(default)s)')
    args = parser.parse_args()
    write_dataset('afew', args.data, 0, None, 2, None)
    results = [walk(our_config('hesp_synthetic_o34.py'), split, Path(args.out) / f'split{split}',
                    dict(data_root=args.data)) for split in args.splits]
    write_json(results, Path(args.out) / 'growth.json')
    with whole(Path(args.out) / 'growth.md') as file:
        file.write(table(results) + '\n')
    print(table(results))


if __name__ == '__main__':
    run_tool(main)
