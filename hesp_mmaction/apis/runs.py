"""The one runner of splits, tasks and ablations: flags, runs, results.

``tools/run_splits.py``, ``run_protocol.py`` and ``run_ablation.py`` say which configs run and what
is printed of the results; everything between is here.
"""
import argparse
import os
import time
from collections.abc import Iterable, Mapping, Sequence
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
        parser (argparse.ArgumentParser): of the tool.
        out (str, optional): default of ``--out``; with None it has to be given. Defaults to
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
        dict[str, str]: paths by the names of their files.

    Raises:
        InputError: two configs have one name.
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
            raise InputError(f'{found[Path(config).stem]} and {config} have one name, and results '
                             'are kept by name: rename one of them')
        found[Path(config).stem] = config
    return found


def list_runs(config: str, name: str, args: argparse.Namespace,
              cfg_options: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """List the runs of one method, split by split and openness by openness.

    Args:
        config (str): path of the config.
        name (str): of the method, the folder of its runs below ``args.out``.
        args (argparse.Namespace): of the flags of :func:`add_flags`.
        cfg_options (dict, optional): in place of ``args.cfg_options``. Defaults to None.

    Returns:
        list[dict]: arguments of :func:`.protocol.run_split`. Their folders are called
        ``split0``, ``o52_split0`` where a task or opennesses are named, or ``known_split0``.

    Raises:
        InputError: a split, an openness, a set or a task that does not exist; the message lists
            what there is.
    """
    common = dict(config=config, resume=not args.fresh,
                  cfg_options=args.cfg_options if cfg_options is None else cfg_options)
    if args.task:
        common['task'] = args.task
        find_task(args.task)
    place = Path(args.out) / name
    if args.known_sets:
        if args.openness:
            raise InputError('give --known-sets or --openness, not both: a set has its own '
                             'openness')
        options = common['cfg_options'] or {}
        use(vocabulary_of(options.get('emotions', load_config(config).get('emotions'))))
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
    """Opennesses, None for the config's own, each with the numbers of its splits."""
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
        raise InputError(f'{name} has no `protocol`, so --openness means nothing: name the data '
                         'with --task')
    if not has_folds(cfg):
        raise InputError(f'{name} has neither published splits nor folds: name the data with '
                         '--task or your own sets with --known-sets, or use tools/train.py')
    return range(1, 6)


def _numbers(given: Sequence[str] | None, there_are: Iterable[int]) -> list[int]:
    return [int(n) for n in _chosen(given or ['all'], [str(n) for n in there_are], '--splits')]


def _chosen(given: Sequence[str], there_are: Sequence[str], flag: str) -> list[str]:
    """What a flag names, ``['all']`` for everything."""
    if list(given) == ['all']:
        return list(there_are)
    wrong = sorted(set(given) - set(there_are))
    if wrong:
        raise InputError(f'{flag} {" ".join(wrong)}: one of {", ".join(there_are)}, or all')
    return list(given)


def run_all(runs: Runs, args: argparse.Namespace) -> Runs:
    """Look at the inputs of every run, then run them where the flags say.

    Args:
        runs (dict[str, list[dict]]): arguments of :func:`.protocol.run_split`, by the name of the
            method. A work dir that occurs twice is one run.
        args (argparse.Namespace): of the flags of :func:`add_flags`.

    Returns:
        dict[str, list[dict]]: results, by the same names and in the same order.

    Raises:
        InputError: of :func:`.protocol.check_runs`, before the first run.
    """
    unique = {run['work_dir']: run for group in runs.values() for run in group}
    jobs = list(unique.values())
    check_runs(jobs)
    begin = time.time()
    if args.cluster:
        results = run_on_cluster(run_split, jobs, str(Path(args.out) / 'submitit'), args.cluster,
                                 **args.cluster_options)
    else:
        results = run_side_by_side(run_split, jobs, args.jobs)
    records = [Path(folder) / 'split.json' for folder in unique]
    taken = sum(path.exists() and path.stat().st_mtime < begin for path in records)
    if taken:
        print(f'{taken} of {len(jobs)} runs were done by an earlier call and are taken over; '
              '--fresh runs them again')
    found = dict(zip(unique, results, strict=True))
    return {name: [found[run['work_dir']] for run in group] for name, group in runs.items()}


def write_results(results: Results | Mapping[str, Any], out: str | Path, name: str,
                  texts: Mapping[str, str]) -> None:
    """Keep results and their tables, and print the tables in Markdown.

    Args:
        results (dict): written as JSON.
        out (str or Path): folder of the files.
        name (str): of the JSON file, without its suffix.
        texts (dict[str, str]): contents of the other files, by their names.
    """
    write_json(results, Path(out) / f'{name}.json')
    for file_name, text in texts.items():
        with whole(Path(out) / file_name) as file:
            file.write(text.rstrip('\n') + '\n')
    print('\n\n'.join(text.rstrip('\n') for file_name, text in texts.items()
                      if file_name.endswith('.md')))
