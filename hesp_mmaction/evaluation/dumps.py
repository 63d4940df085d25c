"""The raw material of an evaluation: rows of samples, arrays, and the file that holds them."""
import logging
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from mmengine.logging import print_log

from ..datasets.emotions import UNDECODABLE
from ..errors import InputError
from ..files import whole
from .prediction import ARRAYS, LOGITS, OF_ALL, SCORE

Dump = Mapping[str, np.ndarray]


def save_dump(dump: Dump, path: str | Path) -> None:
    """Write a dump. If writing fails, no file of this name is left half written.

    Args:
        dump (dict[str, np.ndarray]): arrays by name.
        path (str | Path): the .npz file.
    """
    with whole(path, 'wb') as file:
        np.savez_compressed(file, **dump)  # type: ignore[arg-type]  # not by these names


def load_dump(path: str | Path) -> dict[str, np.ndarray]:
    """Read a dump of ``OpenSetMetric``. Pickled objects in it are refused.

    Args:
        path (str | Path): the .npz file.

    Returns:
        dict[str, np.ndarray]: arrays by name.

    Raises:
        InputError: there is no such file, or it is no dump.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except FileNotFoundError as error:
        raise InputError(f'there is no file {path}') from error
    except (OSError, ValueError, EOFError, TypeError, AttributeError, BadZipFile,
            zlib.error) as error:
        raise InputError(f'{path} is damaged or no dump of arrays (.npz): train or test again to '
                         'write it anew') from error


def dump_row(sample: Mapping[str, Any]) -> dict[str, Any]:
    """What a dump keeps of a predicted data sample.

    Args:
        sample (dict): with the fields that ``Prediction`` writes, ``gt_label``, and the
            metainfo ``sample_id`` and ``emotion``.

    Returns:
        dict: by key of the dump.

    Raises:
        KeyError: a field is missing that every dump needs.
    """
    missing = [key for key in ('sample_id', 'emotion', 'gt_label', 'pred_label', 'pred_knownness')
               if key not in sample]
    if missing:
        raise KeyError(f'a data sample has no {", ".join(missing)}; sample_id and emotion belong '
                       'in meta_keys of PackActionInputs, predictions come from the head')
    row = dict(sample_id=sample['sample_id'], emotion=sample['emotion'],
               label=int(sample['gt_label']), pred=int(sample['pred_label']),
               score=float(sample['pred_knownness']))
    for key, value in sample.items():
        if key.startswith(LOGITS) or key in ARRAYS:
            row[ARRAYS.get(key, key)] = _array(value)
        elif key.startswith(SCORE) or key == 'threshold':
            row[key] = float(value)
        elif key == 'pred_emotion':
            row[key] = value
    return row


def dump_of_rows(rows: Sequence[Mapping[str, Any]],
                 classes: Sequence[str]) -> dict[str, np.ndarray]:
    """Join rows of ``dump_row`` to arrays, sorted by sample id, each id once.

    Clips that could not be decoded (emotion ``UNDECODABLE``) are left out and logged.

    Args:
        rows (Sequence[dict]): one for each clip, of all processes.
        classes (Sequence[str]): the known emotions, in label order.

    Returns:
        dict[str, np.ndarray]: raw material of a test run.
    """
    by_id = {row['sample_id']: row for row in reversed(rows)}
    broken = sorted(key for key, row in by_id.items() if row['emotion'] == UNDECODABLE)
    if broken:
        print_log(f'{len(broken)} of {len(by_id)} clips cannot be decoded and count in no figure: '
                  f'{", ".join(broken)}', 'current', logging.WARNING)
    rows = [by_id[key] for key in sorted(set(by_id) - set(broken))]
    dump = {key: np.array(rows[0][key] if key in OF_ALL else [row[key] for row in rows])
            for key in rows[0]}
    return dict(dump, classes=np.array(classes))


def _array(values: Any) -> np.ndarray:
    return torch.as_tensor(values).detach().float().cpu().numpy()
