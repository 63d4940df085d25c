"""Features of every training and test clip of a run, which discovery methods group."""
import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, find_latest_checkpoint
from sklearn.preprocessing import normalize

from ..datasets.labelled_half import labelled_half
from ..datasets.wrappers import leaf_configs
from ..errors import InputError
from ..evaluation.dumps import dump_of_rows, dump_row, load_dump, save_dump
from .trained import load_trained

FILE = 'discovery.npz'


def write_features(cfg: Config, work_dir: str | Path) -> dict[str, np.ndarray]:
    """Compute the features of all training clips with the model of a finished run, and keep them.

    Those of the test clips are taken from ``predictions.npz`` of the run.

    Args:
        cfg (mmengine.Config): of the run, a task of discovery.
        work_dir (str or Path): of the run; ``discovery.npz`` is written there.

    Returns:
        dict[str, np.ndarray]: ``sample_id``, ``emotion``, ``test`` and ``labelled`` (bool), all
        (N,), and ``feature`` (N, D) after the neck of every clip, training clips first;
        ``classes`` (K,), the known emotions. Of a training that changed nothing before the head
        also ``logits`` (N, K).

    Raises:
        InputError: the model keeps no features, or the config joins several data sets.
    """
    init_default_scope('mmaction')
    cfg = copy.deepcopy(cfg)
    trained = cfg.get('optim_wrapper') is not None
    checkpoint = find_latest_checkpoint(str(work_dir)) if trained else None
    known = list(cfg.known)
    half = _dataset(cfg).get('labelled_half') or 0
    loader = _loader_of_training_clips(cfg)
    model = load_trained(cfg, checkpoint, known=known,
                         device='cuda' if torch.cuda.is_available() else 'cpu')
    learned = any(p.requires_grad for name, p in model.named_parameters()
                  if not name.startswith('cls_head.'))
    kept = 'sample_id', 'emotion', 'feature', *(['logits'] if trained and not learned else [])
    rows = []
    with torch.no_grad():
        for batch in loader:
            rows += [dump_row(sample.to_dict()) for sample in model.test_step(batch)]
    train, test = dump_of_rows(rows, known), load_dump(Path(work_dir) / 'predictions.npz')
    if 'feature' not in train:
        raise InputError(f'{cfg.filename} keeps no features, so nothing can be grouped: choose a '
                         'method of docs/discovery.md')
    is_known = np.isin(train['emotion'], known)
    chosen = labelled_half(train['sample_id'][is_known].tolist(),
                           train['emotion'][is_known].tolist(), half)
    found = {key: np.concatenate([train[key], test[key]]) for key in kept}
    found.update(test=np.arange(len(found['emotion'])) >= len(train['emotion']),
                 labelled=np.isin(found['sample_id'], sorted(chosen)),
                 classes=np.array(known))
    save_dump(found, Path(work_dir) / FILE)
    return found


def _dataset(cfg: Config) -> Mapping[str, Any]:
    """The config of the one data set of the test, which knows all emotions."""
    leaf, *others = leaf_configs(cfg.test_dataloader.dataset)
    if others:
        raise InputError('discovery is of one data set, and this config joins several: put their '
                         'clips below one data_root and name them in lists')
    return leaf


def _loader_of_training_clips(cfg: Config) -> torch.utils.data.DataLoader:
    """All training clips, known or not, as a test sees them."""
    loader = copy.deepcopy(cfg.test_dataloader)
    leaf = _dataset(cfg)
    every = DATASETS.build(dict(leaf, lazy_init=True)).ALL_CLASSES
    loader.dataset = dict(leaf, part='train', known=list(every), closed_set=True, test_mode=True,
                          labelled_half=None)
    loader.persistent_workers = False
    return Runner.build_dataloader(loader, seed=0)


def space(found: Mapping[str, np.ndarray]) -> np.ndarray:
    """The vectors that are grouped.

    They are directions of features, seen from the mean direction of the labelled clips. Where
    nothing before the head was trained, every such run has CLIP's own features, and all that it
    learned is in the logits: their directions, made in the same way, stand beside them.

    Args:
        found (dict[str, np.ndarray]): of ``write_features``.

    Returns:
        np.ndarray: (N, D), or (N, D + K), of length 1.
    """
    parts = [found['feature']]
    if 'logits' in found:
        parts.append(found['logits'])
    directions = [normalize(part.astype(np.float64)) for part in parts]
    return normalize(np.concatenate(
        [normalize(part - part[found['labelled']].mean(0)) for part in directions], 1))
