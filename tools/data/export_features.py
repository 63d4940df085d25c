"""Write the features of all clips of a config into one file that can be shared in place of the
clips.

    python tools/data/export_features.py configs/coop_afew_o34.py features.npz
    python tools/train.py configs/coop_afew_o34.py --cfg-options features=features.npz

The file holds both parts and all emotions. For every clip it has the features that a frozen CLIP
computes of the frames of the test pipeline, and no picture. docs/features.md describes it.
"""
import argparse
import os

import numpy as np
from mmengine.config import Config

from hesp_mmaction.apis.configs import KeyValue
from hesp_mmaction.apis.feature_building import (
    compute_features,
    every_clip,
    frozen_model,
    only_dataset,
)
from hesp_mmaction.apis.running import run_tool
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.datasets.feature_file import SUFFIX, is_feature_file
from hesp_mmaction.errors import InputError
from hesp_mmaction.files import whole


def export(cfg, out, batch_size=16, workers=0, ids=True):
    """Write the file. An existing file is replaced.

    Args:
        cfg (mmengine.Config): the config of a method that trains, and in which nothing learns
            before the neck.
        out (str): the file.
        batch_size (int): clips per forward pass. Defaults to 16.
        workers (int): processes that decode. Defaults to 0.
        ids (bool): keep the sample ids, which are paths below ``data_root``. Defaults to True.

    Returns:
        tuple[dict[str, int], dict[str, str]]: the number of clips of each part, and the reason for
        each clip that is left out, by sample id.

    Raises:
        InputError: ``out`` has another suffix, something before the neck learns, the config trains
            nothing or joins several data sets, or no clip of a part can be decoded.
    """
    if not is_feature_file(out):
        raise InputError(f'{out}: a file of features ends in {SUFFIX}')
    if not cfg.get('train_dataloader'):
        raise InputError(f'{cfg.filename} names no training clips: export by a config that trains '
                         'on this backbone, such as configs/coop_afew_o34.py')
    model = frozen_model(cfg)
    pipeline = only_dataset(cfg.test_dataloader.dataset).pipeline
    arrays, bad = {}, {}
    for part in ('train', 'test'):
        dataset, lost = every_clip(only_dataset(cfg[f'{part}_dataloader'].dataset), part, pipeline,
                                   True, cfg.randomness.seed)
        emotions = {info['sample_id']: info['emotion'] for info in dataset.data_list}
        found = dict(compute_features(model, dataset, batch_size, workers, part))
        bad |= lost | {name: 'cannot be decoded' for name in emotions if name not in found}
        if not found:
            raise InputError(f'no clip of part {part!r} can be decoded; check data_root')
        arrays[f'{part}_features'] = np.stack(list(found.values()))
        arrays[f'{part}_emotion'] = np.array([emotions[name] for name in found])
        if ids:
            arrays[f'{part}_id'] = np.array(list(found))
    with whole(out, 'wb') as file:
        np.savez_compressed(file, **arrays)
    return {part: len(arrays[f'{part}_emotion']) for part in ('train', 'test')}, bad


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('out', metavar='OUT.npz', type=os.path.expanduser, help='the file')
    parser.add_argument('--no-ids', action='store_true',
                        help='leave out the paths of the clips, if they say who is seen')
    parser.add_argument('--batch-size', type=int, default=16)
    parser.add_argument('--workers', type=int, default=0)
    parser.add_argument('--cfg-options', nargs='+', action=KeyValue,
                        help='override settings of the config: key=value')
    args = parser.parse_args()
    cfg = Config.fromfile(args.config)
    override(cfg, args.cfg_options)
    counts, bad = export(cfg, args.out, args.batch_size, args.workers, not args.no_ids)
    for name, why in sorted(bad.items()):
        print(f'left out: {name} ({why})')
    print(f'{args.out}: {counts["train"]} training and {counts["test"]} test clips; use it with '
          f'--cfg-options features={args.out}')


if __name__ == '__main__':
    run_tool(main)
