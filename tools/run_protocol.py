"""A whole task of the paper: train and test methods on every openness and split.

    python tools/run_protocol.py configs/hesp_afew_o34.py --task afew --out work_dirs/afew
    python tools/run_protocol.py all --task afew --openness 3:4 --out work_dirs/all
    python tools/run_protocol.py configs/hesp_afew_o34.py configs/clip_arpl_afew_o34.py \\
        --task mafw --openness 6:5 5:6 --splits 0 1 --jobs 2 --out work_dirs/mafw
    python tools/run_protocol.py configs/hesp_afew_o34.py --task afew --known-sets my_sets.txt \\
        --out work_dirs/mine
    python tools/run_protocol.py all --task afew --openness 3:4 --equal-terms TemporalFilter \\
        --out work_dirs/all

A second call with the same arguments goes on where the first was cut off: finished runs are
taken over, a half-finished one is resumed from its checkpoint. OUT holds results.json, table.md
and table.tex in the paper's form, methods.md with accuracies and costs, and a folder per run; with
--equal-terms also terms.md, every method as published beside the same with one neck for all.
"""
import argparse
import functools
import os
import sys
from pathlib import Path

from _first_look import first_look

if __name__ == '__main__':
    first_look(sys.argv[1:], configs=None)

import yaml  # noqa: E402
from mmengine.config import Config  # noqa: E402

from hesp_mmaction.apis.configs import KeyValue, load_config  # noqa: E402
from hesp_mmaction.apis.equal_terms import refusal, terms_table  # noqa: E402
from hesp_mmaction.apis.parallel import run_on_cluster, run_side_by_side  # noqa: E402
from hesp_mmaction.apis.protocol import check_runs, run_split  # noqa: E402
from hesp_mmaction.apis.report import latex_report, markdown_report, methods_table  # noqa: E402
from hesp_mmaction.apis.running import run_tool  # noqa: E402
from hesp_mmaction.apis.tasks import TASKS, find_config, find_task  # noqa: E402
from hesp_mmaction.datasets.feature_file import is_feature_file  # noqa: E402
from hesp_mmaction.datasets.splits import read_known_sets  # noqa: E402
from hesp_mmaction.errors import InputError  # noqa: E402
from hesp_mmaction.files import whole, write_json  # noqa: E402

ROOT = Path(__file__).parents[1]


def chosen(given, there_are, flag):
    """What a flag names, ``['all']`` for everything."""
    if given == ['all']:
        return list(there_are)
    wrong = set(given) - set(there_are)
    if wrong:
        raise InputError(f'{flag} {" ".join(sorted(wrong))}: one of {", ".join(there_are)}, or all')
    return given


def indexed_configs():
    """Configs of all open-set methods of the model index, without those of other data sets."""
    configs = []
    for metafile in yaml.safe_load((ROOT / 'model-index.yml').read_text())['Import']:
        for model in yaml.safe_load((ROOT / metafile).read_text())['Models']:
            if model['Config'].endswith('_afew_o34.py'):
                configs.append(str(ROOT / model['Config']))
    return configs


def list_jobs(args):
    """Arguments of :func:`run_split` for every run, method by method."""
    task = find_task(args.task)
    jobs = []
    if args.known_sets:
        if args.openness != ['all']:
            raise InputError('give --known-sets or --openness, not both: a set has its own '
                             'openness')
        sets = read_known_sets(args.known_sets)
        numbers = chosen(args.splits, [str(n) for n in range(len(sets))], '--splits')
        return [dict(config=config, split=int(n), known=sets[int(n)], task=args.task, resume=True,
                     work_dir=str(Path(args.out) / Path(config).stem / f'known_split{n}'),
                     cfg_options=args.cfg_options) for config in args.configs for n in numbers]
    for config in args.configs:
        for openness in chosen(args.openness, task.opennesses, '--openness'):
            there_are = [str(split) for split in task.splits(openness)]
            for split in chosen(args.splits, there_are, '--splits'):
                place = f'o{openness.replace(":", "")}_split{split}'
                jobs.append(dict(
                    config=config, split=int(split), openness=openness, task=args.task, resume=True,
                    work_dir=str(Path(args.out) / Path(config).stem / place),
                    cfg_options=args.cfg_options))
    return jobs


def equal_jobs(jobs, neck):
    """The same runs with the same neck, in folders of their own; configs that take none are said
    and left out."""
    refused = {job['config']: refusal(load_config(job['config'])) for job in jobs}
    for config, reason in refused.items():
        if reason:
            print(f'{Path(config).stem} runs on its own terms alone: {reason}')
    found = []
    for job in jobs:
        if not refused[job['config']]:
            method, run = Path(job['work_dir']).parent, Path(job['work_dir']).name
            found.append(dict(job, cfg_options=dict(job['cfg_options'], neck=neck),
                              work_dir=f'{method}_{neck}/{run}'))
    return found


def by_method(jobs, found):
    """Results of every method, under the name of its folder."""
    results = {}
    for job, result in zip(jobs, found, strict=True):
        results.setdefault(Path(job['work_dir']).parent.name, []).append(result)
    return results


def data_and_weights(config, options):
    """What the figures of a run are of, for the tables."""
    def value(key):
        return options.get(key) or functools.reduce(
            lambda node, name: (node or {}).get(name), key.split('.'), config)
    features = options.get('features')
    data = features if is_feature_file(features) else value('data_root')
    return (f'data {data}, CLIP {value("clip.arch")} with weights '
            f'{value("clip.pretrained")}')


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('configs', nargs='+', type=find_config,
                        help='one config per method; its data is replaced by that of the task. '
                             'all: every method of model-index.yml')
    parser.add_argument('--task', required=True, help=', '.join(TASKS))
    parser.add_argument('--openness', nargs='+', default=['all'], metavar='KNOWN:UNKNOWN')
    parser.add_argument('--splits', nargs='+', default=['all'], metavar='N')
    parser.add_argument('--known-sets', metavar='FILE', help='known sets of your own in place of '
                        'the published splits: a line is a set, such as "anger, fear"')
    parser.add_argument('--out', required=True, type=os.path.expanduser,
                        help='folder of the results')
    parser.add_argument('--jobs', type=int, default=1, help='runs side by side on this machine, '
                        'its GPUs dealt out in turn')
    parser.add_argument('--cluster', choices=['slurm', 'local'],
                        help='submit every run through submitit')
    parser.add_argument('--cluster-options', nargs='+', action=KeyValue, default={},
                        help="submitit's, such as slurm_partition=gpu timeout_min=240")
    parser.add_argument('--cfg-options', nargs='+', action=KeyValue, default={},
                        help='overrides, for all runs')
    parser.add_argument('--equal-terms', metavar='NECK', help='run every method a second time with '
                        'this neck over frames, such as TemporalFilter, and compare')
    args = parser.parse_args()
    if args.configs == ['all']:
        args.configs = indexed_configs()
    jobs = own = list_jobs(args)
    if args.equal_terms:
        if any(key.split('.')[0] == 'neck' for key in args.cfg_options):
            raise InputError('give --equal-terms or neck, not both: the runs on own terms would '
                             'have that neck, too')
        jobs = own + equal_jobs(own, args.equal_terms)
    check_runs(jobs)
    if args.cluster:
        found = run_on_cluster(run_split, jobs, str(Path(args.out) / 'submitit'), args.cluster,
                               **args.cluster_options)
    else:
        found = run_side_by_side(run_split, jobs, args.jobs)
    found = list(found)
    results = by_method(jobs, found)
    data = data_and_weights(Config.fromfile(args.configs[0]), args.cfg_options)
    out = Path(args.out)
    write_json(dict(task=args.task, data=data, results=results), out / 'results.json')
    title = args.task  # by which the paper's figures are found
    if args.known_sets:
        title += f', known sets of {Path(args.known_sets).name}'
    table, methods = markdown_report(results, title, data), methods_table(results)
    texts = {'table.md': table, 'methods.md': methods + '\n',
             'table.tex': latex_report(results, title, data)}
    if args.equal_terms:
        equal = {name.removesuffix(f'_{args.equal_terms}'): runs
                 for name, runs in by_method(jobs[len(own):], found[len(own):]).items()}
        texts['terms.md'] = terms_table(by_method(own, found[:len(own)]), equal) + '\n'
    for name, text in texts.items():
        with whole(out / name) as file:
            file.write(text)
    print(f'{table}\n{methods}')
    if args.equal_terms:
        print(f'\n{texts["terms.md"]}', end='')


if __name__ == '__main__':
    run_tool(main)
