"""A file of features that takes the place of clips. Sharing it shares no face.

The file is numpy's ``.npz``, with ``train_features`` (N, T, D) or (N, D), ``train_emotion`` (N,),
perhaps ``train_id`` (N,), and the same for ``test``. ``read_features`` reads it,
``FeatureDataset`` makes samples of it. See docs/features.md.
"""
import functools
import os
import zipfile
import zlib
from typing import NamedTuple

import numpy as np
import torch
from mmaction.registry import DATASETS

from ..errors import InputError
from ..text import some
from .emotions import label_of
from .feature_store import keeps_still
from .list_cells import ListedClip
from .listed_clips import OTHER
from .openset import OpenSetVideoDataset
from .stores import signature

SUFFIX = '.npz'
REQUIRED = [f'{part}_{name}' for part in OTHER for name in ('features', 'emotion')]
OPTIONAL = [f'{part}_id' for part in OTHER]


class Rows(NamedTuple):
    """One part of a file: ``features`` (N, T, D) float32, ``emotions`` and ``ids``, N texts."""
    features: np.ndarray
    emotions: tuple
    ids: tuple


def is_feature_file(path):
    """Whether a path (str) names a file of features rather than a store.

    Args:
        path (Any): a path, or None.

    Returns:
        bool: True for a file.
    """
    return isinstance(path, str) and path.lower().endswith(SUFFIX)


def read_features(path):
    """Read and check a file of features; a file that did not change is read once in a process.

    Args:
        path (str): path of the ``.npz`` file; ``~`` is expanded.

    Returns:
        dict[str, Rows]: of ``'train'`` and ``'test'``, whose T and D are the same.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: the file is no ``.npz`` file, a key is missing or misspelt, an array has a
            wrong shape, type or length, a row is not finite, a name is no emotion, or two rows
            have the same id.
    """
    path = os.path.abspath(os.path.expanduser(path))
    if not os.path.isfile(path):
        raise FileNotFoundError(f'features: no file {path}; docs/features.md says how to write one')
    return dict(_read(path, tuple(signature(path))))


@functools.lru_cache(maxsize=2)  # every data set of a run asks for it
def _read(path, state):
    arrays = _arrays(path)
    parts = {part: check_rows(part, arrays.get(f'{part}_features'), arrays.get(f'{part}_emotion'),
                              arrays.get(f'{part}_id'), path) for part in OTHER}
    train, test = (parts[part].features.shape[1:] for part in ('train', 'test'))
    if train != test:
        raise InputError(f'{path}: the training rows have {train[0]} frames of {train[1]} values '
                         f'and the test rows {test[0]} of {test[1]}; make both alike')
    both = sorted(set(parts['train'].ids) & set(parts['test'].ids))
    if both:
        raise InputError(f'{path}: {len(both)} ids are both in train_id and test_id: {some(both)}; '
                         'no sample may be in both parts')
    return parts


def _arrays(path):
    """The arrays of a file (dict) by their keys, unchecked; nothing in it is executed."""
    if not zipfile.is_zipfile(path):
        raise InputError(f'{path} is no {SUFFIX} file; write it with numpy.savez')
    with zipfile.ZipFile(path) as archive:
        there = {name.removesuffix('.npy') for name in archive.namelist()}
    missing = [key for key in REQUIRED if key not in there]
    wrong = sorted(key for key in there if key not in REQUIRED + OPTIONAL
                   and key.startswith(('train_', 'test_')))
    if missing or wrong:
        raise InputError(f'{path}: ' + '; '.join(
            f'{what} {", ".join(keys)}' for what, keys in (
                ('it lacks', missing), ('it has keys that mean nothing,', wrong)) if keys)
            + f'; its keys are {", ".join(REQUIRED)} and, where you have them, '
            + ', '.join(OPTIONAL))
    arrays = {}
    with np.load(path, allow_pickle=False) as file:
        for key in there.intersection(REQUIRED + OPTIONAL):
            try:
                arrays[key] = file[key]
            except (ValueError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
                raise InputError(f'{path}: {key} cannot be read ({error}); save numbers as floats '
                                 'and names as numpy.array(names, dtype=str)') from error
    return arrays


def check_rows(part, features, emotion, ids=None, path='features'):
    """The rows of one part as they are used, or one message about what is wrong with them.

    Args:
        part (str): ``'train'`` or ``'test'``.
        features (np.ndarray): (N, T, D), or (N, D) for T = 1; float16, float32 or float64.
        emotion (np.ndarray): (N,), names that ``canonical`` understands.
        ids (np.ndarray, optional): (N,), different texts or integers. Defaults to None: made
            of the part and the number of the row, such as ``'train/000012'``.
        path (str): name of the file, for messages. Defaults to ``'features'``.

    Returns:
        Rows: the checked rows.

    Raises:
        InputError: the part is wrong in a way that ``read_features`` lists.
    """
    if features.dtype.kind != 'f' or features.ndim not in (2, 3) or 0 in features.shape:
        raise InputError(f'{path}: {part}_features must be floats of shape (N, T, D) or (N, D), '
                         f'not {features.dtype} of shape {features.shape}')
    if features.ndim == 2:
        features = features[:, None]
    count = len(features)
    if ids is None:
        ids = np.array([f'{part}/{row:06d}' for row in range(count)])
    for key, values, kinds in ((f'{part}_emotion', emotion, 'US'), (f'{part}_id', ids, 'USiu')):
        if values.dtype.kind not in kinds or values.shape != (count,):
            raise InputError(f'{path}: {key} must be {count} '
                             f'{"names" if kinds == "US" else "texts or integers"}, one for each '
                             f'row of {part}_features, not {values.dtype} of shape {values.shape}')
    ids, names = _texts(ids), _texts(emotion)
    twice = sorted({name for name in ids if ids.count(name) > 1}) if len(
        set(ids)) < count else []
    if twice:
        raise InputError(f'{path}: {part}_id has {len(twice)} ids that stand for several rows: '
                         f'{some(twice)}; give every row its own')
    known = {name: label_of(name) for name in sorted(set(names))}
    lost = [f'{i} ({name})' for i, name in zip(ids, names, strict=True) if known[name] is None]
    if lost:
        raise InputError(f'{path}: {part}_emotion of {len(lost)} rows is no emotion: {some(lost)}; '
                         'docs/own_emotions.md says how to add some')
    with np.errstate(over='ignore'):  # what float32 cannot hold becomes infinite, and is named
        features = np.ascontiguousarray(features, np.float32)
    bad = [ids[row] for row in np.flatnonzero(~np.isfinite(features).all((1, 2)))]
    if bad:
        raise InputError(f'{path}: {len(bad)} rows of {part}_features hold NaN, infinite or too '
                         f'large values: {some(bad)}; take them out')
    return Rows(features, tuple(known[name] for name in names), tuple(ids))


def _texts(values):
    """Converts an array of texts, bytes or integers to list[str]."""
    if values.dtype.kind == 'S':
        values = np.char.decode(values, 'utf-8', 'backslashreplace')
    return [str(value) for value in values.tolist()]


@DATASETS.register_module()
class FeatureDataset(OpenSetVideoDataset):
    """Samples whose ``inputs`` are features (T, D) of a file; no clip is opened.

    Its classes are the emotions that occur in the file. Of the pipeline only the last step, which
    packs a sample, is used; the others stay in the config for whoever applies the model to videos.

    Args:
        features (str): path of the file, see ``read_features``.
        known (Sequence[str]): known emotions; label k is the k-th. See ``resolve_known``.
        part (str): ``'train'`` keeps known emotions only, ``'test'`` keeps all.
        pipeline (list[dict]): transforms; the last one packs.
        closed_set (bool): all classes are known and none is unknown. Defaults to False.
        seed (int): has no effect, because nothing is random. Hooks set it. Defaults to 0.
        test_mode (bool, optional): samples are not kept. Defaults to ``part == 'test'``.
        labelled_half (int, optional): see ``OpenSetVideoDataset``. Defaults to None.

    Raises:
        FileNotFoundError: the file is not there.
        InputError: the file or ``known`` or ``part`` cannot be used, or a known class or all
            unknown classes together have no samples.
    """

    def __init__(self, features, known, part, pipeline, closed_set=False, seed=0, test_mode=None,
                 labelled_half=None, **kwargs):
        self._check_arguments(kwargs)
        self.rows = read_features(features)
        super().__init__(features, known, part, pipeline, classes='found', closed_set=closed_set,
                         seed=seed, test_mode=test_mode, labelled_half=labelled_half, **kwargs)

    def list_clips(self, part):
        """The rows of a part, as if they were clips whose path is their id."""
        rows = self.rows[part]
        return [ListedClip(name, emotion, None)
                for name, emotion in zip(rows.ids, rows.emotions, strict=True)], []

    def load_data_list(self):
        """The samples of the part, sorted by id; each says its row."""
        numbers = {name: row for row, name in enumerate(self.rows[self.part].ids)}
        data_list = [dict(self._data_info(clip), row=numbers[clip.path])
                     for clip in self._used(self.part, self.list_clips(self.part)[0])]
        self._check_counts([info['emotion'] for info in data_list])
        return data_list

    def check_lists(self):
        """Does nothing, because the file was checked when the data set was made."""

    def sample_id(self, path):
        """The id of a row names it in evaluations."""
        return path

    def _bad(self, paths):
        return {}

    def prepare_data(self, idx, copy=()):
        """The idx-th sample, the same in every epoch and every copy."""
        feature = self.rows[self.part].features[self.get_data_info(idx)['row']]
        return dict(inputs=torch.from_numpy(feature.copy()), data_samples=self._sample(idx)[1])

    def check_model(self, model):
        """Check that a model can be run on features of this file.

        Args:
            model (nn.Module): a recognizer.

        Raises:
            InputError: a part before the neck is trained or returns maps, or the features have
                another width than those of its backbone.
        """
        if not keeps_still(model):
            raise InputError(
                f'{self.data_root} takes the place of clips, and this method learns before its '
                'neck or reads maps: choose one with a frozen backbone and pool=True, such as '
                'configs/coop_afew_o34.py, or give it the clips')
        width = self.rows[self.part].features.shape[2]
        expected = getattr(model.backbone, 'out_channels', width)
        if width != expected:
            raise InputError(f'{self.data_root}: its features have {width} values and those of the '
                             f"config's backbone {expected}: name the CLIP that made the file with "
                             '--cfg-options clip.arch=NAME clip.pretrained=FILE')
