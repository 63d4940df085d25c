"""Draw the scores and the curves of an evaluation, or the curves of several together.

    python tools/analysis/plot_open_set.py WORK_DIR
    python tools/analysis/plot_open_set.py WORK_DIR OTHER_WORK_DIR --out DIR
"""
import argparse
from pathlib import Path

from hesp_mmaction.apis.results import read_metrics, read_run, run_names
from hesp_mmaction.apis.running import run_tool
from hesp_mmaction.errors import InputError
from hesp_mmaction.visualization import draw_oscr, draw_roc, save, save_figures
from hesp_mmaction.visualization.figures import parts


def drawable(runs):
    """Choose the runs that have curves. The others are printed with the reason.

    Args:
        runs (dict[str, dict]): the raw material of each run, by name.

    Returns:
        dict[str, dict]: those that can be drawn.

    Raises:
        InputError: no run has curves.
    """
    found = {}
    for name, dump in runs.items():
        try:
            parts(dump)
            found[name] = dump
        except InputError as error:
            print(f'{name} is left out: {error}')
    if not found:
        raise InputError('none of these runs has curves')
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('work_dirs', nargs='+', help='folders with predictions.npz, metrics.json')
    parser.add_argument('--out', help='folder of the figures; default: the first work dir')
    args = parser.parse_args()
    out = Path(args.out or args.work_dirs[0])
    if len(args.work_dirs) == 1:
        folder = Path(args.work_dirs[0])
        dump = read_run(folder)
        paths = save_figures(dump, out, read_metrics(folder).get('threshold'))
    else:
        runs = drawable(dict(zip(run_names(args.work_dirs), map(read_run, args.work_dirs),
                                 strict=True)))
        paths = save(dict(roc_together=draw_roc(runs), oscr_together=draw_oscr(runs)), out)
    print('\n'.join(paths))


if __name__ == '__main__':
    run_tool(main)
