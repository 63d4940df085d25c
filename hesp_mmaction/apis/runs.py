"""Runs splits, tasks and ablations: flags, runs and results.

``tools/run_splits.py``, ``run_protocol.py`` and ``run_ablation.py`` choose the configs and print
the results. All other steps are here.
"""
import argparse
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from mmengine.config import Config

from ..datasets.emotions import use
from ..datasets.splits import num_splits, opennesses, read_known_sets
from ..errors import InputError
from ..files import whole, write_json
from .configs import KeyValue, load_config, our_config
from .emotion_wiring import vocabulary_of
from .parallel import run_on_cluster, run_side_by_side
from .protocol import check_runs, run_split
from .report import Results
from .tasks import TASKS, find_task, has_folds

Runs = dict[str, list[dict[str, Any]]]


def add_flags(parser: argparse.ArgumentParser, out: str | None = 'work_dirs') -> None:
    """Add the flags of every tool that runs splits.

    Args:
        parser (argparse.ArgumentParser): the parser of the tool.
        out (str | None): the default of ``--out``. With None the flag is required. Defaults to
            ``'work_dirs'``.
    """
    add = parser.add_argument
    add('--task', help=f'put the methods on the data of a task: {", ".join(TASKS)}; default: the '
        'data of each config')
    add('--openness', nargs='+', metavar='KNOWN:UNKNOWN', help='one, several or all; default: all '
        'of --task, without it the one that the config names')
    add('--splits', nargs='+', metavar='N', help='numbers of published splits, of sets in '
        '--known-sets, or of the folds of a closed set; default: all')
    add('--known-sets', metavar='FILE', help='known sets of your own in place of the published '
        'splits: a line is a set, such as "anger, fear"')
    add('--out', default=out, required=out is None, type=os.path.expanduser, metavar='DIR',
        help='folder of the results' + (f' (default: {out})' if out else ''))
    add('--work-dir', dest='out', default=argparse.SUPPRESS, type=os.path.expanduser,
        help=argparse.SUPPRESS)  # an older name
    add('--fresh', action='store_true', help='run everything anew, such as after a change of your '
        'code; default: finished runs of an earlier call with the same settings are taken over')
    add('--resume', action='store_true', help=argparse.SUPPRESS)  # the default, once a flag
    add('--jobs', type=int, default=1, metavar='N', help='runs side by side on this machine, its '
        'GPUs dealt out in turn')
    add('--cluster', choices=['slurm', 'local'], help='submit every run through submitit')
    add('--cluster-options', nargs='+', action=KeyValue, default={}, metavar='KEY=VALUE',
        help="submitit's, such as slurm_partition=gpu timeout_min=240")
    add('--cfg-options', nargs='+', action=KeyValue, default={}, metavar='KEY=VALUE',
        help='overrides, for all runs')


def find_methods(configs: Sequence[str]) -> dict[str, str]:
    """Name the methods of a command line.

    Args:
        configs (Sequence[str]): paths of configs, or ``['all']``: every method of
            ``model-index.yml``.

    Returns:
        dict[str, str]: the path of each config, by the name of its file.

    Raises:
        InputError: two configs have the same name.
    """
    if list(configs) == ['all']:
        root = Path(our_config('hesp_afew_o34.py')).parents[1]
        index = yaml.safe_load((root / 'model-index.yml').read_text(encoding='utf-8'))
        models = [model for metafile in index['Import'] for model in yaml.safe_load(
            (root / metafile).read_text(encoding='utf-8'))['Models']]
        configs = [str(root / model['Config']) for model in models
                   if model['Config'].endswith('_afew_o34.py')]  # without those of other data
    found: dict[str, str] = {}
    for config in configs:
        if Path(config).stem in found:
            raise InputError(f'{found[Path(config).stem]} and {config} have the same name, and '
                             'results are kept by name: rename one of them')
        found[Path(config).stem] = config
    return found


def list_runs(config: str, name: str, args: argparse.Namespace,
              cfg_options: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """List the runs of one method, by openness and split.

    Args:
        config (str): the path of the config.
        name (str): the name of the method, which is also the folder of its runs below ``args.out``.
        args (argparse.Namespace): the parsed flags of ``add_flags``.
        cfg_options (dict, optional): settings in place of ``args.cfg_options``. Defaults to None.

    Returns:
        list[dict]: for each run, the arguments of ``protocol.run_split``. The folders are called
        ``split0``, or ``o52_split0`` if the flags name a task or opennesses, or ``known_split0``.

    Raises:
        InputError: a split, an openness, a set or a task does not exist. The message lists those
            that do.
    """
    options = args.cfg_options if cfg_options is None else cfg_options
    common = dict(config=config, resume=not args.fresh, cfg_options=options)
    if args.task:
        common['task'] = args.task
        find_task(args.task)
    place = Path(args.out) / name
    if args.known_sets:
        if args.openness:
            raise InputError('give --known-sets or --openness, not both: a set has its own '
                             'openness')
        own = load_config(config).get('emotions')
        use(vocabulary_of((options or {}).get('emotions', own)))
        sets = read_known_sets(args.known_sets)
        return [dict(common, split=n, known=sets[n], work_dir=str(place / f'known_split{n}'))
                for n in _numbers(args.splits, range(len(sets)))]
    runs = []
    for openness, there_are in _cases(config, args):
        prefix = f'o{openness.replace(":", "")}_' if openness else ''
        more = dict(common, openness=openness) if openness else common
        runs += [dict(more, split=n, work_dir=str(place / f'{prefix}split{n}'))
                 for n in _numbers(args.splits, there_are)]
    return runs


def _cases(config: str, args: argparse.Namespace) -> list[tuple[str | None, range]]:
    """Opennesses with the numbers of their splits. None stands for the openness of the config."""
    cfg = load_config(config)
    if args.task:
        data_set = find_task(args.task).splits_of
        wanted = _chosen(args.openness or ['all'], opennesses(data_set), '--openness')
    elif 'protocol' not in cfg:
        return [(None, _folds(cfg, args.openness))]
    elif args.openness:
        data_set = cfg.protocol.dataset
        wanted = _chosen(args.openness, opennesses(data_set), '--openness')
    else:
        return [(None, range(num_splits(cfg.protocol.dataset, cfg.protocol.openness)))]
    return [(openness, range(num_splits(data_set, openness))) for openness in wanted]


def _folds(cfg: Config, openness: Sequence[str] | None) -> range:
    """The folds of a closed set."""
    name = Path(cfg.filename).name
    if openness:
        raise InputError(f'{name} has no `protocol`, so it has no --openness: name the data '
                         'with --task')
    if not has_folds(cfg):
        raise InputError(f'{name} has neither published splits nor folds: name the data with '
                         '--task or your own sets with --known-sets, or use tools/train.py')
    return range(1, 6)


def _numbers(given: Sequence[str] | None, there_are: Iterable[int]) -> list[int]:
    return [int(n) for n in _chosen(given or ['all'], [str(n) for n in there_are], '--splits')]


def _chosen(given: Sequence[str], there_are: Sequence[str], flag: str) -> list[str]:
    """The values of a flag; ``['all']`` stands for every value."""
    if list(given) == ['all']:
        return list(there_are)
    wrong = sorted(set(given) - set(there_are))
    if wrong:
        raise InputError(f'{flag} {" ".join(wrong)}: one of {", ".join(there_are)}, or all')
    return list(given)


def run_all(runs: Runs, args: argparse.Namespace,
            run_one: Callable[..., dict[str, Any]] = run_split) -> Runs:
    """Check the inputs of every run, then run them as the flags say.

    Args:
        runs (dict[str, list[dict]]): for each method, the arguments of ``protocol.run_split``.
            Entries with the same work dir are one run.
        args (argparse.Namespace): the parsed flags of ``add_flags``.
        run_one (Callable): makes one run. Defaults to ``protocol.run_split``.

    Returns:
        dict[str, list[dict]]: the results, with the same names and in the same order.

    Raises:
        InputError: an input cannot be used, see ``protocol.check_runs``. Raised before the first
            run.
    """
    unique = {run['work_dir']: run for group in runs.values() for run in group}
    jobs = list(unique.values())
    check_runs(jobs)
    begin = time.time()
    if args.cluster:
        results = run_on_cluster(run_one, jobs, str(Path(args.out) / 'submitit'), args.cluster,
                                 **args.cluster_options)
    else:
        results = run_side_by_side(run_one, jobs, args.jobs)
    records = [Path(folder) / 'split.json' for folder in unique]
    taken = sum(path.exists() and path.stat().st_mtime < begin for path in records)
    if taken:
        print(f'{taken} of {len(jobs)} runs were done by an earlier call and are taken over; '
              '--fresh runs them again')
    found = dict(zip(unique, results, strict=True))
    return {name: [found[run['work_dir']] for run in group] for name, group in runs.items()}


def write_results(results: Results | Mapping[str, Any], out: str | Path, name: str,
                  texts: Mapping[str, str]) -> None:
    """Write results and their tables, and print the tables in Markdown.

    Args:
        results (dict): the results, written as JSON.
        out (str | Path): the folder of the files.
        name (str): the name of the JSON file, without its suffix.
        texts (dict[str, str]): the contents of the other files, by file name.
    """
    write_json(results, Path(out) / f'{name}.json')
    for file_name, text in texts.items():
        with whole(Path(out) / file_name) as file:
            file.write(text.rstrip('\n') + '\n')
    print('\n\n'.join(text.rstrip('\n') for file_name, text in texts.items()
                      if file_name.endswith('.md')))
