"""Suggest names for the clips that finished runs judged unknown, group these clips, and measure
both.

    python tools/analysis/name_unknown.py WORK_DIR [WORK_DIR ...]
    python tools/analysis/name_unknown.py RUNS/split* --zero-shot CLIP_RUNS/split*

The CLIP is read from the config that the training left in the work dir. Writes `naming.json`
(figures) and `naming.csv` (words and cluster of every sample judged unknown). Known emotions are
never suggested. The one exception is "zero-shot CLIP over all names", which is not told what is
unknown.
"""
import argparse
import csv
from pathlib import Path

from hesp_mmaction.apis.configs import KeyValue
from hesp_mmaction.apis.naming import Texts, figures_of_run, read_features, same_samples
from hesp_mmaction.apis.naming_tables import COLUMNS, rows_of_run, tables
from hesp_mmaction.apis.results import run_names
from hesp_mmaction.apis.running import run_tool
from hesp_mmaction.apis.trained import clip_of_run
from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation.naming import LEXICON, emotion_lexicon, read_lexicon, readable
from hesp_mmaction.files import whole, write_json
from hesp_mmaction.models.prompts.text import CLIPTextTower


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('work_dirs', nargs='+', help='folders with predictions.npz and '
                        'train_features.npz, of one data set')
    parser.add_argument('--zero-shot', nargs='+', metavar='WORK_DIR',
                        help='tests of zero-shot CLIP on the same splits, to compare with')
    parser.add_argument('--lexicon', default=LEXICON, metavar='FILE',
                        help='words of your own, one a line; default: those of this package')
    parser.add_argument('--clusters', type=int, metavar='K',
                        help='default: as many as the test set has unknown emotions')
    parser.add_argument('--out', help='folder of the files; default: the first work dir')
    parser.add_argument('--config', help='config of the runs; default: the one in each work dir')
    parser.add_argument('--cfg-options', nargs='+', action=KeyValue,
                        help='changes to it, such as clip.pretrained=FILE where the weights moved')
    args = parser.parse_args()
    zero_dirs = args.zero_shot or [None] * len(args.work_dirs)
    if len(zero_dirs) != len(args.work_dirs):
        raise InputError(f'{len(args.work_dirs)} work dirs but {len(zero_dirs)} zero-shot runs: '
                         'give one for each')
    names = run_names(args.work_dirs)
    runs = [read_features(folder) for folder in args.work_dirs]
    clips = [clip_of_run(folder, args.config, args.cfg_options) for folder in args.work_dirs]
    if any(clip != clips[0] for clip in clips):
        raise InputError('the work dirs are of different CLIPs: name those of one')
    lexicon = read_lexicon(args.lexicon)  # by the emotions of the config
    tower = CLIPTextTower(**clips[0])
    can_read = readable(tower, lexicon)
    if len(can_read) < len(lexicon):
        print(f'{len(lexicon) - len(can_read)} of {len(lexicon)} words of the lexicon are left '
              'out: this CLIP has no embedding for them')
    wide, figures, rows = Texts(tower, can_read), [], []
    for name, (dump, train), zero_dir in zip(names, runs, zero_dirs, strict=True):
        zero_shot = None
        if zero_dir is not None:
            zero_shot, _ = read_features(zero_dir, train=False)
            same_samples(dump, zero_shot, zero_dir)
        k = args.clusters or max(1, len(set(dump['emotion'][dump['label'] < 0])))
        closed = Texts(tower, emotion_lexicon(sorted(set(dump['emotion']))))
        figures.append(figures_of_run(dump, train, zero_shot, closed, wide, k))
        rows += rows_of_run(name, dump, train, wide, k)
    out = Path(args.out or args.work_dirs[0])
    write_json(dict(zip(names, figures, strict=True)), out / 'naming.json')
    with whole(out / 'naming.csv') as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    if len(args.work_dirs) == 1:
        for row in rows:
            words = ', '.join(row[key] for key in ('word1', 'word2', 'word3') if key in row)
            print(f'{row["sample_id"]}: {words} (cluster {row["cluster"]}: {row["cluster_word"]}; '
                  f'truth: {row["emotion"]})')
        print()
    print(f'{tables(figures)}\n\n{out / "naming.json"}\n{out / "naming.csv"}')


if __name__ == '__main__':
    run_tool(main)
