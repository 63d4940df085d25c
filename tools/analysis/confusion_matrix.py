"""The confusion matrix of an evaluation, with "unknown": a table and a picture.

    python tools/analysis/confusion_matrix.py WORK_DIR [--out confusion.png]
"""
import argparse
from pathlib import Path

from hesp_mmaction.apis.report import markdown
from hesp_mmaction.apis.results import read_run
from hesp_mmaction.apis.running import run_tool
from hesp_mmaction.errors import InputError
from hesp_mmaction.visualization import save
from hesp_mmaction.visualization.confusion import confusion_matrix, draw_confusion


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('work_dir', help='folder with predictions.npz')
    parser.add_argument('--out', help='the picture; default: confusion.png in the work dir')
    args = parser.parse_args()
    dump = read_run(args.work_dir)
    if 'pred_emotion' not in dump:
        raise InputError(f'{args.work_dir} has no decisions: its model has no threshold')
    known = [str(name) for name in dump['classes']]
    rows, columns, counts = confusion_matrix(dump['emotion'].tolist(),
                                             dump['pred_emotion'].tolist(), known)
    print(markdown([['true emotion', *columns]] + [
        [name if name in known else f'{name} (unknown)', *map(str, line)]
        for name, line in zip(rows, counts, strict=True)]))
    out = Path(args.out or Path(args.work_dir) / 'confusion.png').with_suffix('.png')
    figure = draw_confusion(dump['emotion'].tolist(), dump['pred_emotion'].tolist(), known)
    print(*save({out.stem: figure}, str(out.parent)))


if __name__ == '__main__':
    run_tool(main)
