"""Make a validation part of training data: of clips in AFEW's layout, or of a file of features.

    python tools/data/hold_out.py data/synthetic data/validation --subject '^\\d{3}'
    python tools/data/hold_out.py features.npz validation.npz --subject '/\\d{3}'

Choose settings on it, so that the test part stays unseen: the result holds only training clips or
training rows. Clips (videos and folders of frames) are linked, not copied.
"""
import argparse
import os
import random
import re
from collections import Counter
from pathlib import Path

import numpy as np

from hesp_mmaction.apis.emotion_wiring import add_emotions_flag
from hesp_mmaction.apis.running import run_tool
from hesp_mmaction.datasets.afew import afew_clips, afew_others
from hesp_mmaction.datasets.feature_file import is_feature_file, read_features
from hesp_mmaction.errors import InputError
from hesp_mmaction.files import whole
from hesp_mmaction.text import some

OF_TRAINING = ('train_features', 'train_emotion', 'train_id')


def fold_of(subjects, folds, seed=0):
    """Divide subjects into folds of equal size.

    Args:
        subjects (Sequence[str]): the subject of each clip.
        folds (int): how many folds.
        seed (int): the seed of the order. Defaults to 0.

    Returns:
        dict[str, int]: the fold in which each subject is held out, 0 .. folds - 1.

    Raises:
        InputError: there are fewer subjects than folds.
    """
    names = sorted(set(subjects))
    if len(names) < folds:
        raise InputError(f'{folds} folds of {len(names)} subjects: the pattern of --subject finds '
                         f'{", ".join(names[:5])}')
    random.Random(seed).shuffle(names)
    return {name: i % folds for i, name in enumerate(names)}


def folds_by_subject(names, subject, folds, seed=0):
    """Choose the fold in which each clip is held out, together with all others of its subject.

    Args:
        names (Sequence[str]): N names of files or ids.
        subject (str): a regular expression that finds the subject in a name.
        folds (int): how many folds.
        seed (int): the seed of the order of subjects. Defaults to 0.

    Returns:
        list[int]: N numbers 0 .. folds - 1.

    Raises:
        InputError: ``subject`` is no regular expression, a name has no subject, or there are fewer
            subjects than folds.
    """
    try:
        found = [re.search(subject, name) for name in names]
    except re.error as error:
        raise InputError(f'--subject {subject!r} is no regular expression: {error}') from error
    unnamed = [name for name, match in zip(names, found, strict=True) if not match]
    if unnamed:
        raise InputError(f'{unnamed[0]} does not match --subject {subject!r}')
    held = fold_of([match[0] for match in found], folds, seed)
    return [held[match[0]] for match in found]


def folds_at_random(emotions, folds, seed=0):
    """Choose the fold in which each row is held out, with equal shares of every emotion.

    Args:
        emotions (Sequence[str]): N names.
        folds (int): how many folds.
        seed (int): the seed of the choice. Defaults to 0.

    Returns:
        list[int]: N numbers 0 .. folds - 1.

    Raises:
        InputError: an emotion has fewer rows than there are folds.
    """
    few = [f'{name} ({n})' for name, n in sorted(Counter(emotions).items()) if n < folds]
    if few:
        raise InputError(f'{folds} folds need {folds} training rows of every emotion: '
                         f'{", ".join(few)}; choose fewer --folds')
    draw, held = random.Random(seed), [0] * len(emotions)
    for name in sorted(set(emotions)):
        rows = [row for row, emotion in enumerate(emotions) if emotion == name]
        draw.shuffle(rows)
        for i, row in enumerate(rows):
            held[row] = i % folds
    return held


def hold_out(root, out, subject, fold, folds, seed=0):
    """Link the clips of ``root/Train_AFEW`` into a new folder with a training and a test part.

    Args:
        root (Path): the data, in AFEW's layout.
        out (Path): the new folder.
        subject (str): a regular expression that finds the subject in the name of a file.
        fold (int): the fold that becomes the test part.
        folds (int): how many folds.
        seed (int): the seed of the folds. Defaults to 0.

    Returns:
        dict[str, int]: the number of clips in ``'Train_AFEW'`` and ``'Val_AFEW'``.

    Raises:
        InputError: the folds cannot be made, or ``out`` exists.
    """
    check_arguments(out, fold, folds)
    listed, problems = afew_clips(root, 'train', classes=None)
    if problems:
        raise InputError('; '.join(problems))
    clips = sorted(Path(clip.path) for clip in listed)
    if not clips:
        raise InputError(f'no clips in {Path(root) / "Train_AFEW"}')
    if subject is None:
        raise InputError(f'{root} holds clips: give --subject PATTERN, which finds the subject in '
                         'the name of a file')
    held = folds_by_subject([clip.stem for clip in clips], subject, folds, seed)
    counts = dict(Train_AFEW=0, Val_AFEW=0)
    for clip, number in zip(clips, held, strict=True):
        part = 'Val_AFEW' if number == fold else 'Train_AFEW'
        place = Path(out) / part / clip.parent.name / clip.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(clip.resolve())
        counts[part] += 1
    return counts


def hold_out_rows(file, out, subject, fold, folds, seed=0):
    """Write the training rows of a file of features as the two parts of a new file.

    The test rows of ``file`` are checked with the rest of it, and not used.

    Args:
        file (str): the file, see ``read_features``.
        out (str): the new file. It keeps everything that was stored of a row.
        subject (str | None): a regular expression that finds the subject in an id. None if the file
            has no ids: rows are then drawn at random, with equal shares of every emotion.
        fold (int): the fold that becomes the test part.
        folds (int): how many folds.
        seed (int): the seed of the folds. Defaults to 0.

    Returns:
        dict[str, int]: the number of rows of ``'train'`` and ``'test'``.

    Raises:
        InputError: the file cannot be used, ``out`` exists or is no ``.npz``, only one of ids and
            ``subject`` is given, or the folds cannot be made.
    """
    check_arguments(out, fold, folds)
    if not is_feature_file(out):
        raise InputError(f'{out}: the result is a file of features, too; give it a '
                         'name that ends in .npz')
    rows = read_features(file)['train']
    with np.load(file, allow_pickle=False) as held:
        arrays = {key: held[key] for key in OF_TRAINING if key in held}
    if ('train_id' in arrays) != (subject is not None):
        raise InputError(
            f'{file} has no train_id in which --subject could find a subject: leave it out, and '
            'rows are drawn at random' if subject is not None else
            f'{file} has ids: give --subject PATTERN, which finds the subject in an id, so that '
            "nobody is in both parts ('.+' makes every row a subject of its own)")
    number = np.array(folds_at_random(rows.emotions, folds, seed) if subject is None else
                      folds_by_subject(rows.ids, subject, folds, seed))
    parts = dict(train=number != fold, test=number == fold)
    with whole(out, 'wb') as new:
        np.savez_compressed(new, **{key.replace('train', part, 1): values[chosen]
                                    for part, chosen in parts.items()
                                    for key, values in arrays.items()})
    return {part: int(chosen.sum()) for part, chosen in parts.items()}


def check_arguments(out, fold, folds):
    """Check the folds and the new path.

    Args:
        out (str | Path): the new folder or file.
        fold (int): the fold that is held out.
        folds (int): how many folds.

    Raises:
        InputError: there is no such fold, or ``out`` exists.
    """
    if folds < 2:
        raise InputError(f'--folds {folds}: it must be 2 or more, or no clip is left to train on')
    if not 0 <= fold < folds:
        raise InputError(f'--fold {fold}: one of 0 .. {folds - 1}')
    if os.path.lexists(out):
        raise InputError(f'{out} exists already: choose another name')


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', type=os.path.expanduser,
                        help='data set in AFEW\'s layout, or a file of features (.npz)')
    parser.add_argument('out', type=os.path.expanduser, help='folder or file to make')
    parser.add_argument('--subject', metavar='PATTERN',
                        help='regular expression: what it finds in a file name without its suffix, '
                        'or in an id, is the subject; without it, rows of a file that has no ids '
                        'are drawn at random, of every emotion alike')
    parser.add_argument('--fold', type=int, default=0, help='held out (default: %(default)s)')
    parser.add_argument('--folds', type=int, default=3, help='default: %(default)s')
    parser.add_argument('--seed', type=int, default=0, help='another seed, other folds')
    add_emotions_flag(parser)
    args = parser.parse_args()
    given = args.root, args.out, args.subject, args.fold, args.folds, args.seed
    if is_feature_file(args.root):
        counts = hold_out_rows(*given)
        print(f'{args.out}: {counts["train"]} training rows, {counts["test"]} held out; use it '
              f'with --cfg-options features={args.out}')
        if args.subject is None:
            print('Rows were drawn at random: a person may be in both parts. With train_id and '
                  '--subject nobody is.')
        return
    counts = hold_out(*given)
    print(f'{args.out}: {counts["Train_AFEW"]} training clips, {counts["Val_AFEW"]} held out')
    passed = afew_others(args.root, 'train')
    if passed:
        print(f'{len(passed)} passed over, neither videos nor folders of frames: {some(passed)}')


if __name__ == '__main__':
    run_tool(main)
