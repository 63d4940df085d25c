"""Draw the scores and the curves of an evaluation, or the curves of several together.

    python tools/analysis/plot_open_set.py WORK_DIR
    python tools/analysis/plot_open_set.py WORK_DIR OTHER_WORK_DIR --out DIR
"""
import argparse
import json
from pathlib import Path

from hesp_mmaction.apis.running import main
from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation import load_dump
from hesp_mmaction.evaluation.finite import check_finite
from hesp_mmaction.visualization import draw_oscr, draw_roc, save, save_figures
from hesp_mmaction.visualization.figures import parts


def read_run(folder):
    """Raw material of the evaluation in a work dir."""
    path = Path(folder) / 'predictions.npz'
    if not path.is_file():
        raise InputError(f'{folder} has no predictions.npz: train or test into that work dir first')
    return load_dump(path)


def read_metrics(folder):
    """What ``metrics.json`` in a work dir holds (dict)."""
    path = Path(folder) / 'metrics.json'
    if not path.is_file():
        check_finite(read_run(folder))  # why a run ends with predictions and without figures
        raise InputError(f'{folder} has no metrics.json: train or test into that work dir first')
    return json.loads(path.read_text(encoding='utf-8'))


def run_names(folders):
    """A name for each work dir: the shortest ends of their paths that differ."""
    paths = [Path(folder).resolve().parts for folder in folders]
    for length in range(1, max(map(len, paths)) + 1):
        names = ['/'.join(path[-length:]) for path in paths]
        if len(set(names)) == len(names):
            return names
    raise InputError(f'the same work dir twice: {" ".join(map(str, folders))}')


def drawable(runs):
    """The runs (dict of a name to raw material) that have curves; the others are named.

    Raises:
        InputError: there is none.
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


def plot():
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
    main(plot)
