"""Draw the figures of an evaluation: python tools/analysis/plot_open_set.py WORK_DIR [--out DIR]"""
import argparse
import json
from pathlib import Path

from hesp_mmaction.apis.running import main
from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation import load_dump
from hesp_mmaction.visualization import save_figures


def plot():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('work_dir', help='folder with predictions.npz and metrics.json')
    parser.add_argument('--out', help='folder of the figures; default: the work dir')
    args = parser.parse_args()
    folder = Path(args.work_dir)
    if not (folder / 'predictions.npz').is_file():
        raise InputError(f'{folder} has no predictions.npz: train or test into that work dir first')
    threshold = json.loads((folder / 'metrics.json').read_text(encoding='utf-8'))['threshold']
    for path in save_figures(load_dump(folder / 'predictions.npz'), args.out or folder, threshold):
        print(path)


if __name__ == '__main__':
    main(plot)
