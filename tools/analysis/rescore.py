"""Compute every score of a test run, without a forward pass:

    python tools/analysis/rescore.py WORK_DIR/predictions.npz --train WORK_DIR/train_features.npz
    python tools/analysis/rescore.py WORK_DIR/predictions.npz --words

`score` is the score that decided in the run. Scores that cannot be computed from the file are
listed with the reason. The table is on test data: a score chosen by it is chosen on test.

Some scores read the texts of emotion words. `--words` computes these texts by the CLIP of the run,
whose config is in the folder of the dump. Each such score has two rows. The row of its own name
leaves out all words of emotions of the data set. The row `..._unknown_names_possible` only leaves
out the words of known emotions. It therefore knows the names of the unknown ones and is no result.
"""
import argparse
from pathlib import Path

from hesp_mmaction.apis.configs import KeyValue
from hesp_mmaction.apis.running import run_tool
from hesp_mmaction.apis.trained import clip_of_run
from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation import load_dump
from hesp_mmaction.evaluation.finite import named, not_finite
from hesp_mmaction.evaluation.naming import LEXICON, read_lexicon, readable
from hesp_mmaction.evaluation.openset_metric import open_set_figures, split_dump
from hesp_mmaction.evaluation.scores import compute_scores
from hesp_mmaction.evaluation.words import word_scores
from hesp_mmaction.models.prompts.text import CLIPTextTower


def table(dump, train=None, tower=None, lexicon=None):
    """Make the table of all scores of a dump.

    Args:
        dump (dict[str, np.ndarray]): the raw material of a test run.
        train (dict[str, np.ndarray], optional): the raw material of the known training samples.
            Defaults to None.
        tower (CLIPTextTower, optional): the texts of the run's CLIP, for the scores that read
            words. Defaults to None.
        lexicon (dict[str, str], optional): the words and their emotions. Defaults to None.

    Returns:
        list[str]: the lines.
    """
    scores, reasons = compute_scores(dump, train)
    if tower is not None:
        of_words, why = word_scores(dump, train, tower, lexicon)
        scores |= of_words
        reasons = {name: reason for name, reason in reasons.items() if name not in of_words} | why
    lines = []
    scores = dict(score=dump['score'], **scores)
    wrong = not_finite(dump, 'score')
    if wrong.any():
        del scores['score']
        reasons = dict(score=f'NaN or infinite for {named(dump, wrong)}', **reasons)
    width = max(map(len, [*scores, *reasons]))
    for name, values in scores.items():
        figures = open_set_figures(*split_dump(dump, values))
        if not lines:
            lines.append(' '.join([' ' * width, *(f'{key:>13}' for key in figures)]))
        cells = [f'{value:13.2f}' for value in figures.values()]
        lines.append(' '.join([f'{name:{width}}', *cells]))
    return lines + [f'{name:{width}} not computed: {reason}' for name, reason in reasons.items()]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('dump', type=Path, help='predictions.npz of a test run')
    parser.add_argument('--train', type=Path, help='train_features.npz of the training')
    parser.add_argument('--words', nargs='?', const=LEXICON, metavar='FILE',
                        help='also the scores that read words; FILE: words of your own, one a '
                        'line; default: those of this package')
    parser.add_argument('--config', help='config of the run, which names its CLIP; default: the '
                        'one in the folder of the dump')
    parser.add_argument('--cfg-options', nargs='+', action=KeyValue,
                        help='changes to it, such as clip.pretrained=FILE where the weights moved')
    args = parser.parse_args()
    for path in filter(None, (args.dump, args.train)):
        if not path.is_file():
            raise InputError(f'there is no file {path}: a training or test writes it into its '
                             'work dir')
    tower = lexicon = None
    if args.words:
        tower = CLIPTextTower(**clip_of_run(args.dump.parent, args.config, args.cfg_options))
        lexicon = read_lexicon(args.words)  # by the emotions of that config
    print('\n'.join(table(load_dump(args.dump), args.train and load_dump(args.train), tower,
                          lexicon)))
    can_read = tower and readable(tower, lexicon)
    if can_read and len(can_read) < len(lexicon):
        print(f'{len(lexicon) - len(can_read)} of {len(lexicon)} words of the lexicon are left '
              'out: this CLIP has no embedding for them')


if __name__ == '__main__':
    run_tool(main)
