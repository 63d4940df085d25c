"""The published protocol: one training and test per split, means and deviations reported."""
import gc
import hashlib
import json
import statistics
import time
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner, find_latest_checkpoint

from ..engine.hooks.results_hook import write_json
from .tasks import find_task, set_task
from .wiring import override

COLUMNS = ('AUROC', 'OSCR', 'ACC')


def run_split(config, split, work_dir, cfg_options=None, openness=None, resume=False, task=None):
    """Train and test one split in ``work_dir``; a config without optimizer is only tested.

    The test builds the model anew from the saved checkpoint.

    Args:
        config (str): path of the config. split (int): 0 to 4. work_dir (Path): may exist.
        cfg_options (dict, optional): overrides, as of ``--cfg-options``.
        openness (str, optional): such as ``'5:2'``; by default the config's own.
        resume (bool): what an earlier call with the very same settings left in ``work_dir`` is
            taken over: its result, or the checkpoint it had come to.
        task (str, optional): put the config on the data of this task (:mod:`.tasks`).

    Returns:
        dict: what ``metrics.json`` holds, ``split``, ``protocol`` (the openness) and ``seconds``.
    """
    start = time.time()
    cfg = Config.fromfile(config)
    if cfg.get('optim_wrapper') is None:  # options of training do not concern it
        cfg_options = {key: value for key, value in (cfg_options or {}).items()
                       if not key.startswith(('train_', 'val_', 'optim_', 'param_scheduler'))}
    if task is not None:
        set_task(cfg, find_task(task))
    override(cfg, cfg_options, split=split, openness=openness)
    settings = hashlib.sha256(json.dumps(cfg.to_dict(), default=str).encode()).hexdigest()
    record, begun = Path(work_dir) / 'split.json', Path(work_dir) / 'settings.json'
    if resume and record.exists():
        found = json.loads(record.read_text(encoding='utf-8'))
        if found['settings'] == settings:
            return found
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
        _finish(Runner.from_cfg(training), 'train')
        cfg.load_from = find_latest_checkpoint(cfg.work_dir)
    cfg.experiment_name = f'{name}_test'
    _finish(Runner.from_cfg(cfg), 'test')
    metrics = json.loads((Path(work_dir) / 'metrics.json').read_text(encoding='utf-8'))
    result = dict(metrics, split=split, protocol=openness or cfg.protocol.openness,
                  seconds=time.time() - start, settings=settings)
    write_json(result, record)
    return result


def _finish(runner, action):
    getattr(runner, action)()
    # Persistent workers left to the garbage collector are waited for five seconds each, because
    # the queue that would tell them to end is collected with them.
    loop = runner.train_loop if action == 'train' else runner.test_loop
    if getattr(loop.dataloader, '_iterator', None) is not None:
        loop.dataloader._iterator._shutdown_workers()
    del loop, runner
    gc.collect()


def markdown(rows):
    """Rows of cells, the first of them the head, to a table in Markdown."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ['| ' + ' | '.join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + ' |'
             for row in rows]
    lines.insert(1, '|' + '|'.join('-' * (w + 2) for w in widths) + '|')
    return '\n'.join(lines)


def table(results):
    """Rows of splits beside each other for every method, and their mean and deviation.

    Args:
        results (dict[str, list[dict]]): metrics per split, for each method.

    Returns:
        str: a table in Markdown.
    """
    methods = list(results)
    rows = [['known'] + [f'{m} {c}' for m in methods for c in COLUMNS]]
    for metrics in zip(*results.values(), strict=True):
        rows.append([', '.join(metrics[0]['known'])]
                    + [f'{m[c]:.2f}' for m in metrics for c in COLUMNS])
    if len(rows) > 2:
        columns = [[m[c] for m in results[method]] for method in methods for c in COLUMNS]
        rows.append(['mean'] + [f'{statistics.mean(column):.2f}' for column in columns])
        rows.append(['deviation'] + [f'{statistics.stdev(column):.2f}' for column in columns])
    return markdown(rows)


def summary(results):
    """One row per method: mean and standard deviation over the splits, of each openness and of all.

    The last columns compare with the first method, split by split: mean difference and its
    standard error.

    Args:
        results (dict[str, list[dict]]): metrics per split, for each method.

    Returns:
        str: a table in Markdown.
    """
    first, *_ = results.values()
    opennesses = list(dict.fromkeys(m['protocol'] for m in first))
    groups = [[o] for o in opennesses] + ([opennesses] if len(opennesses) > 1 else [])
    rows = [['method']
            + [f'O({" ".join(g)}) {c}' if len(g) == 1 else f'all {c}'
               for g in groups for c in COLUMNS]
            + [f'{c} difference' for c in COLUMNS[:2]] + ['seconds']]
    for method, metrics in results.items():
        cells = [[m[c] for m in metrics if m['protocol'] in g] for g in groups for c in COLUMNS]
        differences = [[a[c] - b[c] for a, b in zip(metrics, first, strict=True)]
                       for c in COLUMNS[:2]]
        rows.append([method, *map(mean_and_deviation, cells),
                     *([''] * 2 if metrics is first else map(mean_and_error, differences)),
                     f'{statistics.mean(m["seconds"] for m in metrics):.0f}'])
    return markdown(rows)


def mean_and_deviation(values):
    """Numbers to ``'mean +- standard deviation'``; the deviation needs two."""
    spread = f' +- {statistics.stdev(values):.1f}' if len(values) > 1 else ''
    return f'{statistics.mean(values):.1f}{spread}'


def mean_and_error(values):
    """Numbers to ``'mean (standard error of the mean)'``; the error needs two."""
    error = f' ({statistics.stdev(values) / len(values) ** 0.5:.1f})' if len(values) > 1 else ''
    return f'{statistics.mean(values):+.1f}{error}'
