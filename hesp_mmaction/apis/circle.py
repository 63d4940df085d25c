"""From unknown to known on drawn clips: what ``tools/run_growth.py`` measures."""
import json
import os
from pathlib import Path

import numpy as np

from ..compat.launching import optim_wrapper_cfg
from ..datasets.emotions import BASIC, emotion_of
from ..datasets.splits import known_names
from ..evaluation.dumps import load_dump
from ..evaluation.openset_metric import metrics_from_dump
from ..files import whole, write_json
from .configs import load_config
from .determinism import prepare_determinism
from .group_lists import apply_groups, labelled_clips, write_groups
from .growth import Growth, accuracy
from .protocol import run_split
from .report import markdown
from .running import run
from .tasks import choose_data
from .unknown_groups import config_of, discover, find_run, other_clips

FIGURES = ('AUROC', 'OSCR', 'ACC old', 'ACC old among old', 'ACC new')
ROWS = ('before', 'before, without clips of the new emotions', 'after')


def walk(config, split, folder, options):
    """Train on three emotions, discover two others, learn them, test before and after.

    The two are the first unknown ones of the split by name. Their training clips are given without
    labels; no test clip is seen before the test. A result that is there is taken over.

    Args:
        config (str): path of a config of drawn clips.
        split (int): 0 to 4, of AFEW 3:4.
        folder (Path): of the results.
        options (dict): see ``--cfg-options``.

    Returns:
        dict: ``figures`` (row of ``ROWS`` to figure of ``FIGURES`` to percent), ``hidden`` (the two
        emotions), ``found`` (emotion to size and purity of what was accepted), and ``named`` and
        ``named_closed``: hidden emotions whose first suggestion was right, of all words that the
        CLIP reads and of the emotions of the data set.
    """
    record = Path(folder) / 'growth_result.json'
    if not record.is_file():
        write_json(_walk(config, split, folder, options), record)
    result = json.loads(record.read_text(encoding='utf-8'))
    before, after = (load_dump(folder / name / 'predictions.npz') for name in ('three', 'five'))
    return result | dict(figures=figures(before, after, result['known'], list(result['found'])))


def _walk(config, split, folder, options):
    """What ``walk`` returns, without the figures."""
    known = known_names('AFEW', '3:4', split)
    hidden = [name for name in BASIC if name not in known][:2]
    run_split(config, split, folder / 'three', options, resume=True)
    three = find_run(folder / 'three')
    truth = {clip.path: clip.emotion for clip in labelled_clips(config_of(three), 'train')
             if clip.emotion in hidden}
    judged = other_clips(three, list(truth))
    groups = discover(three, judged)
    write_groups(folder / 'groups', three, judged, groups)
    answer(folder / 'groups/groups.txt', groups, [truth[path] for path in judged.paths])
    applied = apply_groups(folder / 'groups')
    train_grown(applied, folder / 'five')
    found = {name: dict(clips=len(clips), right=sum(
        emotion == name for path, emotion in truth.items() if os.path.abspath(path) in clips))
        for name, clips in applied.new.items()}
    return dict(split=split, known=list(known), hidden=hidden, found=found,
                **names_right(groups, [truth[path] for path in judged.paths], hidden))


def majority(group, truth):
    """The emotion that most clips of a group have.

    Args:
        group (Group): rows of the clips.
        truth (Sequence[str]): emotion of each clip.

    Returns:
        str: of equally frequent ones the first by name.
    """
    names, counts = np.unique([truth[i] for i in group.clips], return_counts=True)
    return str(names[counts.argmax()])


def answer(path, groups, truth):
    """Edit ``groups.txt`` as a person would who knows the emotion of most clips of each group.

    The largest group of an emotion is accepted, others of the same emotion join it.

    Args:
        path (str or Path): of the text of ``group_files.format_groups``.
        groups (list[Group]): the largest first.
        truth (Sequence[str]): emotion of each clip.
    """
    first = {}
    lines = Path(path).read_text(encoding='utf-8').split('\n')
    for number, group in enumerate(groups, 1):
        emotion = majority(group, truth)
        place = next(i for i, line in enumerate(lines) if line.startswith(f'group {number}: '))
        lines[place] = f'group {number}: ' + (
            f'merge {first[emotion]}' if emotion in first else f'accept {emotion}')
        first.setdefault(emotion, number)
    with whole(path) as file:
        file.write('\n'.join(lines))


def names_right(groups, truth, hidden):
    """How often the first suggestion names a hidden emotion.

    Args:
        groups (list[Group]): the largest first.
        truth (Sequence[str]): emotion of each clip.
        hidden (Sequence[str]): the emotions; the largest group of each counts, and one without a
            group is not named.

    Returns:
        dict[str, int]: ``named``, of all words, and ``named_closed``, of the basic emotions.
    """
    largest = {}
    for group in groups:
        largest.setdefault(majority(group, truth), group)
    result = dict(named=0, named_closed=0)
    for name in hidden:
        if name in largest:
            words = [emotion_of(word) for word, _ in largest[name].words]
            result['named'] += largest[name].name == name
            result['named_closed'] += next((w for w in words if w in BASIC), None) == name
    return result


def train_grown(applied, work_dir):
    """Train as the command that ``tools/discover.py --apply`` prints.

    Args:
        applied (Applied): of ``group_lists.apply_groups``.
        work_dir (Path): of the training.
    """
    cfg = load_config(str(applied.run.config))
    choose_data(cfg, applied.options, known=applied.known)
    cfg.work_dir, cfg.log_level = str(work_dir), 'WARNING'
    cfg.optim_wrapper = optim_wrapper_cfg(cfg.optim_wrapper,
                                          cfg.get('precision', {}).get('amp', False))
    prepare_determinism(cfg)
    run(cfg, Growth(cfg, str(applied.run.checkpoint)).train,
        ['train_dataloader', 'val_dataloader'])


def figures(before, after, old, new):
    """Figures of one split.

    Args:
        before (dict[str, np.ndarray]): dump of the test of the old model.
        after (dict[str, np.ndarray]): dump of the test of the grown one.
        old (Sequence[str]): emotions of the old model.
        new (Sequence[str]): emotions that it learned.

    Returns:
        dict[str, dict[str, float]]: see ``walk``. A model names none of the emotions that it
        does not know, so its ``ACC new`` is 0.
    """
    kept = ~np.isin(before['emotion'], new)
    fewer = {key: value[kept] if value.shape[:1] == kept.shape else value
             for key, value in before.items()}
    result = {}
    for row, dump in zip(ROWS, (before, fewer, after), strict=True):
        found = metrics_from_dump(dump)
        result[row] = {'AUROC': found['AUROC'], 'OSCR': found['OSCR'],
                       'ACC old': accuracy(dump, old),
                       'ACC old among old': accuracy(dump, old, old),
                       'ACC new': accuracy(dump, new)}
    return result


def table(results):
    """Means and standard errors over splits.

    Args:
        results (list[dict]): of ``walk``.

    Returns:
        str: Markdown, with a sentence about the names.
    """
    rows = [['known emotions', *FIGURES]]
    for row in ROWS:
        cells = [np.array([result['figures'][row][key] for result in results]) for key in FIGURES]
        rows.append([row, *map(_cell, cells)])
    hidden = sum(len(result['hidden']) for result in results)
    found = [entry for result in results for entry in result['found'].values()]
    named, closed = (sum(result[key] for result in results) for key in ('named', 'named_closed'))
    return (f'{markdown(rows)}\n\n{len(found)} of {hidden} hidden emotions became groups; of their '
            f'{sum(entry["clips"] for entry in found)} clips '
            f'{sum(entry["right"] for entry in found)} have the accepted emotion. The first '
            f'suggestion is right for {named} of {hidden} among all words that the CLIP reads, for '
            f'{closed} of {hidden} among the emotions of the data set.')


def _cell(values):
    if not np.isfinite(values).all():
        return ''
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float('nan')
    return f'{values.mean():.1f} +- {error:.1f}'
