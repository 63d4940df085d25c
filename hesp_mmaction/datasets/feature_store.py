"""Features of all clips, for runs in which nothing before the neck learns.

A store is a folder of ``features.npy`` (rows, T, C) float32 and ``index.json``: how the features
were made, and in which row those of a clip are. Of every training clip there are several *views*,
the training pipeline with the random numbers of the epochs 0 .. N - 1, and of every clip the
*plain* one of the test pipeline. It is made by ``tools/data/build_features.py``.
"""
import functools
import json
import os

import numpy as np

from ..errors import InputError
from ..files import whole
from .frame_store import INDEX, read_store, some
from .wrappers import pipeline_of

ROWS = 'features.npy'
REMEDY = 'build it anew: python tools/data/build_features.py CONFIG OUT'


def describe(cfg):
    """What decides the features of a config (dict, as JSON gives it back).

    A config that trains nothing says nothing of ``train_pipeline``.
    """
    model = cfg.model
    found = dict(
        backbone=model.backbone, mean=model.get('mean'), std=model.get('std'),
        clip_input=model.get('clip_input', False), seed=cfg.randomness.seed,
        test_pipeline=pipeline_of(cfg.test_dataloader.dataset))
    if cfg.get('train_dataloader'):
        found['train_pipeline'] = pipeline_of(cfg.train_dataloader.dataset)
    return json.loads(json.dumps(found, default=dict))


def check_model(model):
    """InputError if something before the neck of a model learns, or its features are maps."""
    if (getattr(model, 'visual_prompt', None) is not None or not getattr(model, 'pool', False)
            or any(p.requires_grad for p in model.backbone.parameters())):
        raise InputError(
            'features can be kept only of a PromptedRecognizer in which nothing before the neck '
            'learns: no model.visual_prompt, a frozen backbone, pool=True')


def check_made(folder, index, cfg):
    """InputError that names what differs between a config and the one of a store."""
    ours = describe(cfg)
    differing = [key for key, value in ours.items() if index['made'][key] != value]
    if differing:
        raise InputError(f'features: {folder} was made with another {", ".join(differing)} than '
                         f'this config has; {REMEDY}')


def write_index(folder, **content):
    """The last step: from now on the store counts as whole."""
    with whole(os.path.join(folder, INDEX)) as file:
        json.dump(content, file)


def read_index(folder):
    """The index of a store (dict): ``made``, ``views`` (int), ``rows``, role to sample id to row,
    and ``bad``, sample id to reason.

    Raises:
        InputError: there is no whole store.
    """
    return read_store(folder, 'features', REMEDY)


def check_clips(folder, index, names):
    """InputError that names clips which a store does not have."""
    lost = [n for n in names if n not in index['rows']['plain'] and n not in index['bad']]
    if lost:
        raise InputError(f'features {folder}: {len(lost)} clips are not in it: {some(lost)}; '
                         f'{REMEDY}')


@functools.lru_cache(maxsize=4)
def open_rows(folder):
    """All features of a store, memory-mapped."""
    return np.asarray(np.load(os.path.join(folder, ROWS), mmap_mode='r'))
