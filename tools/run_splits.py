"""Train and test configs on the published splits and print one table.

    python tools/run_splits.py configs/hesp_synthetic_o34.py configs/clip_zeroshot_afew_o34.py
    python tools/run_splits.py configs/hesp_afew_o34.py --openness 5:2 4:3 3:4 2:5
    python tools/run_splits.py configs/hesp_afew_o34.py --known-sets my_sets.txt
"""
import argparse
import os
import sys
from pathlib import Path

from _first_look import first_look

if __name__ == '__main__':
    first_look(sys.argv[1:], configs=None)

from hesp_mmaction.apis.configs import KeyValue  # noqa: E402
from hesp_mmaction.apis.parallel import run_side_by_side  # noqa: E402
from hesp_mmaction.apis.protocol import check_runs, run_split  # noqa: E402
from hesp_mmaction.apis.report import summary, table  # noqa: E402
from hesp_mmaction.apis.running import run_tool  # noqa: E402
from hesp_mmaction.apis.tasks import find_config  # noqa: E402
from hesp_mmaction.datasets.splits import read_known_sets  # noqa: E402
from hesp_mmaction.errors import InputError  # noqa: E402
from hesp_mmaction.files import whole, write_json  # noqa: E402


def add_flags(parser):
    """The flags of every tool that runs splits."""
    parser.add_argument('--splits', nargs='+', type=int, metavar='N',
                        help='numbers of published splits, or of sets in FILE; default: 0 to 4, or '
                             'all sets')
    parser.add_argument('--known-sets', metavar='FILE', help='known sets of your own in place of '
                        'the published splits: a line is a set, such as "anger, fear"')
    parser.add_argument('--openness', nargs='+', metavar='KNOWN:UNKNOWN', default=[None],
                        help='one or several; default: the one that the config names')
    parser.add_argument('--work-dir', default='work_dirs', type=os.path.expanduser,
                        help='folder of the results')
    parser.add_argument('--resume', action='store_true',
                        help='take over the splits that an earlier call, cut off, has finished')
    parser.add_argument('--jobs', type=int, default=1, help='runs side by side on this machine, '
                        'its GPUs dealt out in turn')
    parser.add_argument('--cfg-options', nargs='+', action=KeyValue,
                        help='overrides, for all runs')


def list_runs(config, name, args, cfg_options):
    """Arguments of :func:`run_split` for every split of every openness of a config."""
    if args.known_sets and args.openness != [None]:
        raise InputError('give --known-sets or --openness, not both: a set has its own openness')
    sets = read_known_sets(args.known_sets) if args.known_sets else None
    splits = args.splits or (range(5) if sets is None else range(len(sets)))
    if sets is not None and not set(splits) <= set(range(len(sets))):
        raise InputError(f'--splits {" ".join(map(str, splits))}: {args.known_sets} has the sets '
                         f'0 to {len(sets) - 1}')
    runs = []
    for openness in args.openness:
        folder = name if openness is None else f'{name}_o{openness.replace(":", "")}'
        for split in splits:
            runs.append(dict(
                config=config, split=split, cfg_options=cfg_options, openness=openness,
                resume=args.resume, work_dir=Path(args.work_dir) / folder / f'split{split}'))
            if sets is not None:
                runs[-1].update(known=sets[split],
                                work_dir=Path(args.work_dir) / f'{name}_known' / f'split{split}')
    return runs


def run_all(runs, jobs):
    """Every run of several methods, as many side by side as ``--jobs`` says.

    Args:
        runs (dict[str, list[dict]]): arguments of :func:`run_split`, by the name of the method. A
            work dir that occurs twice is one run.
        jobs (int): runs side by side.

    Returns:
        dict[str, list[dict]]: results, by the same names and in the same order.
    """
    unique = {run['work_dir']: run for group in runs.values() for run in group}
    found = dict(zip(unique, run_side_by_side(run_split, list(unique.values()), jobs),
                     strict=True))
    return {name: [found[run['work_dir']] for run in group] for name, group in runs.items()}


def report(results, args, file_name, text):
    """Keep the results and their table in the work dir, and print the table."""
    folder = Path(args.work_dir)
    write_json(results, folder / f'{file_name}.json')
    with whole(folder / f'{file_name}.md') as file:
        file.write(text + '\n')
    print(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('configs', nargs='+', type=find_config, help='one config file per method')
    add_flags(parser)
    args = parser.parse_args()
    runs = {Path(config).stem: list_runs(config, Path(config).stem, args, args.cfg_options)
            for config in args.configs}
    check_runs([run for group in runs.values() for run in group])
    results = run_all(runs, args.jobs)
    report(results, args, 'splits', f'{table(results)}\n\n{summary(results)}')


if __name__ == '__main__':
    run_tool(main)
