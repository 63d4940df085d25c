"""The published protocol: one training and one test per split."""
import gc
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner, find_latest_checkpoint

from ..datasets.frame_store import INDEX
from ..evaluation.openset_metric import intervals_from_dump, load_dump
from ..files import write_json
from ..models.clip import file_digest
from .tasks import find_task, set_task
from .wiring import override


def run_split(config: str, split: int, work_dir: str | Path, cfg_options: dict | None = None,
              openness: str | None = None, resume: bool = False,
              task: str | None = None) -> dict[str, Any]:
    """Train and test one split in ``work_dir``; a config without optimizer is only tested.

    The test builds the model anew from the saved checkpoint.

    Args:
        config (str): path of the config. split (int): 0 to 4; of a closed set (a config without
            ``protocol``) the fold, 1 to 5. work_dir (Path): may exist.
        cfg_options (dict, optional): overrides, as of ``--cfg-options``.
        openness (str, optional): such as ``'5:2'``; by default the config's own.
        resume (bool): what an earlier call with the very same settings left in ``work_dir`` is
            taken over: its result, or the checkpoint it had come to.
        task (str, optional): put the config on the data of this task (:mod:`.tasks`).

    Returns:
        dict: what ``metrics.json`` holds, ``intervals`` (of
        :func:`.openset_metric.intervals_from_dump`), ``split``, ``protocol`` (the openness),
        ``seconds`` of all and, of a training, ``seconds_per_epoch`` (data and steps; the fit of
        the threshold apart) and ``trainable`` parameters.
    """
    start = time.time()
    cfg = Config.fromfile(config)
    if cfg.get('optim_wrapper') is None:  # options of training do not concern it
        cfg_options = {key: value for key, value in (cfg_options or {}).items()
                       if not key.startswith(('train_', 'val_', 'optim_', 'param_scheduler'))}
    if task is not None:
        set_task(cfg, find_task(task))
    closed_set = 'protocol' not in cfg
    if closed_set:
        override(cfg, dict(cfg_options or {}, fold=split))
    else:
        override(cfg, cfg_options, split=split, openness=openness)
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
    cfg.log_level = 'WARNING'  # the losses are in the work dir, under vis_data
    name = f'{Path(config).stem}_split{split}_{time.time_ns()}'
    if cfg.get('optim_wrapper') is not None:
        cfg.experiment_name = f'{name}_train'
        training = cfg.copy()  # the one evaluation is the one of the checkpoint, below
        training.val_cfg = training.val_dataloader = training.val_evaluator = None
        training.resume = resume and same and (Path(work_dir) / 'last_checkpoint').exists()
        runner = Runner.from_cfg(training)
        runner.train()
        costs = _costs(runner)
        _end_workers(runner.train_loop)
        del runner
        gc.collect()
        cfg.load_from = find_latest_checkpoint(cfg.work_dir)
    cfg.experiment_name = f'{name}_test'
    runner = Runner.from_cfg(cfg)
    runner.test()
    _end_workers(runner.test_loop)
    del runner
    gc.collect()
    metrics = json.loads((Path(work_dir) / 'metrics.json').read_text(encoding='utf-8'))
    result = dict(metrics, **costs, split=split, seconds=time.time() - start, settings=settings)
    if not closed_set:
        result.update(
            intervals=intervals_from_dump(load_dump(Path(work_dir) / 'predictions.npz')),
            protocol=openness or cfg.protocol.openness)
    write_json(result, record)
    return result


def digest_of(cfg: Config) -> str:
    """What tells the settings of a run from others: a config, and the files it names.

    Weights, lists and stores are read for it: another file under the same name is another
    setting. Of a store it is the index.

    Args:
        cfg (mmengine.Config): of a run.

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
    """All texts in nested dicts and sequences, keys apart."""
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
