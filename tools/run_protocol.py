"""A whole task of the paper: train and test methods on every openness and split.

    python tools/run_protocol.py configs/hesp_afew_o34.py --task afew --out work_dirs/afew
    python tools/run_protocol.py all --task afew --openness 3:4 --out work_dirs/all
    python tools/run_protocol.py configs/hesp_afew_o34.py configs/clip_arpl_afew_o34.py \\
        --task mafw --openness 6:5 5:6 --splits 0 1 --jobs 2 --out work_dirs/mafw
    python tools/run_protocol.py configs/hesp_afew_o34.py --task afew --known-sets my_sets.txt \\
        --out work_dirs/mine
    python tools/run_protocol.py all --task afew --openness 3:4 --equal-terms TemporalFilter \\
        --out work_dirs/all
    python tools/run_protocol.py configs/clip_zeroshot_afew_o34.py configs/hesp_afew_o34.py \\
        --task discovery_afew --openness 3:4 --out work_dirs/discovery

A second call with the same arguments continues the first: it keeps finished runs and resumes a
half-finished one from its checkpoint. OUT holds results.json, table.md and table.tex in the paper's
form, methods.md with accuracies, differences and costs, and a folder per run. With --equal-terms it
also holds terms.md, which compares each method as published with the same method on one neck for
all. A task of discovery (docs/discovery.md) leaves results.json and discovery.md.
"""
import argparse
import functools
import sys
from pathlib import Path

from _first_look import first_look

if __name__ == '__main__':
    first_look(sys.argv[1:], configs=None)

from mmengine.config import Config  # noqa: E402

from hesp_mmaction.apis.configs import config_word  # noqa: E402
from hesp_mmaction.apis.discovery import discover_split, discovery_report  # noqa: E402
from hesp_mmaction.apis.equal_terms import equal_runs, terms_table  # noqa: E402
from hesp_mmaction.apis.report import summary  # noqa: E402
from hesp_mmaction.apis.running import run_tool  # noqa: E402
from hesp_mmaction.apis.runs import (  # noqa: E402
    add_flags,
    find_methods,
    list_runs,
    run_all,
    write_results,
)
from hesp_mmaction.apis.task_report import latex_report, markdown_report  # noqa: E402
from hesp_mmaction.apis.tasks import find_task  # noqa: E402
from hesp_mmaction.datasets.feature_file import is_feature_file  # noqa: E402
from hesp_mmaction.errors import InputError  # noqa: E402


def data_and_weights(config, options):
    """Describe the data and the weights of a run, for the tables.

    Args:
        config (mmengine.Config): the config of the run.
        options (dict): the settings of ``--cfg-options``.

    Returns:
        str: a few words.
    """
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
    parser.add_argument('configs', nargs='+', type=config_word,
                        help='one config per method; its data is replaced by that of the task. '
                             'all: every method of model-index.yml')
    add_flags(parser, out=None)
    parser.add_argument('--equal-terms', metavar='NECK', help='run every method a second time with '
                        'this neck over frames, such as TemporalFilter, and compare')
    args = parser.parse_args()
    if not args.task:
        raise InputError('name a task with --task; tools/run_splits.py runs configs on their own '
                         'data')
    methods = find_methods(args.configs)
    own = {name: list_runs(config, name, args) for name, config in methods.items()}
    data = data_and_weights(Config.fromfile(next(iter(methods.values()))), args.cfg_options)
    if find_task(args.task).discovery:
        if args.equal_terms:
            raise InputError('--equal-terms is of open-set tasks: for discovery name the neck with '
                             '--cfg-options neck=NAME')
        results = run_all(own, args, discover_split)
        write_results(dict(task=args.task, data=data, results=results), args.out, 'results',
                      {'discovery.md': discovery_report(results, args.task, data)})
        return
    equal = equal_runs(own, args.equal_terms) if args.equal_terms else {}
    results = run_all(own | equal, args)
    title = args.task  # by which the paper's figures are found
    if args.known_sets:
        title += f', known sets of {Path(args.known_sets).name}'
    texts = {'table.md': markdown_report(results, title, data), 'methods.md': summary(results),
             'table.tex': latex_report(results, title, data)}
    if args.equal_terms:
        texts['terms.md'] = terms_table({name: results[name] for name in own}, {
            name.removesuffix(f'_{args.equal_terms}'): results[name] for name in equal})
    write_results(dict(task=args.task, data=data, results=results), args.out, 'results', texts)


if __name__ == '__main__':
    run_tool(main)
