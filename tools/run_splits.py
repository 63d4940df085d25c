"""Train and test configs on the published splits and print one table.

    python tools/run_splits.py configs/hesp_synthetic_o34.py configs/clip_zeroshot_afew_o34.py
    python tools/run_splits.py configs/hesp_afew_o34.py --openness 5:2 4:3 3:4 2:5
    python tools/run_splits.py configs/hesp_afew_o34.py --known-sets my_sets.txt

A second call with the same arguments keeps finished runs and does the rest. OUT holds splits.json,
splits.md and a folder per run.
"""
import argparse
import sys

from _first_look import first_look

if __name__ == '__main__':
    first_look(sys.argv[1:], configs=None)

from hesp_mmaction.apis.configs import config_word  # noqa: E402
from hesp_mmaction.apis.report import summary, table  # noqa: E402
from hesp_mmaction.apis.running import run_tool  # noqa: E402
from hesp_mmaction.apis.runs import (  # noqa: E402
    add_flags,
    find_methods,
    list_runs,
    run_all,
    write_results,
)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('configs', nargs='+', type=config_word, help='one config per method. all: '
                        'every method of model-index.yml')
    add_flags(parser)
    args = parser.parse_args()
    results = run_all({name: list_runs(config, name, args)
                       for name, config in find_methods(args.configs).items()}, args)
    write_results(results, args.out, 'splits',
                  {'splits.md': f'{table(results)}\n\n{summary(results)}'})


if __name__ == '__main__':
    run_tool(main)
