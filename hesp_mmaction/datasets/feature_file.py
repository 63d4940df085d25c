"""A file of features that takes the place of clips. Sharing it shares no face.

The file is numpy's ``.npz``, with ``train_features`` (N, T, D) or (N, D), ``train_emotion`` (N,),
perhaps ``train_id`` (N,), and the same for ``test``. This module reads it, and
``feature_dataset.py`` makes samples of it. See docs/features.md.
"""
import functools
import os
import zipfile
import zlib
from typing import NamedTuple

import numpy as np

from ..errors import InputError
from ..text import some
from .emotions import label_of
from .listed_clips import OTHER
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
