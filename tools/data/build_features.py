"""Compute the features of all clips of a config once, for methods that learn nothing before the
neck.

    python tools/data/build_features.py configs/coop_afew_o34.py FEATURES --views 4
    python tools/train.py configs/coop_afew_o34.py --cfg-options features=FEATURES

Such methods are CLIP, CLIP+ARPL, CoOp, a linear probe, and HESP without its visual prompt. A run
then takes seconds. Its result equals that of the run with `views=4`, which computes the same
features itself: epoch e sees view e mod 4 of each clip. All splits share a store, and so do all
methods with the same backbone and pipelines.
"""
import argparse
import os

from mmengine.config import Config

from hesp_mmaction.apis.configs import KeyValue
from hesp_mmaction.apis.feature_building import build_store
from hesp_mmaction.apis.running import run_tool
from hesp_mmaction.apis.wiring import override


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('out', metavar='FEATURES', type=os.path.expanduser,
                        help='folder of the store')
    parser.add_argument('--views', type=int, default=4, help='augmented views per training clip')
    parser.add_argument('--batch-size', type=int, default=16)
    parser.add_argument('--workers', type=int, default=0)
    parser.add_argument('--cfg-options', nargs='+', action=KeyValue,
                        help='override settings of the config: key=value')
    args = parser.parse_args()
    cfg = Config.fromfile(args.config)
    override(cfg, args.cfg_options)
    index = build_store(cfg, args.out, args.views, args.batch_size, args.workers)
    for name, why in sorted(index['bad'].items()):
        print(f'left out: {name} ({why})')
    print(f'{args.out}: {len(index["rows"]["plain"])} clips; use it with --cfg-options '
          f'features={args.out}')


if __name__ == '__main__':
    run_tool(main)
