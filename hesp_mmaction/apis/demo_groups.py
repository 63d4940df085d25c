"""Groups of unknown clips for the demo page, without the page."""
import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from ..datasets.decoding import VIDEO_EXTENSIONS
from ..datasets.emotions import emotion_of, in_force
from ..errors import InputError
from ..evaluation import load_dump
from ..evaluation.groups import find_groups
from ..evaluation.naming import read_lexicon, readable
from ..models.prompts.text import CLIPTextTower
from .clip_sources import find_clips
from .demo import check_size
from .group_files import format_groups
from .naming import Texts

MOST_CLIPS = 300  # more is for tools/discover.py
FEWEST = 4  # unknown clips, of which a number of groups can be estimated


@dataclass
class Grouped:
    """Unknown clips in groups.

    Attributes:
        groups (list[Group]): of rows of ``paths``, the largest group first.
        paths (list[str]): of clips, known ones among them.
        total (int): how many clips were looked at.
        problems (list[str]): a sentence about each clip that cannot be used.
        lexicon (dict[str, str]): the words that were compared, each with its name.
    """
    groups: list
    paths: list
    total: int
    problems: list
    lexicon: dict

    def suggestions(self, number):
        """List the names that a group may have.

        Args:
            number (int): place of the group, from 0.

        Returns:
            list[str]: canonical emotions: the suggested one, then those of the group's words, the
            best first.
        """
        group = self.groups[number]
        names = [group.name, *(emotion_of(self.lexicon[word]) for word, _ in group.words)]
        return list(dict.fromkeys(filter(None, names)))


class GroupFinder:
    """Groups the unknown ones among clips, by a trained model.

    Args:
        inferencer (HESPInferencer): the model.
        train (dict[str, np.ndarray], optional): of its known training clips the ``feature`` (M, D)
            and the ``label`` (M,). All clips are then grouped together with these, as
            ``tools/discover.py`` does it. Defaults to None: the clips that the model's threshold
            calls unknown are grouped by themselves.
    """

    def __init__(self, inferencer, train=None):
        self.inferencer, self.train = inferencer, train

    @cached_property
    def words(self):
        """The lexicon (dict) without words of known emotions, and its texts (V, D).

        Raises:
            InputError: the config names no CLIP, or no word is left.
        """
        if 'clip' not in self.inferencer.cfg:
            raise InputError('The config of this model names no `clip`, so no words can be '
                             'suggested.')
        tower = CLIPTextTower(**self.inferencer.cfg.clip)
        return Texts(tower, readable(tower, read_lexicon())).without(self.inferencer.known)

    @torch.no_grad()
    def __call__(self, inputs, k=None):
        """Group the unknown ones among clips.

        Args:
            inputs (list[str]): videos, or folders of videos.
            k (int, optional): number of groups. Defaults to an estimate, see
                ``count_groups``.

        Returns:
            Grouped

        Raises:
            InputError: there are neither training clips nor a threshold, there are too many clips,
                or too few of them can be used or are unknown.
        """
        if self.train is None and not torch.isfinite(self.inferencer.model.cls_head.threshold):
            raise InputError('This model has no threshold, so no clip is called unknown.')
        lexicon, texts = self.words
        clips, problems = _usable(find_clips(list(inputs)))
        paths, samples = [], []
        for batch in self.inferencer.preprocess(clips):
            problems += [_sentence(place['file'], place['error']) for place, data in batch
                         if data is None]
            batch = [(place['file'], data) for place, data in batch if data is not None]
            if batch:
                paths += [name for name, _ in batch]
                samples += self.inferencer.model.test_step(
                    self.inferencer.collate_fn([data for _, data in batch]))
        total, known = len(samples), (None, None)
        if self.train is None:
            rows = [i for i in range(total) if samples[i].pred_emotion == 'unknown']
            paths, samples = [paths[i] for i in rows], [samples[i] for i in rows]
        else:
            known = self.train['feature'], self.train['label']
        if len(samples) < (k or FEWEST):
            raise InputError(' '.join([
                f'{len(samples)} of {total} clips may be unknown, which are too few to make '
                'groups.', *problems[:3]]))
        features = np.stack([sample.pred_feature.numpy() for sample in samples])
        groups = find_groups(features, texts, lexicon, k, *known)
        return Grouped(groups, paths, total, problems, lexicon)


def _usable(clips):
    """Those clips that the page takes, and a sentence about each of the others."""
    if len(clips) > MOST_CLIPS:
        raise InputError(f'These are {len(clips)} clips and this page takes {MOST_CLIPS}: use '
                         'tools/discover.py.')
    usable, problems = [], []
    for clip in clips:
        try:
            if not Path(clip.name).is_dir():
                if not clip.name.lower().endswith(VIDEO_EXTENSIONS):  # FFmpeg would play a text
                    raise InputError(_sentence(clip.name, 'it is no video'))
                check_size(clip.name)
            usable.append(clip)
        except InputError as error:
            problems.append(str(error))
    return usable, problems


def _sentence(path, problem):
    return f'{Path(path).name} cannot be used: {problem}.'


def decided_text(grouped, decisions, known, names=None):
    """Write what a person decided as the text that ``tools/discover.py --apply`` reads.

    Args:
        grouped (Grouped): the groups.
        decisions (Sequence[str or None]): for each group the emotion that it shows, in any known
            spelling or as a new word, or None to drop the group. Groups of one emotion are merged.
        known (Sequence[str]): emotions that the model knows.
        names (Sequence[str], optional): what the text calls the clips. Defaults to their paths.

    Returns:
        str: the text.

    Raises:
        InputError: a name cannot be one or is nearly that of an emotion, or is known already.
    """
    found = [None if name is None else in_force().with_words(name).canonical(name)
             for name in decisions]
    for number, name in enumerate(found, 1):
        if name in known:
            raise InputError(f'Group {number}: {name} is known already. Choose another name, or '
                             'drop the group.')
    groups = [replace(group, name=name) for group, name in zip(grouped.groups, found, strict=True)]
    text = format_groups(groups, grouped.paths if names is None else names)
    for number, name in enumerate(found, 1):
        first = found.index(name) + 1
        if name is not None and first < number:
            text = re.sub(rf'(?m)^group {number}: .*$', f'group {number}: merge {first}', text)
    return text


def read_train_features(checkpoint):
    """Read what a training left beside its checkpoint.

    Args:
        checkpoint (str or None): path of the checkpoint.

    Returns:
        dict[str, np.ndarray] or None: ``train_features.npz`` of its folder, if it is there.
    """
    path = checkpoint and Path(checkpoint).parent / 'train_features.npz'
    return load_dump(path) if path and path.is_file() else None
