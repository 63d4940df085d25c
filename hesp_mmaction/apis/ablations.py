"""Named ablations: the files in ``configs/ablations`` and the runs of their rows."""
import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict

from ..errors import InputError
from .configs import find_config, our_config, our_names
from .runs import Runs, list_runs

DEFAULT = 'hesp_afew_o34.py'  # what rows change where neither ablation nor row names a config


def read_ablation(name: str) -> Config:
    """Read a named ablation.

    Args:
        name (str): the name of a file in ``configs/ablations``, without its suffix.

    Returns:
        mmengine.Config: ``rows``. It may also have ``published``, the figures of the paper, and
        ``config``, the config that the rows change.

    Raises:
        InputError: no ablation has that name. The message lists the names that exist.
    """
    names = our_names('ablations')
    if name not in names:
        raise InputError(f'no ablation is named {name!r}; choose one of {", ".join(names)}')
    return Config.fromfile(our_config(f'ablations/{name}.py'))


def row_options(row: ConfigDict, base: Config,
                cfg_options: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Collect the settings of a row: its own, and those of the command line.

    Args:
        row (ConfigDict): a row of an ablation.
        base (mmengine.Config): the config that the row changes.
        cfg_options (dict, optional): the settings of ``--cfg-options``. Defaults to None.

    Returns:
        dict[str, Any]: dotted keys and values. ``prompt_size_of_224`` of a row is scaled to the
        size of the images.
    """
    options = dict(cfg_options or {}) | dict(row.get('options', {}))
    if 'prompt_size_of_224' in row:
        image_size = options.get('image_size', base.image_size)
        options['prompt_size'] = round(row.prompt_size_of_224 / 224 * image_size)
    return options


def ablation_runs(name: str, args: argparse.Namespace, config: str | None = None,
                  rows: Sequence[str] | None = None) -> Runs:
    """List the runs of an ablation.

    Rows that mean the same run share one folder, even in different ablations. That run is trained
    once.

    Args:
        name (str): the name of the ablation.
        args (argparse.Namespace): the parsed flags of ``runs.add_flags``.
        config (str, optional): the config that the rows change: a file, or the name of one of ours.
            Defaults to None: the config that the ablation names, or else HESP on AFEW.
        rows (Sequence[str], optional): the names of the rows to run. Defaults to None: all rows.

    Returns:
        dict[str, list[dict]]: for each row name, the arguments of ``protocol.run_split``.

    Raises:
        InputError: no ablation or row has that name.
    """
    ablation = read_ablation(name)
    names = [row.name for row in ablation.rows]
    if set(rows or []) - set(names):
        raise InputError(f'--rows: {name} has the rows {", ".join(names)}')
    base = config or ablation.get('config', DEFAULT)
    runs = {}
    for row in ablation.rows:
        if rows and row.name not in rows:
            continue
        path = find_config(row.get('config', base))
        options = row_options(row, Config.fromfile(path), args.cfg_options)
        key = json.dumps([Path(path).name, options], sort_keys=True, default=str)
        folder = f'{Path(path).stem}_{hashlib.sha256(key.encode()).hexdigest()[:8]}'
        runs[row.name] = list_runs(path, folder, args, options)
    return runs
