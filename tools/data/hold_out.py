"""A validation part by subject: a data set in AFEW's layout made of another's training clips.

    python tools/data/hold_out.py data/synthetic data/validation --subject '^\\d{3}'

Settings are chosen on it, so that the test clips stay unseen. Clips (videos and folders of frames)
are linked, not copied.
"""
import argparse
import random
import re
from pathlib import Path

from hesp_mmaction.apis.running import main
from hesp_mmaction.datasets.afew import afew_clips, afew_others
from hesp_mmaction.datasets.frame_store import some
from hesp_mmaction.errors import InputError


def fold_of(subjects, folds, seed=0):
    """Subjects to the fold they are held out in: (dict) name to 0 .. folds - 1, equal shares."""
    names = sorted(set(subjects))
    if len(names) < folds:
        raise InputError(f'{folds} folds of {len(names)} subjects: the pattern of --subject gives '
                         f'{", ".join(names[:5])}')
    random.Random(seed).shuffle(names)
    return {name: i % folds for i, name in enumerate(names)}


def hold_out(root, out, subject, fold, folds):
    """Link the clips of ``root/Train_AFEW`` into ``out``; gives the counts of both parts."""
    if not 0 <= fold < folds:
        raise InputError(f'--fold {fold}: one of 0 .. {folds - 1}')
    listed, problems = afew_clips(root, 'train', classes=None)
    if problems:
        raise InputError('; '.join(problems))
    clips = sorted(Path(clip.path) for clip in listed)
    if not clips:
        raise InputError(f'no clips in {Path(root) / "Train_AFEW"}')
    found = {clip: re.search(subject, clip.stem) for clip in clips}
    unnamed = [clip for clip in clips if not found[clip]]
    if unnamed:
        raise InputError(f'{unnamed[0].name} does not match --subject {subject!r}')
    held = fold_of([match[0] for match in found.values()], folds)
    if Path(out).exists():
        raise InputError(f'{out} exists already: choose another folder')
    counts = dict(Train_AFEW=0, Val_AFEW=0)
    for clip, match in found.items():
        part = 'Val_AFEW' if held[match[0]] == fold else 'Train_AFEW'
        place = Path(out) / part / clip.parent.name / clip.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(clip.resolve())
        counts[part] += 1
    return counts


def command():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', help='data set in AFEW\'s layout')
    parser.add_argument('out', help='folder to make')
    parser.add_argument('--subject', required=True, metavar='PATTERN',
                        help='regular expression: what it finds in a file name is the subject')
    parser.add_argument('--fold', type=int, default=0)
    parser.add_argument('--folds', type=int, default=3)
    args = parser.parse_args()
    counts = hold_out(args.root, args.out, args.subject, args.fold, args.folds)
    print(f'{args.out}: {counts["Train_AFEW"]} training clips, {counts["Val_AFEW"]} held out')
    passed = afew_others(args.root, 'train')
    if passed:
        print(f'{len(passed)} passed over, neither videos nor folders of frames: {some(passed)}')


if __name__ == '__main__':
    main(command)
