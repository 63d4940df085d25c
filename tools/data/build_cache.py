"""Decode all clips of a config once into a store, for all splits, epochs and processes.

    python tools/data/build_cache.py configs/hesp_afew_o34.py --cfg-options data_root=DIR
    python tools/data/build_cache.py configs/hesp_afew_o34.py STORE --cfg-options data_root=DIR

A training does this by itself before its first step. Use the tool if the data are prepared on
another machine than the one that trains, or by another person. Without STORE, the store is put
where a training looks for it. With STORE, give cache=STORE to the training. If the command was
stopped, call it again: it continues, and decodes clips that are new or changed.
"""
import argparse
import os

from mmengine.config import Config

from hesp_mmaction.apis.config_parts import DATALOADERS
from hesp_mmaction.apis.configs import KeyValue
from hesp_mmaction.apis.loading import use_frame_store
from hesp_mmaction.apis.running import run_tool
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.datasets.frame_index import read_index
from hesp_mmaction.datasets.wrappers import leaf_configs


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('out', metavar='STORE', nargs='?', type=os.path.expanduser,
                        help='folder of the store')
    parser.add_argument('--cfg-options', nargs='+', action=KeyValue,
                        help='override settings of the config: key=value')
    args = parser.parse_args()
    cfg = Config.fromfile(args.config)
    override(cfg, dict(args.cfg_options or {}, **({'cache': args.out} if args.out else {})))
    use_frame_store(cfg)
    stores = {leaf.get('cache') for name in DATALOADERS if cfg.get(name)
              for leaf in leaf_configs(cfg[name].dataset)}
    for store in sorted(stores - {None}):
        clips = read_index(store)['clips']
        for name, entry in sorted(clips.items()):
            if 'frames' not in entry:
                why = entry.get('bad') or entry.get('broken') or 'read from its file'
                print(f'not stored: {name} ({why})')
        print(f'{store}: {sum("frames" in entry for entry in clips.values())} clips')


if __name__ == '__main__':
    run_tool(main)
