"""From clips without labels to groups of unknown ones and suggested names."""
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from mmengine.logging import print_log

from ..errors import InputError
from ..evaluation import load_dump
from ..evaluation.groups import find_groups
from ..evaluation.naming import LEXICON, read_lexicon, readable
from ..models.prompts.text import CLIPTextTower
from .clip_sources import find_clips
from .config_parts import clips_of_config
from .configs import load_config
from .inferencer import HESPInferencer
from .naming import Texts, read_features
from .trained import clip_of_run
from .wiring import override


@dataclass
class Run:
    """The files of a training.

    Attributes:
        folder (Path): its work dir.
        config (Path): the config that the training left there.
        checkpoint (Path): its last checkpoint.
    """
    folder: Path
    config: Path
    checkpoint: Path


@dataclass
class Judged:
    """Clips as a run sees them.

    Attributes:
        paths (list[str]): N files or folders of frames.
        features (np.ndarray): (N, D).
        known (list[str]): the K emotions that the run knows.
        train_features (np.ndarray): (M, D) of its known training clips.
        train_labels (np.ndarray): (M,), in 0 .. K - 1.
    """
    paths: list
    features: np.ndarray
    known: list
    train_features: np.ndarray
    train_labels: np.ndarray


def find_run(folder):
    """Find the files of a training.

    Args:
        folder (str or Path): its work dir.

    Returns:
        Run: the folder and the two files.

    Raises:
        InputError: there is no such folder, or it lacks the config or the checkpoint of a training.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f'there is no folder {folder}: name the work dir of a training')
    configs, last = sorted(folder.glob('*.py')), folder / 'last_checkpoint'
    if len(configs) != 1:
        raise InputError(f'{folder} holds {len(configs)} configs: name the work dir of a training')
    checkpoint = folder / Path(last.read_text().strip()).name if last.is_file() else None
    if checkpoint is None or not checkpoint.is_file():
        raise InputError(f'{folder} holds no checkpoint of a finished training: train first')
    return Run(folder, configs[0], checkpoint)


def config_of(run, cfg_options=None):
    """Read the config of a run. Its own emotions, if it has any, are in force afterwards.

    Args:
        run (Run): the run.
        cfg_options (dict, optional): changes to the config, see ``--cfg-options``. Defaults to
            None.

    Returns:
        mmengine.Config: the config.
    """
    cfg = load_config(str(run.config))
    override(cfg, cfg_options)
    return cfg


def run_clips(run):
    """Read what a run kept of the clips of its own test.

    Args:
        run (Run): with ``predictions.npz`` and ``train_features.npz`` in its folder.

    Returns:
        Judged: the test clips and the known training clips.

    Raises:
        InputError: of ``naming.read_features``; or the data of the run are elsewhere now.
    """
    dump, train = read_features(run.folder)
    paths = clips_of_config(config_of(run))
    lost = [name for name in dump['sample_id'] if name not in paths]
    if lost:
        raise InputError(f'{len(lost)} clips of {run.folder}/predictions.npz are not where '
                         f'{run.config} says, first {lost[0]}: name clips with --clips')
    return Judged([paths[name] for name in dump['sample_id']], dump['feature'],
                  list(map(str, dump['classes'])), train['feature'], train['label'])


@torch.no_grad()
def other_clips(run, inputs, cfg_options=None, batch_size=8):
    """Let a trained model look at clips without labels.

    Args:
        run (Run): the model.
        inputs (list[str]): videos, folders of frames, and folders of these; a ``.txt`` file names
            one such path a line.
        cfg_options (dict, optional): changes to the config, see ``--cfg-options``.
        batch_size (int): clips at a time. Defaults to 8.

    Returns:
        Judged: of the clips that can be decoded; one warning names the others.

    Raises:
        InputError: no clip can be used, or the run left no ``train_features.npz``.
    """
    train = run.folder / 'train_features.npz'
    if not train.is_file():
        raise InputError(f'{run.folder} has no train_features.npz: it has to be the work dir of a '
                         'training with ThresholdHook')
    train = load_dump(train)
    inferencer = HESPInferencer(str(run.config), str(run.checkpoint), cfg_options=cfg_options)
    clips = find_clips(_read_paths(inputs))
    paths, rows, problems = [], [], []
    for batch in inferencer.preprocess(clips, batch_size):
        problems += [f'{place["file"]} ({place["error"]})' for place, data in batch
                     if data is None]
        batch = [(place, data) for place, data in batch if data is not None]
        if batch:
            rows += inferencer.model.test_step(inferencer.collate_fn([data for _, data in batch]))
            paths += [place['file'] for place, _ in batch]
    if problems:
        print_log(f'{len(problems)} clips left out: {"; ".join(problems[:10])}', 'current',
                  logging.WARNING)
    if not rows:
        raise InputError(f'none of the {len(clips)} clips can be used')
    return Judged(paths, np.stack([row.pred_feature.numpy() for row in rows]),
                  list(inferencer.known), train['feature'], train['label'])


def _read_paths(inputs):
    """Paths as they are, those of text files in their place."""
    paths = []
    for name in map(str, inputs):
        if not name.lower().endswith('.txt'):
            paths.append(name)
            continue
        try:
            text = Path(name).read_text(encoding='utf-8-sig', errors='surrogateescape')
        except OSError as error:
            raise InputError(f'{name}: {error.strerror}') from error
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if not lines:
            raise InputError(f'{name} names no clip: write a path on each line')
        paths += lines
    return paths


def discover(run, judged, k=None, lexicon=LEXICON, cfg_options=None):
    """Group the unknown ones among clips and suggest names.

    The labelled training clips of the run take part: a clip is unknown if a new group is nearer to
    it than every known emotion. The threshold of the run has no part.

    Args:
        run (Run): whose CLIP reads the words.
        judged (Judged): the clips.
        k (int, optional): number of groups. Defaults to an estimate, see
            ``groups.count_groups``.
        lexicon (str or Path): file of words, see ``naming.read_lexicon``. Defaults to that of
            this package.
        cfg_options (dict, optional): changes to the config, see ``--cfg-options``.

    Returns:
        list[Group]: of rows of ``judged``, the largest group first.

    Raises:
        InputError: of ``groups.find_groups``.
    """
    tower = CLIPTextTower(**clip_of_run(run.folder, run.config, cfg_options))
    words, texts = Texts(tower, readable(tower, read_lexicon(lexicon))).without(judged.known)
    return find_groups(judged.features, texts, words, k, judged.train_features,
                       judged.train_labels)
