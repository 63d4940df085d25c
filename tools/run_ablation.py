"""Run a named ablation on the published splits and print its table.

    python tools/run_ablation.py table5 --cfg-options data_root=data/AFEW

The names are those of the files in configs/ablations/. Ablations that share a folder of results
also share equal runs: each is trained once. A second call with the same arguments keeps finished
runs and does the rest. OUT holds NAME.json, NAME.md and a folder per run.
"""
import argparse

from hesp_mmaction.apis.ablations import ablation_runs, read_ablation
from hesp_mmaction.apis.report import summary
from hesp_mmaction.apis.running import run_tool
from hesp_mmaction.apis.runs import add_flags, run_all, write_results


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('name', help='of a file in configs/ablations: table5, table6, fig3a, '
                        'fig3b, fig3c, parts, switches, defaults, visual_prompt, dfer_clip (whose '
                        'splits are folds, 1 to 5)')
    parser.add_argument('--config', help='what the rows change: a file, or the name of one of ours '
                        '(default: the one that the ablation names, or hesp_afew_o34.py)')
    parser.add_argument('--rows', nargs='+', help='only the rows of these names')
    add_flags(parser)
    args = parser.parse_args()
    results = run_all(ablation_runs(args.name, args, args.config, args.rows), args)
    text = summary(results)
    published = read_ablation(args.name).get('published')
    if published:
        text += f'\n\npublished: {published}'
    write_results(results, args.out, args.name, {f'{args.name}.md': text})


if __name__ == '__main__':
    run_tool(main)
