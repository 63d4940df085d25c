"""Seconds of one split of the protocol on the embedded clips: on frames, and on stored features.

    python tools/benchmark/protocol.py --epochs 5

HESP without its visual prompt is trained on drawn faces, its threshold is fitted, and it is tested.
``ratio`` is the time on frames over the time on stored features. ``store`` is the time to store the
features, which is not included.
"""
import argparse
import tempfile
import time
from pathlib import Path

import torch
from common import ROOT, last_line
from mmengine.config import Config

from hesp_mmaction.apis.feature_building import build_store
from hesp_mmaction.apis.protocol import run_split
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.datasets.synthetic.layouts import write_dataset


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--epochs', type=int, default=5)
    parser.add_argument('--views', type=int, default=4)
    parser.add_argument('--threads', type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    config = str(ROOT / 'configs/hesp_synthetic_o34.py')
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        write_dataset('afew', folder / 'data')
        options = {'data_root': str(folder / 'data'), 'model.visual_prompt': None,
                   'optim_wrapper.paramwise_cfg': None, 'train_cfg.max_epochs': args.epochs,
                   'views': args.views}
        plain = run_split(config, 0, folder / 'plain', options)
        cfg = Config.fromfile(config)
        override(cfg, options)
        begin = time.perf_counter()
        build_store(cfg, str(folder / 'features'), args.views)
        store = time.perf_counter() - begin
        options['features'] = str(folder / 'features')
        stored = run_split(config, 0, folder / 'stored', options)
    last_line(ratio=plain['seconds'] / stored['seconds'], plain=plain['seconds'],
              features=stored['seconds'], store=store, epochs=args.epochs,
              AUROC=[plain['AUROC'], stored['AUROC']], OSCR=[plain['OSCR'], stored['OSCR']])


if __name__ == '__main__':
    main()
