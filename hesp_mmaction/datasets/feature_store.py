"""Features of all clips, for runs in which nothing before the neck learns.

A store is a folder of ``features.npy`` (rows, T, C) float32 and ``index.json``: how and from
which weights and clips the features were made, and which rows belong to which clip. Of every
training clip there are several *views*, the training pipeline with the random numbers of the epochs
0 .. N - 1, and of every clip the *plain* one of the test pipeline. It is made by
``tools/data/build_features.py``.
"""
import functools
import hashlib
import json
import os
import warnings

import numpy as np
import torch

from ..errors import InputError
from ..files import whole
from ..text import some
from .stores import INDEX, read_store, same_signature, signature
from .wrappers import pipeline_of

ROWS = 'features.npy'
REMEDY = 'build it anew: python tools/data/build_features.py CONFIG OUT'


def weights_digest(backbone):
    """Compute a fingerprint of the weights of a backbone, wherever they came from.

    Args:
        backbone (nn.Module): the backbone with its weights.

    Returns:
        str: SHA-256 in hex: of a CLIP's config and weight file, else of all tensors.

    Raises:
        InputError: a CLIP of random weights.
    """
    if not hasattr(backbone, 'weights_digest'):
        sha = hashlib.sha256()
        for name, value in backbone.state_dict().items():
            sha.update(name.encode())
            sha.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
        return sha.hexdigest()
    found = backbone.weights_digest()
    if found is None:
        raise InputError('this CLIP has random weights (pretrained=None), other ones in every '
                         'run: its features cannot be kept')
    return found


def describe(cfg, model):
    """Collect the settings of a config that decide its features, without paths of files.

    If a config trains nothing, the result has no ``train_pipeline``.

    Args:
        cfg (mmengine.Config): config of a run.
        model (PromptedRecognizer): the model built from it, with the weights of its backbone.

    Returns:
        dict: the settings, of types that JSON can hold.
    """
    # A digest stands for the files of a CLIP.
    files = ('arch', 'pretrained') if hasattr(model.backbone, 'weights_digest') else ()
    found = dict(
        backbone={key: value for key, value in cfg.model.backbone.items() if key not in files},
        weights=weights_digest(model.backbone), mean=model.mean.flatten().tolist(),
        std=model.std.flatten().tolist(), clip_input=cfg.model.get('clip_input', False),
        seed=cfg.randomness.seed, test_pipeline=pipeline_of(cfg.test_dataloader.dataset))
    if cfg.get('train_dataloader'):
        found['train_pipeline'] = pipeline_of(cfg.train_dataloader.dataset)
    return json.loads(json.dumps(found, default=dict))


def keeps_still(model):
    """Whether nothing before the neck of a recognizer learns, and its features are no maps.

    Args:
        model (nn.Module): the recognizer.

    Returns:
        bool: True if its features can be kept.
    """
    return (getattr(model, 'visual_prompt', None) is None and getattr(model, 'pool', False)
            and not any(p.requires_grad for p in model.backbone.parameters()))


def check_model(model):
    """Check that the features of a model can be kept.

    Args:
        model (nn.Module): the recognizer.

    Raises:
        InputError: a part before its neck is trained, or its features are maps.
    """
    if not keeps_still(model):
        raise InputError(
            'features can be kept only of a PromptedRecognizer in which nothing before the neck '
            'learns: no model.visual_prompt, a frozen backbone, pool=True')


def check_made(folder, index, cfg, model):
    """Check that a run has the settings of the run that made a store.

    Args:
        folder (str): the store.
        index (dict): index of the store.
        cfg (mmengine.Config): config of the run.
        model (PromptedRecognizer): model of the run.

    Raises:
        InputError: it differs; the message names the settings.
    """
    ours, made = describe(cfg, model), index['made']
    if 'weights' not in made:  # an earlier version names the CLIP; its mean and std are None
        ours = dict(ours, backbone=json.loads(json.dumps(cfg.model.backbone, default=dict)))
        made = {key: made[key] for key in ours if made.get(key) is not None}
        ours = {key: ours[key] for key in made}
    differing = [key for key, value in ours.items() if made.get(key) != value]
    if differing:
        raise InputError(f'features: {folder} was made with another {", ".join(differing)} than '
                         f'this config has; {REMEDY}')


def write_index(folder, **content):
    """Write the index of a store. This is the last step of building: with it, the store is
    complete.

    Args:
        folder (str): the store.
        **content (Any): entries of the index, see ``read_index``.
    """
    with whole(os.path.join(folder, INDEX)) as file:
        json.dump(content, file)


def read_index(folder):
    """Read the index of a store.

    A store of an earlier version has no ``sources`` and names its CLIP without a fingerprint of the
    weights. It is read with a warning, because neither clips nor weights can be compared.

    Args:
        folder (str): the store.

    Returns:
        dict: ``made``, ``views`` (int), ``rows``, role to sample id to row, ``bad``, sample id to
        reason, and ``sources``, sample id to size and time of the clip.

    Raises:
        InputError: there is no complete store.
    """
    index = read_store(folder, 'features', REMEDY)
    if 'sources' not in index or 'weights' not in index.get('made', ()):
        warnings.warn(f'features: {folder} does not say of which clips and weights it was made (an '
                      'earlier version wrote it), so nothing is noticed if one of them has '
                      f'changed; {REMEDY}', stacklevel=2)
    return index


def signatures(paths):
    """Compute the ``signature`` of every clip.

    Args:
        paths (dict[str, str]): sample id to path.

    Returns:
        dict[str, list | None]: sample id to signature, None if the clip does not exist.
    """
    return {name: signature(path) if os.path.exists(path) else None
            for name, path in paths.items()}


def check_clips(folder, index, paths):
    """Check that a store holds clips as they are on the disk.

    Args:
        folder (str): the store.
        index (dict): index of the store.
        paths (dict[str, str]): sample id of a clip to its path.

    Raises:
        InputError: clips are not in it, or have changed since it was made; the message names them.
    """
    held = index['rows']['plain'].keys() | index['bad'].keys()
    lost = [name for name in paths if name not in held]
    changed = [name for name, now in signatures(paths).items()
               if name in held and not same_signature(
                   index.get('sources', {name: now}).get(name), now)]
    for names, what in ((lost, 'are not in it'),
                        (changed, 'are not those it was made of: they changed, or are other clips '
                                  'of the same names')):
        if names:
            raise InputError(f'features {folder}: {len(names)} clips {what}: {some(names)}; '
                             f'{REMEDY}')


@functools.lru_cache(maxsize=4)
def open_rows(folder):
    """Open all features of a store, memory-mapped.

    Args:
        folder (str): the store.

    Returns:
        np.ndarray: (rows, T, C), float32.
    """
    return np.asarray(np.load(os.path.join(folder, ROWS), mmap_mode='r'))
