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
from mmengine.logging import MMLogger
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
    signatures,
    write_index,
)
from hesp_mmaction.datasets.wrappers import leaf_configs
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


class Rows:
    """Rows of a ``.npy`` file, written one by one, so that they are never together in memory.

    Args:
        path (str): of the file.
        count (int): the most rows there can be; those of clips that cannot be decoded stay zero
            at its end.
    """

    def __init__(self, path, count):
        self.path, self.count, self.rows, self.used = path, count, None, 0

    def add(self, name, feature):
        """Write the feature (T, C) of a clip called ``name``; returns the number of its row."""
        if self.rows is None:
            self.rows = np.lib.format.open_memmap(
                self.path, 'w+', np.float32, (self.count, *feature.shape))
        if feature.shape != self.rows.shape[1:]:
            raise InputError(f'{name}: features of shape {feature.shape}, those before it have '
                             f'{self.rows.shape[1:]}; let the pipelines of training and test take '
                             'as many frames')
        self.rows[self.used] = feature
        self.used += 1
        return self.used - 1

    def close(self):
        """Everything is on disk after this."""
        self.rows.flush()
        self.rows = None


def only_dataset(dataset):
    """The config of the one data set inside the wrappers around it.

    Args:
        dataset (dict): ``dataset`` of a loader's config.

    Raises:
        InputError: there are several.
    """
    first, *others = leaf_configs(dataset)
    if others:
        raise InputError('a store of features is of one data set, and this config joins several: '
                         'put their clips below one data_root and name them in lists')
    return first


def frozen_model(cfg):
    """The recognizer of a config with its weights, ready to compute features.

    Args:
        cfg (mmengine.Config): of a method in which nothing before the neck learns.

    Raises:
        InputError: something does.
    """
    init_default_scope('mmaction')
    model = MODELS.build(cfg.model).eval()
    check_model(model)
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel('WARNING')  # init_weights() prints two lines per parameter
    model.init_weights()  # as a run does; a CLIP has its weights already
    logger.setLevel(level)
    return model.to('cuda' if torch.cuda.is_available() else 'cpu')


def build(cfg, out, views, batch_size=16, workers=0):
    """Write a store; one that is there is replaced. Gives its index."""
    if views < 1:
        raise InputError(f'--views {views}: one or more')
    if not cfg.get('train_dataloader'):
        raise InputError(f'{cfg.filename} trains nothing, so it has no views: make the store by a '
                         'config that trains on this backbone, such as configs/coop_afew_o34.py')
    model = frozen_model(cfg)
    made = describe(cfg, model)
    os.makedirs(out, exist_ok=True)
    train, test = (only_dataset(cfg[name].dataset) for name in ('train_dataloader',
                                                                'test_dataloader'))
    seed = cfg.randomness.seed
    passes = [(f'view{view}', train, 'train', train.pipeline, False, view) for view in range(views)]
    passes += [('plain', train, 'train', test.pipeline, True, 0),
               ('plain', test, 'test', test.pipeline, True, 0)]
    rows, bad, sources, datasets = {}, {}, {}, []
    for role, dataset_cfg, part, pipeline, test_mode, epoch in passes:
        dataset, unreadable = every_clip(dataset_cfg, part, pipeline, test_mode, seed)
        dataset.set_epoch(epoch)
        bad |= unreadable
        if role == 'plain':  # before they are read: a clip that changes meanwhile is another one
            sources |= signatures(dataset.every_clip())
        datasets.append((role, part, dataset))
    path = os.path.join(out, ROWS)
    with whole_path(path) as new:
        writer = Rows(new, sum(len(dataset) for *_, dataset in datasets))
        for role, part, dataset in datasets:
            for name, feature in compute(model, dataset, batch_size, workers, f'{part} {role}'):
                rows.setdefault(role, {})[name] = writer.add(name, feature)
        plain = rows.get('plain', {})
        if not plain:
            raise InputError('none of the clips can be decoded; check data_root')
        writer.close()
        if os.path.exists(os.path.join(out, INDEX)):
            os.remove(os.path.join(out, INDEX))  # from here to the new one, there is no store
    listed = {info['sample_id'] for *_, dataset in datasets for info in dataset.data_list}
    bad |= {name: 'cannot be decoded' for name in listed if name not in plain}
    open_rows.cache_clear()
    write_index(out, made=made, views=views, rows=rows, bad=bad, sources=sources)
    return dict(views=views, rows=rows, bad=bad)


def command():
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
    index = build(cfg, args.out, args.views, args.batch_size, args.workers)
    for name, why in sorted(index['bad'].items()):
        print(f'left out: {name} ({why})')
    print(f'{args.out}: {len(index["rows"]["plain"])} clips; use it with --cfg-options '
          f'features={args.out}')


if __name__ == '__main__':
    main(command)
