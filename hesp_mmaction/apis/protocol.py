"""The published protocol: one training and one test per split."""
import gc
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.runner import Runner, find_latest_checkpoint

from ..compat.launching import optim_wrapper_cfg
from ..datasets.stores import INDEX
from ..engine import QuietRunner
from ..errors import InputError
from ..evaluation.dumps import load_dump
from ..evaluation.openset_metric import intervals_from_dump
from ..files import write_json
from ..models.clip import file_digest
from .configs import load_config
from .determinism import prepare_determinism
from .inputs import check_inputs
from .loading import prepare_loading
from .tasks import choose_data


def split_config(config: str, split: int, cfg_options: dict | None = None,
                 openness: str | None = None, task: str | None = None,
                 known: Sequence[str] | None = None) -> Config:
    """Make the config of one run.

    Args:
        config (str): see ``run_split``.
        split (int): see ``run_split``.
        cfg_options (dict, optional): see ``run_split``.
        openness (str, optional): see ``run_split``.
        task (str, optional): see ``run_split``.
        known (Sequence[str], optional): see ``run_split``.

    Returns:
        mmengine.Config: the method of the config, on the data of the task, with the known emotions
        of the split.

    Raises:
        InputError: ``known`` for a config of a closed set; see also ``tasks.choose_data``.
    """
    cfg = load_config(config)
    if cfg.get('optim_wrapper') is None:  # options of training do not concern it
        cfg_options = {key: value for key, value in (cfg_options or {}).items()
                       if not key.startswith(('train_', 'val_', 'optim_', 'param_scheduler'))
                       and key.split('.')[0] != 'neck'}  # untrained it is the mean
    if known is not None and 'protocol' not in cfg and task is None:
        raise InputError(f'{config} is of a closed set, in which every class is known: it takes '
                         'no known sets')
    choose_data(cfg, cfg_options, task, openness, None if known is not None else split, known)
    return cfg


def check_runs(jobs: Sequence[Mapping[str, Any]]) -> None:
    """Check the inputs of all runs before the first one starts.

    Every combination of a config, a known set and a neck is checked once.

    Args:
        jobs (Sequence[dict]): for each run, the arguments of ``run_split``.

    Raises:
        InputError: see ``inputs.check_inputs``.
        FileNotFoundError: see ``inputs.check_inputs``.
    """
    looked_at: set[Any] = set()
    names = 'config', 'split', 'cfg_options', 'openness', 'task', 'known'
    for job in jobs:
        new = {job['config'], tuple(job.get('known') or ()),
               (job.get('cfg_options') or {}).get('neck')} - looked_at
        if not new:
            continue
        looked_at |= new
        cfg = split_config(**{name: job[name] for name in names if name in job})
        try:
            check_inputs(cfg, ['test_dataloader'])
        except InputError as error:
            if job.get('known') is None:
                raise
            raise InputError(f'known set {job["split"]} ({", ".join(job["known"])}): {error}'
                             ) from error


def run_split(config: str, split: int, work_dir: str | Path, cfg_options: dict | None = None,
              openness: str | None = None, resume: bool = False,
              task: str | None = None, known: Sequence[str] | None = None) -> dict[str, Any]:
    """Train and test one split. A config without optimizer is only tested.

    The test builds the model again, from the saved checkpoint.

    Args:
        config (str): the path of the config.
        split (int): 0 to 4. For a closed set (a config without ``protocol``) it is the fold, 1 to
            5. With ``known`` it is only a number for the tables.
        work_dir (str | Path): the folder of the run; it may exist.
        cfg_options (dict, optional): changes to the config, as ``--cfg-options`` takes them.
            Defaults to None.
        openness (str, optional): such as ``'5:2'``. Defaults to None: the config's own.
        resume (bool): continue an earlier call with exactly the same settings in ``work_dir``: take
            over its result, or go on from its last checkpoint. Defaults to False.
        task (str, optional): put the config on the data of this task, see ``tasks``. Defaults to
            None.
        known (Sequence[str], optional): known emotions in place of a published split. Defaults to
            None.

    Returns:
        dict: the content of ``metrics.json``, and: ``intervals``, see
        ``openset_metric.intervals_from_dump``; ``split``; ``protocol``, the openness; ``seconds``,
        of the whole run; and for a training ``seconds_per_epoch`` (loading and steps, without the
        fit of the threshold) and ``trainable``, the number of parameters that learn.
    """
    start = time.time()
    cfg = split_config(config, split, cfg_options, openness, task, known)
    closed_set = 'protocol' not in cfg
    settings = digest_of(cfg)
    record, begun = Path(work_dir) / 'split.json', Path(work_dir) / 'settings.json'
    if resume and record.exists():
        found = json.loads(record.read_text(encoding='utf-8'))
        if found['settings'] == settings:
            return found
    costs: dict[str, float] = {}
    same = begun.exists() and json.loads(begun.read_text(encoding='utf-8'))['settings'] == settings
    begun.parent.mkdir(parents=True, exist_ok=True)
    write_json(dict(settings=settings), begun)
    cfg.work_dir = str(work_dir)
    prepare_determinism(cfg)
    prepare_loading(cfg, () if cfg.get('optim_wrapper') is not None else ['test_dataloader'])
    cfg.log_level = 'WARNING'  # the losses are in the work dir, under vis_data
    if cfg.get('optim_wrapper') is not None:
        training = cfg.copy()  # the one evaluation is the one of the checkpoint, below
        training.val_cfg = training.val_dataloader = training.val_evaluator = None
        training.optim_wrapper = optim_wrapper_cfg(
            training.optim_wrapper, training.get('precision', {}).get('amp', False))
        training.resume = resume and same and (Path(work_dir) / 'last_checkpoint').exists()
        runner = QuietRunner.from_cfg(training)
        runner.train()
        costs = _costs(runner)
        _end_workers(runner.train_loop)
        del runner
        gc.collect()
        cfg.load_from = find_latest_checkpoint(cfg.work_dir)
    runner = QuietRunner.from_cfg(cfg)
    runner.test()
    _end_workers(runner.test_loop)
    del runner
    gc.collect()
    metrics = json.loads((Path(work_dir) / 'metrics.json').read_text(encoding='utf-8'))
    result = dict(metrics, **costs, split=split, seconds=time.time() - start, settings=settings)
    if not closed_set:
        dump = load_dump(Path(work_dir) / 'predictions.npz')
        protocol = openness or cfg.protocol.openness
        if known is not None:  # as many unknown emotions as there are in the test part
            protocol = f'{len(known)}:{len(np.unique(dump["emotion"][dump["label"] < 0]))}'
        result.update(intervals=intervals_from_dump(dump), protocol=protocol)
    write_json(result, record)
    return result


def digest_of(cfg: Config) -> str:
    """Compute a digest of the settings of a run: its config, and the content of the files it names.

    Weights, lists and stores are read, so another file of the same name changes the digest. Of a
    store only the index is read.

    Args:
        cfg (mmengine.Config): the config of a run.

    Returns:
        str: SHA-256 in hex.
    """
    text = json.dumps(cfg.to_dict(), default=str)
    root = cfg.get('data_root') or ''
    files = {}
    for value in sorted(set(_texts(cfg.to_dict()))):
        for path in (Path(value), Path(root, value), Path(value, INDEX)):
            if os.path.isfile(path):
                files[str(path)] = file_digest(path)
    return hashlib.sha256(f'{text}{json.dumps(files)}'.encode()).hexdigest()


def _texts(value: Any) -> Iterator[str]:
    """All strings among the values of nested dicts and sequences; keys are left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, Sequence):
        for part in value:
            yield from _texts(part)


def _costs(runner: Runner) -> dict[str, float]:
    steps = runner.message_hub.log_scalars.get('train/time')
    if steps is None:  # all epochs were done before
        return {}
    return dict(seconds_per_epoch=float(steps.mean()) * len(runner.train_dataloader),
                trainable=sum(p.numel() for p in runner.model.parameters() if p.requires_grad))


def _end_workers(loop: Any) -> None:
    # Persistent workers left to the garbage collector are waited for five seconds each, because
    # the queue that would tell them to end is collected with them.
    if getattr(loop.dataloader, '_iterator', None) is not None:
        loop.dataloader._iterator._shutdown_workers()
