"""Every score of a test run, without a forward pass:

    python tools/analysis/rescore.py WORK_DIR/predictions.npz --train WORK_DIR/train_features.npz

`score` is the one that decided in the run. Scores that the file does not allow are listed with the
reason. The table is on test data: a score chosen by it is chosen on test.
"""
import argparse
from pathlib import Path

from hesp_mmaction.apis.running import main
from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation import load_dump
from hesp_mmaction.evaluation.finite import named, not_finite
from hesp_mmaction.evaluation.openset_metric import open_set_figures, split_dump
from hesp_mmaction.evaluation.scores import compute_scores


def table(dump, train=None):
    """Lines of the table of all scores of a dump (dict of arrays)."""
    scores, reasons = compute_scores(dump, train)
    lines = []
    scores = dict(score=dump['score'], **scores)
    wrong = not_finite(dump, 'score')
    if wrong.any():
        del scores['score']
        reasons = dict(score=f'NaN or infinite for {named(dump, wrong)}', **reasons)
    for name, values in scores.items():
        figures = open_set_figures(*split_dump(dump, values))
        if not lines:
            lines.append(' '.join([f'{"":22}', *(f'{key:>13}' for key in figures)]))
        lines.append(' '.join([f'{name:22}', *(f'{value:13.2f}' for value in figures.values())]))
    return lines + [f'{name:22} not computed: {reason}' for name, reason in reasons.items()]


def rescore():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('dump', type=Path, help='predictions.npz of a test run')
    parser.add_argument('--train', type=Path, help='train_features.npz of the training')
    args = parser.parse_args()
    for path in filter(None, (args.dump, args.train)):
        if not path.is_file():
            raise InputError(f'there is no file {path}: a training or test writes it into its '
                             'work dir')
    print('\n'.join(table(load_dump(args.dump), args.train and load_dump(args.train))))


if __name__ == '__main__':
    main(rescore)
