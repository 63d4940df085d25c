"""Check the metrics against golden cases.

    python tools/dev/check_metric_cases.py FILE

FILE (.npz) holds for each case the logits `<case>/pk` (N_k, K) and `<case>/pu` (N_u, K), the labels
`<case>/l`, the results of HESP's released code (`official_*`), and the exact values `exact_auroc`
and `exact_oscr`. Prints every difference and exits with 1 if one is above 1e-9.
"""
import argparse
import sys
from pathlib import Path

import numpy as np

from hesp_mmaction.apis.running import run_tool
from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation import auroc, official_detection, official_oscr, oscr


def compare(case):
    """Compare all quantities of a case.

    Args:
        case (dict[str, np.ndarray]): the arrays of the case.

    Yields:
        tuple: the quantity, our value and the golden value, as fractions.
    """
    known, unknown = case['pk'].max(1), case['pu'].max(1)
    correct = case['pk'].argmax(1) == case['l']
    yield 'exact_auroc', auroc(known, unknown), case['exact_auroc']
    yield 'exact_oscr', oscr(known, correct, unknown), case['exact_oscr']
    yield 'official_oscr', official_oscr(known, correct, unknown), case['official_oscr']
    for name, value in official_detection(known, unknown).items():
        yield f'official_{name}', value, case[f'official_{name}'] / 100


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('file', type=Path)
    path = parser.parse_args().file
    if not path.is_file():
        raise InputError(f'there is no file {path}')
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    worst = 0.0
    for name in dict.fromkeys(key.rpartition('/')[0] for key in arrays):
        case = {key.rpartition('/')[2]: value for key, value in arrays.items()
                if key.startswith(f'{name}/')}
        for quantity, ours, golden in compare(case):
            error = abs(ours - float(golden))
            worst = max(worst, error)
            print(f'{name:32} {quantity:16} {error:.1e}{"" if error <= 1e-9 else "  <--"}')
    print(f'largest difference {worst:.1e}')
    sys.exit(worst > 1e-9)


if __name__ == '__main__':
    run_tool(main)
