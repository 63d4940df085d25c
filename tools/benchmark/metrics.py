"""Seconds of AUROC and OSCR over many scores, against scikit-learn's AUROC.

    python tools/benchmark/metrics.py --samples 1000000

``ratio`` is our AUROC and OSCR together over scikit-learn's AUROC alone.
"""
import argparse

import numpy as np
from common import interleaved, last_line
from sklearn.metrics import roc_auc_score

from hesp_mmaction.evaluation import auroc, oscr


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--samples', type=int, default=1_000_000)
    parser.add_argument('--repeats', type=int, default=5)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    half = args.samples // 2
    known, unknown = rng.normal(1, 1, half), rng.normal(0, 1, args.samples - half)
    correct = rng.random(half) < 0.8
    labels = np.repeat([1, 0], [half, args.samples - half])
    scores = np.concatenate([known, unknown])

    def ours():
        auroc(known, unknown)
        oscr(known, correct, unknown)

    seconds = interleaved(dict(ours=ours, theirs=lambda: roc_auc_score(labels, scores)),
                          args.repeats)
    last_line(ratio=seconds['ours'] / seconds['theirs'], **seconds, samples=args.samples)


if __name__ == '__main__':
    main()
