"""Compute the features of all clips of a config once, for runs that learn nothing before the neck.

    python tools/data/build_features.py configs/coop_afew_o34.py FEATURES --views 4
    python tools/train.py configs/coop_afew_o34.py --cfg-options features=FEATURES

CLIP, CLIP+ARPL, CoOp, a linear probe, HESP without its visual prompt: a run then takes seconds. It
equals the run that computes the features of the same views, the one with `views=4`: epoch e sees
each clip as epoch e mod 4. All methods with the same backbone and pipelines share a store, and so
do all splits.
"""
import argparse
import os

import numpy as np
import torch
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from tqdm import tqdm

from hesp_mmaction.apis.configs import KeyValue
from hesp_mmaction.apis.running import main
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.datasets.emotions import UNDECODABLE
from hesp_mmaction.datasets.feature_store import (
    INDEX,
    ROWS,
    check_model,
    describe,
    open_rows,
    write_index,
)
from hesp_mmaction.errors import InputError
from hesp_mmaction.files import whole_path


def every_clip(dataset_cfg, part, pipeline, test_mode, seed):
    """The data set of all clips of a part, whatever is known, and the bad ones (id to reason)."""
    dataset = DATASETS.build(dict(
        dataset_cfg, part=part, pipeline=pipeline, test_mode=test_mode, lazy_init=True, seed=seed,
        features=None))
    clips, bad = dataset.readable_clips()
    dataset.data_list = clips
    dataset.serialize_data = False
    dataset._fully_initialized = True
    return dataset, bad


def compute(model, dataset, batch_size, workers, title):
    """Features of a data set: list of (sample id, (T, C) array)."""
    loader = torch.utils.data.DataLoader(dataset, batch_size, num_workers=workers,
                                         collate_fn=pseudo_collate)
    for batch in tqdm(loader, title, unit='batch'):
        data = model.data_preprocessor(batch, False)
        with torch.no_grad():
            feats, _ = model.extract_feat(data['inputs'], 'backbone',
                                          data_samples=data['data_samples'])
        for sample, row in zip(data['data_samples'], feats.cpu().numpy(), strict=True):
            if sample.emotion != UNDECODABLE:
                yield sample.sample_id, row


def build(cfg, out, views, batch_size=16, workers=0):
    """Write a store; one that is there is replaced. Gives its index."""
    if views < 1:
        raise InputError(f'--views {views}: one or more')
    if not cfg.get('train_dataloader'):
        raise InputError(f'{cfg.filename} trains nothing, so it has no views: make the store by a '
                         'config that trains on this backbone, such as configs/coop_afew_o34.py')
    made = describe(cfg)
    init_default_scope('mmaction')
    model = MODELS.build(cfg.model).eval()
    check_model(model)
    model.to('cuda' if torch.cuda.is_available() else 'cpu')
    os.makedirs(out, exist_ok=True)
    train, test = cfg.train_dataloader.dataset, cfg.test_dataloader.dataset
    seed = cfg.randomness.seed
    passes = [(f'view{view}', train, 'train', train.pipeline, False, view) for view in range(views)]
    passes += [('plain', train, 'train', test.pipeline, True, 0),
               ('plain', test, 'test', test.pipeline, True, 0)]
    rows, features, bad, listed = {}, [], {}, set()
    for role, dataset_cfg, part, pipeline, test_mode, epoch in passes:
        dataset, unreadable = every_clip(dataset_cfg, part, pipeline, test_mode, seed)
        dataset.set_epoch(epoch)
        listed.update(info['sample_id'] for info in dataset.data_list)
        bad |= unreadable
        for name, feature in compute(model, dataset, batch_size, workers, f'{part} {role}'):
            rows.setdefault(role, {})[name] = len(features)
            features.append(feature)
    plain = rows.get('plain', {})
    if not plain:
        raise InputError('none of the clips can be decoded; check data_root')
    bad |= {name: 'cannot be decoded' for name in listed if name not in plain}
    with whole_path(os.path.join(out, ROWS)) as part:
        shape = len(features), *features[0].shape
        file = np.lib.format.open_memmap(part, 'w+', features[0].dtype, shape)
        for place, feature in zip(file, features, strict=True):  # one by one: not twice in memory
            place[:] = feature
        file.flush()
        if os.path.exists(os.path.join(out, INDEX)):
            os.remove(os.path.join(out, INDEX))  # from here to the new one, there is no store
    open_rows.cache_clear()
    write_index(out, made=made, views=views, rows=rows, bad=bad)
    return dict(views=views, rows=rows, bad=bad)


def command():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('out', metavar='FEATURES', help='folder of the store')
    parser.add_argument('--views', type=int, default=4, help='augmented views per training clip')
    parser.add_argument('--batch-size', type=int, default=16)
    parser.add_argument('--workers', type=int, default=0)
    parser.add_argument('--cfg-options', nargs='+', action=KeyValue,
                        help='override settings of the config: key=value')
    args = parser.parse_args()
    cfg = Config.fromfile(args.config)
    override(cfg, args.cfg_options)
    index = build(cfg, args.out, args.views, args.batch_size, args.workers)
    for name, why in sorted(index['bad'].items()):
        print(f'left out: {name} ({why})')
    print(f'{args.out}: {len(index["rows"]["plain"])} clips; use it with --cfg-options '
          f'features={args.out}')


if __name__ == '__main__':
    main(command)
