"""The published protocol: one training and test per split, the mean reported."""
import gc
import json
import statistics
import time
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner, find_latest_checkpoint

from .wiring import override

COLUMNS = ('AUROC', 'OSCR', 'ACC')


def run_split(config, split, work_dir, cfg_options=None):
    """Train and test one split in ``work_dir``; a config without optimizer is only tested.

    The test builds the model anew from the saved checkpoint.

    Args:
        config (str): path of the config. split (int): 0 to 4. work_dir (Path): may exist.
        cfg_options (dict, optional): overrides, as of ``--cfg-options``.

    Returns:
        dict: what ``metrics.json`` holds, and ``seconds``.
    """
    start = time.time()
    cfg = Config.fromfile(config)
    if cfg.get('optim_wrapper') is None:  # options of training do not concern it
        cfg_options = {key: value for key, value in (cfg_options or {}).items()
                       if not key.startswith(('train_', 'val_', 'optim_', 'param_scheduler'))}
    override(cfg, cfg_options, split=split)
    cfg.work_dir = str(work_dir)
    cfg.log_level = 'WARNING'  # the losses are in the work dir, under vis_data
    name = f'{Path(config).stem}_split{split}_{time.time_ns()}'
    if cfg.get('optim_wrapper') is not None:
        cfg.experiment_name = f'{name}_train'
        training = cfg.copy()  # the one evaluation is the one of the checkpoint, below
        training.val_cfg = training.val_dataloader = training.val_evaluator = None
        _finish(Runner.from_cfg(training), 'train')
        cfg.load_from = find_latest_checkpoint(cfg.work_dir)
    cfg.experiment_name = f'{name}_test'
    _finish(Runner.from_cfg(cfg), 'test')
    metrics = json.loads((Path(work_dir) / 'metrics.json').read_text(encoding='utf-8'))
    return dict(metrics, seconds=time.time() - start)


def _finish(runner, action):
    getattr(runner, action)()
    # Persistent workers left to the garbage collector are waited for five seconds each, because
    # the queue that would tell them to end is collected with them.
    loop = runner.train_loop if action == 'train' else runner.test_loop
    if getattr(loop.dataloader, '_iterator', None) is not None:
        loop.dataloader._iterator._shutdown_workers()
    del loop, runner
    gc.collect()


def table(results):
    """Rows of splits beside each other for every method, and their mean and deviation.

    Args:
        results (dict[str, list[dict]]): metrics per split, for each method.

    Returns:
        str: a table in Markdown.
    """
    methods = list(results)
    head = ['known'] + [f'{m} {c}' for m in methods for c in COLUMNS]
    rows = []
    for metrics in zip(*results.values(), strict=True):
        rows.append([', '.join(metrics[0]['known'])]
                    + [f'{m[c]:.2f}' for m in metrics for c in COLUMNS])
    if len(rows) > 1:
        columns = [[m[c] for m in results[method]] for method in methods for c in COLUMNS]
        rows.append(['mean'] + [f'{statistics.mean(column):.2f}' for column in columns])
        rows.append(['deviation'] + [f'{statistics.stdev(column):.2f}' for column in columns])
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = ['| ' + ' | '.join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + ' |'
             for row in [head, *rows]]
    lines.insert(1, '|' + '|'.join('-' * (w + 2) for w in widths) + '|')
    return '\n'.join(lines)
