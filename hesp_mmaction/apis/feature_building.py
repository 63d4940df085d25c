"""Fills stores of features (``hesp_mmaction.datasets.feature_store``) by a frozen backbone."""
import os

import numpy as np
import torch
from mmaction.registry import DATASETS, MODELS
from mmengine.dataset import pseudo_collate
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from tqdm import tqdm

from ..datasets.emotions import UNDECODABLE
from ..datasets.feature_store import (
    INDEX,
    ROWS,
    check_model,
    describe,
    open_rows,
    signatures,
    write_index,
)
from ..datasets.wrappers import leaf_configs
from ..errors import InputError
from ..files import whole_path


def every_clip(dataset_cfg, part, pipeline, test_mode, seed):
    """Build the data set of all clips of a part, with known and unknown emotions.

    Args:
        dataset_cfg (dict): the config of a data set.
        part (str): ``'train'`` or ``'test'``.
        pipeline (list[dict]): the configs of the transforms.
        test_mode (bool): sample frames as in a test.
        seed (int): the seed of the random choices of a training pipeline.

    Returns:
        tuple[OpenSetVideoDataset, dict[str, str]]: the data set, and the reason for each clip that
        cannot be read, by sample id.
    """
    dataset = DATASETS.build(dict(
        dataset_cfg, part=part, pipeline=pipeline, test_mode=test_mode, lazy_init=True, seed=seed,
        features=None))
    return dataset, dataset.take_every_clip()


def compute_features(model, dataset, batch_size, workers, title):
    """Compute the features of a data set, clip by clip. Clips that cannot be decoded are left out.

    Args:
        model (PromptedRecognizer): a model of ``frozen_model``.
        dataset (Dataset): the clips.
        batch_size (int): clips per forward pass.
        workers (int): processes that decode.
        title (str): the title of the progress bar.

    Yields:
        tuple[str, ndarray]: the sample id and the features (T, C).
    """
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
    """The rows of a ``.npy`` file, written one by one, so that memory holds one at a time.

    Args:
        path (str): the file.
        count (int): the most rows there can be. Rows that are not written stay zero, at the end of
            the file.
    """

    def __init__(self, path, count):
        self.path, self.count, self.rows, self.used = path, count, None, 0

    def add(self, name, feature):
        """Write the features of a clip.

        Args:
            name (str): the clip, for the message of an error.
            feature (ndarray): (T, C).

        Returns:
            int: the number of its row.

        Raises:
            InputError: the shape differs from that of earlier rows.
        """
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
        """Bring everything to the disk."""
        self.rows.flush()
        self.rows = None


def only_dataset(dataset):
    """Find the one data set inside its wrappers.

    Args:
        dataset (dict): ``dataset`` of a loader's config.

    Returns:
        dict: the config of the data set.

    Raises:
        InputError: the loader joins several data sets.
    """
    first, *others = leaf_configs(dataset)
    if others:
        raise InputError('a store of features holds one data set, and this config joins several: '
                         'put their clips below one data_root and name them in lists')
    return first


def frozen_model(cfg):
    """Build the recognizer of a config with its weights, ready to compute features.

    Args:
        cfg (mmengine.Config): the config of a method in which nothing learns before the neck.

    Returns:
        PromptedRecognizer: in evaluation mode, on the GPU if the machine has one.

    Raises:
        InputError: something before the neck learns.
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


def build_store(cfg, out, views, batch_size=16, workers=0):
    """Write a store of features. An existing store in that folder is replaced.

    Args:
        cfg (mmengine.Config): the config of a method that trains, and in which nothing learns
            before the neck.
        out (str): the folder of the store.
        views (int): augmented views of each training clip, one or more.
        batch_size (int): clips per forward pass. Defaults to 16.
        workers (int): processes that decode. Defaults to 0.

    Returns:
        dict: ``views``, their number; ``rows``, for each view the row of each sample id; ``bad``,
        the reason for each clip that was left out, by sample id.

    Raises:
        InputError: ``views`` is below one, the config trains nothing or joins several data sets,
            something before the neck learns, clips have different numbers of frames, or no clip can
            be decoded.
    """
    if views < 1:
        raise InputError(f'--views {views}: it must be 1 or more')
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
            found = compute_features(model, dataset, batch_size, workers, f'{part} {role}')
            for name, feature in found:
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
